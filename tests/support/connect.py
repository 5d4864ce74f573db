"""A small client of the gateway: unary calls of the Connect protocol in JSON."""

import json
import os
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests

from support.programs import SERVICES
from support.protos import lists, path_of


@cache
def _reads() -> dict[str, str]:
    """A read of each service that everybody on the roster may do: a list needs no role."""
    return {service: name for service, name in lists()}


def new_request_id(at: float | None = None) -> str:
    """A UUIDv7: the time in it gives the request its expiry when it sets none."""
    ms = int((time.time() if at is None else at) * 1000)
    value = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    text = value.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@dataclass
class Reply:
    http_status: int
    headers: dict[str, str]
    body: Any  # parsed JSON, or text where it is none
    code: str = ""  # of an error, such as `invalid_argument`; empty when all is well
    message: str = ""
    details: dict[str, dict[str, Any]] = field(default_factory=dict)  # by short type name

    @property
    def ok(self) -> bool:
        return self.http_status == 200

    @property
    def reason(self) -> str:
        return str(self.details.get("ErrorInfo", {}).get("reason", ""))

    @property
    def fields(self) -> list[str]:
        """Paths of the request fields at fault."""
        violations = self.details.get("BadRequest", {}).get("fieldViolations", [])
        return [str(violation.get("field", "")) for violation in violations]


class Connect:
    """`url` is the gateway's; `token` goes with each call that does not name its own."""

    def __init__(self, url: str, token: str = "", timeout_s: float = 10) -> None:
        self.url = url
        self.token = token
        self.timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False

    def as_(self, token: str) -> "Connect":
        return Connect(self.url, token, self.timeout_s)

    def call(self, service: str, method: str, request: dict[str, Any] | None = None, *,
             token: str | None = None, timeout_ms: int | None = None, after: str = "",
             headers: dict[str, str] | None = None) -> Reply:
        """`service` is the short name. `after` holds positions that must be reached first."""
        sent = dict(headers or {})
        if timeout_ms is not None:
            sent["Connect-Timeout-Ms"] = str(timeout_ms)
        if after:
            sent["tocsin-after"] = after
        return self.post(path_of(service, method), json.dumps(request or {}).encode(),
                         token=token, headers=sent)

    def change(self, service: str, method: str, request: dict[str, Any], **options: Any) -> Reply:
        """A call that changes something; it gets a request id unless it has one."""
        return self.call(service, method, {"requestId": new_request_id(), **request}, **options)

    def must(self, service: str, method: str, request: dict[str, Any] | None = None,
             **options: Any) -> dict[str, Any]:
        """The answer of a read that must succeed."""
        return _must(self.call(service, method, request, **options), method)

    def must_change(self, service: str, method: str, request: dict[str, Any],
                    **options: Any) -> dict[str, Any]:
        """The answer of a change that must succeed; asked again as it is while `unavailable`."""
        request = {"requestId": new_request_id(), **request}
        deadline = time.monotonic() + 30
        pause = 0.05
        while True:
            reply = self.call(service, method, request, **options)
            if reply.code != "unavailable" or time.monotonic() > deadline:
                return _must(reply, method)
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def reach(self, position: str, *services: str, token: str | None = None) -> None:
        """Until these services have read up to there; without a name, all of them."""
        for service in services or SERVICES:
            self.must(service, _reads()[service], after=position, token=token)

    def post(self, path: str, body: bytes, *, token: str | None = None,
             headers: dict[str, str] | None = None) -> Reply:
        """Any bytes to any path, for input that is not as it should be."""
        sent = {"Content-Type": "application/json", "Connect-Protocol-Version": "1"}
        bearer = self.token if token is None else token
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        sent.update(headers or {})
        return reply_of(self._session.post(self.url + path, data=body, headers=sent,
                                           timeout=self.timeout_s))


def reply_of(response: requests.Response) -> Reply:
    try:
        body = response.json()
    except ValueError:
        body = response.text
    reply = Reply(response.status_code, dict(response.headers), body)
    if response.status_code == 200 or not isinstance(body, dict):
        return reply
    reply.code = str(body.get("code", ""))
    reply.message = str(body.get("message", ""))
    for detail in body.get("details", []):
        short = str(detail.get("type", "")).rsplit(".", 1)[-1]
        reply.details[short] = detail.get("debug", {})
    return reply


def _must(reply: Reply, method: str) -> dict[str, Any]:
    assert reply.ok, f"{method}: {reply.http_status} {reply.code} {reply.reason} {reply.message}"
    return reply.body
