"""Channels as a crash of their sender leaves them: receivers and accounts that hold the requests of
a step until a test lets them through, and remember what their public was shown.

By class (what a repeat does there, and whether one can look):
  A  a receiver that knows a repeat by its id
  B  an account that knows a repeat by its key, and shows what it has
  C  an account that does not, and shows what it has
  D  an account that does not, and refuses to say what it has
"""

import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Literal

from e2e import mastodon_server, webhook_receiver
from e2e.loopback_server import Handler, LoopbackServer, answers
from e2e.mastodon_server import Account
from e2e.webhook_receiver import Receiver

Step = Literal["prepare", "post", "look"]
CLASSES = ("A", "B", "C", "D")
WAIT_MAX_S = 60


class Door:
    """What comes to it while it is closed waits, with nothing but its headers read."""

    def __init__(self) -> None:
        self._change = threading.Condition()
        self._closed = False
        self.waiting = 0

    def close(self) -> None:
        with self._change:
            self._closed = True

    def open(self) -> None:
        with self._change:
            self._closed = False
            self._change.notify_all()

    def go_through(self) -> None:
        with self._change:
            self.waiting += 1
            opened = self._change.wait_for(lambda: not self._closed, WAIT_MAX_S)
            self.waiting -= 1
        if not opened:
            raise TimeoutError("nobody opened the door")


class Outlet:
    """One channel of a test."""

    def __init__(self, name: str, kind: str, place: Receiver | Account, readable: bool) -> None:
        self.name, self.kind, self.place, self.readable = name, kind, place, readable
        self.doors: dict[Step, Door] = {"prepare": Door(), "post": Door(), "look": Door()}
        self.loses = False  # what comes to be posted never arrives
        self.begun = 0  # requests to post that came
        self.answered = 0  # of those, the ones whose answer was written
        self._lock = threading.Lock()

    def count_anew(self) -> None:
        with self._lock:
            self.begun = self.answered = 0

    def fail_once(self) -> None:
        """It takes the next post and says that it failed."""
        if isinstance(self.place, Receiver):
            self.place.faults.append(answers(504))
        else:
            self.place.faults.append((answers(504), True))

    def shown(self) -> list[str]:
        """All that its public ever saw, the oldest first: each headline."""
        if isinstance(self.place, Account):
            return [post.status for post in list(self.place.posts)]
        seen: dict[str, str] = {}
        for known_by, body in list(zip(self.place.ids, self.place.bodies, strict=False)):
            seen.setdefault(known_by, body["data"]["texts"][0]["headline"])
        return list(seen.values())

    def handle(self, step: Step, handler: Handler, answer: Callable[[], None]) -> None:
        posts = step == "post"
        with self._lock:
            self.begun += posts
        self.doors[step].go_through()
        if posts and self.loses:
            handler.close_connection = True
            return
        answer()
        handler.wfile.flush()
        with self._lock:
            self.answered += posts


class _AccountHandler(mastodon_server._Handler):
    double: "_Accounts"

    def _answer(self) -> None:
        account, path, _ = self._account()
        outlet = self.double.outlets[account.url]
        step: Step = "post" if self.command == "POST" else "look"
        if path.endswith(("/verify_credentials", "/instance")):
            step = "prepare"
        refused = step == "look" and not outlet.readable
        outlet.handle(step, self, self._refuse if refused else super()._answer)

    def _refuse(self) -> None:
        self.reply_json(403, {"error": "This action is outside the authorized scopes"})

    do_GET = do_POST = _answer  # noqa: N815


class _ReceiverHandler(webhook_receiver._Handler):
    double: "_Receivers"

    def _outlet(self) -> Outlet:
        return self.double.outlets[self.double.url + self.path]

    def do_HEAD(self) -> None:  # noqa: N802
        self._outlet().handle("prepare", self, super().do_HEAD)

    def do_POST(self) -> None:  # noqa: N802
        self._outlet().handle("post", self, super().do_POST)


class _Accounts(mastodon_server.MastodonServer):
    def __init__(self) -> None:
        self.outlets: dict[str, Outlet] = {}  # by URL
        self.accounts = {}
        LoopbackServer.__init__(self, _AccountHandler)


class _Receivers(webhook_receiver.WebhookReceivers):
    def __init__(self) -> None:
        self.outlets: dict[str, Outlet] = {}  # by URL
        self.receivers = {}
        LoopbackServer.__init__(self, _ReceiverHandler)


class Outlets:
    """The servers behind them."""

    def __init__(self) -> None:
        with ExitStack() as started:
            self.accounts = started.enter_context(closing(_Accounts()))
            self.receivers = started.enter_context(closing(_Receivers()))
            self._started = started.pop_all()

    def close(self) -> None:
        self._started.close()

    def add(self, label: str) -> dict[str, Outlet]:
        """One of each class."""
        receiver = self.receivers.add(f"hook-{label}")
        added = {"A": Outlet(f"hook-{label}", "webhook", receiver, readable=False)}
        self.receivers.outlets[receiver.url] = added["A"]
        for which in "BCD":
            account = self.accounts.add(f"{which.lower()}-{label}")
            account.knows_keys = which == "B"
            added[which] = Outlet(f"{which.lower()}-{label}", "mastodon", account,
                                  readable=which != "D")
            self.accounts.outlets[account.url] = added[which]
        return added
