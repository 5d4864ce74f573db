"""Receivers of webhooks that check every signature with a library of others, and know a repeat by
its id, as Standard Webhooks has it."""

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import standardwebhooks

from e2e.loopback_server import Fault, Handler, LoopbackServer
from support.credentials import WEBHOOK_SECRET


class Receiver:
    """One of them, under a path of its own."""

    def __init__(self, origin: str, path: str) -> None:
        self.origin = origin
        self.url = f"{origin}/{path}"
        self.status = 204
        # What happens to the next requests instead, in this order.
        self.faults: deque[Fault] = deque()
        self.bodies: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.attempts: list[float] = []  # when each came, by the monotonic clock
        self.refused: list[str] = []
        self._webhook = standardwebhooks.Webhook(WEBHOOK_SECRET)

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            self._webhook.verify(body, headers)
        except standardwebhooks.WebhookVerificationError as error:
            self.refused.append(str(error))
            return False
        self.bodies.append(json.loads(body))
        self.ids.append(headers["webhook-id"])
        self.attempts.append(time.monotonic())
        return True

    def about(self, message: str) -> int:
        return sum(one["data"]["message_id"] == message for one in self.bodies)


class _Handler(Handler):
    double: "WebhookReceivers"

    def do_HEAD(self) -> None:  # noqa: N802
        self.reply(405)

    def do_POST(self) -> None:  # noqa: N802
        receiver = self.double.receivers[self.path.rpartition("/")[2]]
        body = self.body()
        if not receiver.take(body, {name.lower(): value for name, value in self.headers.items()}):
            return self.reply(401)
        answer: Callable[[Handler], None] = (
            receiver.faults.popleft() if receiver.faults else lambda to: to.reply(receiver.status))
        return answer(self)


class WebhookReceivers(LoopbackServer):
    def __init__(self) -> None:
        self.receivers: dict[str, Receiver] = {}
        super().__init__(_Handler)

    def add(self, name: str) -> Receiver:
        return self.receivers.setdefault(name, Receiver(self.url, name))
