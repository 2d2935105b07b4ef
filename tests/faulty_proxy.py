"""A small HTTP proxy in front of an S3 server that injects one kind of fault, a bounded number of times."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ("slow", "throttled", "unavailable", "internal", "forbidden", "reset", "cut", "wrong etag", "empty")
_STATUS = {
    "throttled": (503, "SlowDown"),
    "unavailable": (503, "ServiceUnavailable"),
    "internal": (500, "InternalError"),
    "forbidden": (403, "AccessDenied"),
}


class FaultyProxy:
    """`fault` hits the next `times` requests; -1 means all of them. `requests` counts those that came in."""

    def __init__(self, endpoint: str, slow_seconds: float) -> None:
        self.target = urlsplit(endpoint)
        self.slow_seconds = slow_seconds
        self.fault: str | None = None
        self.times = -1
        self.requests = 0
        self.lock = threading.Lock()
        self.address = ""

    def inject(self, fault: str | None, times: int = -1) -> None:
        self.fault, self.times, self.requests = fault, times, 0

    def next_fault(self) -> str | None:
        with self.lock:
            self.requests += 1
            if self.times == 0:
                return None
            self.times -= self.times > 0
            return self.fault


@contextmanager
def faulty_proxy(endpoint: str, slow_seconds: float) -> Iterator[FaultyProxy]:
    """Serve on a free port for the block."""
    proxy = FaultyProxy(endpoint, slow_seconds)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.next_fault()
            if fault == "slow":
                time.sleep(proxy.slow_seconds)
            if fault == "reset":
                # A close with a linger of 0 seconds sends a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
                return
            if fault in _STATUS:
                status, code = _STATUS[fault]
                self._send(status, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode())
                return
            server = http.client.HTTPConnection(proxy.target.hostname or "", proxy.target.port, timeout=30)
            server.request(self.command, self.path, body, dict(self.headers))
            answer = server.getresponse()
            content, headers = answer.read(), dict(answer.getheaders())
            server.close()
            if fault == "wrong etag":
                headers = {name: value for name, value in headers.items() if name.lower() != "etag"}
                headers["ETag"] = '"00000000000000000000000000000000"'
            if fault == "empty":
                content = b""
                headers.pop("Content-Length", None)
            self._send(answer.status, headers, content, len(content) // 2 if fault == "cut" else None)

        def _send(self, status: int, headers: dict[str, str], content: bytes, cut: int | None = None) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", headers.get("Content-Length") or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[:cut])
            if cut is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _relay  # noqa: N815  http.server's names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # a client that gave up, or a reset of the proxy's own

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield proxy
    server.shutdown()
    server.server_close()
    thread.join()
