"""The processes that cold_start.py compares; it starts each many times, always afresh.

    first_page.py page          what a cold Lambda does: import the entry point, answer one POST /v1/sessions
    first_page.py next          `page`, and answer it with a like: the first search, which opens and loads the index
    first_page.py null PLAN     import the modules and read the files, or S3's objects, that the lines of PLAN name
    first_page.py modules       `page`, and then say which modules it had loaded that a bare interpreter has not

Each prints one line when it is done: its CPU seconds, with the interpreter's start and without, and bytes of memory:
its peak, and of what is resident at the end the part that is its own and the part that is mapped files.

Lambda's emulator calls `answer_event` instead: COLD_START has the arguments, and the function's answer is the line.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # typing's own would cost both sides an import
if TYPE_CHECKING:
    from typing import Any

STARTED = time.process_time()
BARE = frozenset(sys.modules)


def show_first_page() -> dict[str, Any]:
    return _send(_EVENT)


def show_next_page() -> None:
    import json

    first = show_first_page()
    body = {"session": first["session"], "liked": [first["items"][0]["id"]]}
    path = f"{_EVENT['rawPath']}/next"
    http = _EVENT["requestContext"]["http"] | {"path": path}
    _send(
        _EVENT
        | {"rawPath": path, "body": json.dumps(body), "requestContext": _EVENT["requestContext"] | {"http": http}}
    )


def _send(event: dict[str, Any]) -> dict[str, Any]:
    import json

    from handler.lambda_entry import handler

    response = handler(event, None)  # type: ignore[arg-type]
    if response["statusCode"] != 200:
        raise SystemExit(str(response))
    answer: dict[str, Any] = json.loads(response["body"])
    return answer


def import_and_read(plan_path: str) -> None:
    with open(plan_path) as file:
        plan = file.read().splitlines()
    client: Any = None
    for line in plan:
        kind, _, what = line.partition(" ")
        if kind == "import":
            # Not every entry of sys.modules can be imported by its name: some packages put names of their own there.
            with suppress(ImportError):
                __import__(what)
        elif kind == "read":
            _read(what)
        else:
            client = client or _s3_client()
            _read_object(client, what)


def _read(path: str) -> None:
    """Every byte once, into one small buffer: reading is all that this side has to pay for."""
    buffer = bytearray(1 << 20)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _s3_client() -> Any:
    import botocore.session

    return botocore.session.get_session().create_client("s3")


def _read_object(client: Any, place: str) -> None:
    """Every byte once, of the object at BUCKET/KEY, by one request."""
    bucket, _, key = place.partition("/")
    body = client.get_object(Bucket=bucket, Key=key)["Body"]
    while body.read(1 << 20):
        pass


def memory() -> list[int]:
    """VmHWM, RssAnon and RssFile of this process in bytes."""
    with open("/proc/self/status") as file:
        status = dict(line.split(":", 1) for line in file)
    return [1_024 * int(status[name].split()[0]) for name in ("VmHWM", "RssAnon", "RssFile")]


# Written out, as Lambda's runtime hands over a dict: making it is neither side's work.
_EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/v1/sessions",
    "rawQueryString": "",
    "headers": {"content-type": "application/json", "host": "example.execute-api.eu-central-1.amazonaws.com"},
    "requestContext": {
        "domainName": "example.execute-api.eu-central-1.amazonaws.com",
        "http": {"method": "POST", "path": "/v1/sessions", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
        "requestId": "AAAAAAAAAAAAAAA=",
        "stage": "$default",
    },
    "body": "{}",
    "isBase64Encoded": False,
}


def report(arguments: list[str]) -> str:
    """Do what the arguments say; the line to print."""
    if arguments[0] == "null":
        import_and_read(arguments[1])
    elif arguments[0] == "next":
        show_next_page()
    else:
        show_first_page()
    if arguments[0] == "modules":
        return " ".join(name for name in sys.modules if name not in BARE)
    done = time.process_time()
    return " ".join(map(str, (done, done - STARTED, *memory())))


def answer_event(_event: object, _context: object) -> str:
    import os

    return report(os.environ["COLD_START"].split())


if __name__ == "__main__":
    print(report(sys.argv[1:]), flush=True)
