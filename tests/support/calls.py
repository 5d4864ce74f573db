"""gRPC calls to the services themselves, waiting (Caller) or many at a time (the asyncio load)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict, ParseDict

from support.connect import new_request_id
from support.protos import message, method
from support.waiting import until

CHANNEL_OPTIONS = [
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.use_local_subchannel_pool", 1),
]


@dataclass
class Answer:
    code: str  # OK, or the name of a grpc.StatusCode
    body: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    reason: str = ""  # of ErrorInfo
    metadata: dict[str, str] = field(default_factory=dict)  # of ErrorInfo
    retry_after_s: float | None = None  # of RetryInfo
    initial: dict[str, str] = field(default_factory=dict)  # initial metadata of the call

    @property
    def ok(self) -> bool:
        return self.code == "OK"

    @property
    def again(self) -> bool:
        """Not yet: nothing is known, and the same request may be sent again."""
        return self.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")

    @property
    def said(self) -> tuple[str, ...]:
        """What a repeat must get again."""
        if self.ok:
            return ("OK", self.body.get("id", ""), self.body.get("etag", ""),
                    self.body.get("position", ""))
        return (self.code, self.reason, self.text, self.metadata.get("position", ""))

    @property
    def position(self) -> tuple[int, int]:
        """Partition and offset of the decision."""
        _, partition, offset = self.token.split("/")
        return int(partition), int(offset)

    @property
    def token(self) -> str:
        """The position as `tocsin-after` takes it; empty where nothing was decided."""
        return str((self.body if self.ok else self.metadata).get("position", ""))


def call_metadata(token: str, after: str = "") -> tuple[tuple[str, str], ...]:
    """`after` holds positions that must be reached first."""
    sent = {"authorization": f"Bearer {token}" if token else "", "tocsin-after": after}
    return tuple((name, value) for name, value in sent.items() if value)


def request_bytes(service: str, name: str, request: dict[str, Any]) -> bytes:
    return ParseDict(request, method(service, name)[1]()).SerializeToString()


def answer_of(service: str, name: str, body: bytes) -> Answer:
    return Answer("OK", MessageToDict(method(service, name)[2].FromString(body)))


def answer_of_error(error: grpc.RpcError | grpc.aio.AioRpcError) -> Answer:
    answer = Answer(error.code().name, text=error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in message("google.rpc.Status").FromString(value).details:
            short = detail.type_url.rsplit(".", 1)[-1]
            if short == "ErrorInfo":
                info = message("google.rpc.ErrorInfo").FromString(detail.value)
                answer.reason, answer.metadata = info.reason, dict(info.metadata)
            if short == "RetryInfo":
                delay = message("google.rpc.RetryInfo").FromString(detail.value).retry_delay
                answer.retry_after_s = delay.seconds + delay.nanos / 1e9
    return answer


def answered(ask: Callable[[], Answer], what: str, seconds: float = 30) -> Answer:
    """The first answer that is one, whatever it says; `ask` sends the same request each time."""
    def said() -> Answer | None:
        answer = ask()
        return None if answer.again else answer

    return until(said, what, seconds)


class Caller:
    """One person's waiting calls to one process."""

    def __init__(self, address: str, token: str) -> None:
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._token = token

    def call(self, service: str, name: str, request: dict[str, Any] | None = None,
             timeout_s: float = 5, after: str = "") -> Answer:
        path, _, _ = method(service, name)
        try:
            body, call = self._channel.unary_unary(path).with_call(
                request_bytes(service, name, request or {}), timeout=timeout_s,
                metadata=call_metadata(self._token, after))
        except grpc.RpcError as error:
            answer = answer_of_error(error)
            answer.initial = dict(error.initial_metadata() or ())
            return answer
        answer = answer_of(service, name, body)
        answer.initial = dict(call.initial_metadata() or ())
        return answer

    def must(self, service: str, name: str, request: dict[str, Any] | None = None,
             **options: Any) -> dict[str, Any]:
        answer = self.call(service, name, request, **options)
        assert answer.ok, f"{name}: {answer}"
        return answer.body

    def must_change(self, service: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of a change that must succeed; asked again as it is while there is none."""
        request = {"requestId": new_request_id(), **request}
        answer = answered(lambda: self.call(service, name, request), f"an answer to {name}")
        assert answer.ok, f"{name}: {answer}"
        return answer.body

    def pages(self, service: str, name: str, rows: str) -> list[dict[str, Any]]:
        """All rows of a list, page by page."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            answer = self.must(service, name, {"pageSize": 500, "pageToken": token})
            found += answer.get(rows, [])
            token = answer.get("nextPageToken", "")
            if not token:
                return found

    def close(self) -> None:
        self._channel.close()
