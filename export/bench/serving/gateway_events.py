"""API Gateway's events (HTTP API, payload format 2.0), as Lambda hands them over, and a shopper who answers pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

NEXT = "/v1/sessions/next"
START = "/v1/sessions"


def post(path: str, body: object) -> dict[str, Any]:
    """The event of one POST, with the headers that a browser and API Gateway send."""
    text = "" if body is None else json.dumps(body)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate, br",
            "accept-language": "en-GB,en;q=0.9",
            "content-length": str(len(text)),
            "content-type": "application/json",
            "host": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "origin": "https://shop.example",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "x-amzn-trace-id": "Root=1-00000000-000000000000000000000000",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdefghij",
            "domainName": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            },
            "requestId": "AAAAAAAAAAAAAAA=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "body": text,
        "isBase64Encoded": False,
    }


def answer(handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
    """The page that answers `event`. Raises RuntimeError for anything but a 200."""
    response = handler(event, None)
    if response["statusCode"] != 200:
        raise RuntimeError(f"{event['rawPath']} answered {response['statusCode']}: {response['body']}")
    page: dict[str, Any] = json.loads(response["body"])
    return page


def next_event(page: dict[str, Any], **wishes: object) -> dict[str, Any]:
    """The shopper's answer to a page: two of its products liked, one disliked. `wishes` are further fields."""
    ids = [item["id"] for item in page["items"]]
    return post(NEXT, {"session": page["session"], "liked": ids[:2], "disliked": ids[2:3], **wishes})


def play(handler: Handler, seed: str, rounds: int, **wishes: object) -> dict[str, Any]:
    """A shopper's session with `rounds` pages answered, and the event that answers the page now in front."""
    page = answer(handler, post(START, {"seed": seed}))
    for _ in range(rounds):
        page = answer(handler, next_event(page, **wishes))
    return next_event(page, **wishes)
