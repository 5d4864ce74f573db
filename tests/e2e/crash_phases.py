"""The phases of a release in which publishing is killed: how each is reached, and what every public
has to see in the end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from e2e.crash_line import Line, Sent
from e2e.outlets import CLASSES, Outlet, Step
from support.waiting import until

ONCE, TAKEN_BACK = ["message"], ["message", "retraction"]


class Scene:
    """One crash: a phase that a release is brought into, and what follows."""

    def __init__(self, line: Line, label: str, outlets: dict[str, Outlet]) -> None:
        """Nothing that went to these is still under way."""
        self.line = line
        self.sent = Sent(f"[{label}]", outlets)
        for one in outlets.values():
            one.count_anew()
        self._stopping: threading.Thread | None = None

    @property
    def untouched(self) -> bool:
        return not any(one.begun for one in self.sent.outlets.values())

    def clear(self) -> None:
        self.sent.message = self.line.world.cleared(**self.sent.draft())

    def close(self, step: Step) -> None:
        for one in self.sent.outlets.values():
            one.doors[step].close()

    def open(self, step: Step) -> None:
        for one in self.sent.outlets.values():
            one.doors[step].open()

    def wait_at(self, step: Step, classes: str = "ABCD") -> None:
        doors = [self.sent.outlets[which].doors[step] for which in classes]
        until(lambda: all(door.waiting for door in doors), f"each waits to {step}", 30, 0.002)

    def saw(self, name: str, count: int = 1) -> None:
        self.line.follower.saw(self.sent.message, name, count)

    def wait_answered(self) -> None:
        outlets = self.sent.outlets.values()
        until(lambda: all(one.answered for one in outlets), "each has answered", 30, 0.002)

    def stop(self) -> None:
        """Begins to; the crash may come before it is answered."""
        request = {"releaseId": self.line.follower.release_of(self.sent.message),
                   "reason": "it was a mistake"}
        self._stopping = threading.Thread(
            target=self.line.refusal, args=("StopRelease", request), daemon=True)
        self._stopping.start()

    def end(self) -> None:
        if self._stopping:
            self._stopping.join(30)
            assert not self._stopping.is_alive(), "the stop is never answered"


def _open_all(scene: Scene) -> None:
    for step in ("prepare", "post", "look"):
        scene.open(step)


def _lose(scene: Scene) -> None:
    outlets = scene.sent.outlets.values()
    for one in outlets:
        one.loses = True
    _open_all(scene)
    until(lambda: not any(one.doors["post"].waiting for one in outlets), "they are gone")
    for one in outlets:
        one.loses = False


def preparing(scene: Scene) -> None:
    scene.close("prepare")
    scene.clear()
    scene.wait_at("prepare")


def arming(scene: Scene) -> None:
    scene.clear()
    scene.saw("record_prepared", 1 + len(CLASSES))


def before_the_claim(scene: Scene) -> None:
    scene.clear()
    scene.saw("release_armed")


def claiming(scene: Scene) -> None:
    scene.clear()
    scene.saw("claim_release")


def after_the_claim(scene: Scene) -> None:
    scene.clear()
    scene.saw("deliveries_claimed")


def mid_send(scene: Scene) -> None:
    scene.close("post")
    scene.clear()
    scene.wait_at("post")


def after_the_reply(scene: Scene) -> None:
    """What they answered lies in the sockets of a process that does not run any more."""
    mid_send(scene)
    scene.line.publishing.leader().freeze()
    scene.open("post")
    scene.wait_answered()


def after_a_result(scene: Scene) -> None:
    """That of the feed, and that of one of the others."""
    scene.clear()
    scene.saw("delivery_settled", 2)


def resolving(scene: Scene) -> None:
    for one in scene.sent.outlets.values():
        one.fail_once()
    scene.close("look")
    scene.clear()
    scene.wait_at("look", "BCD")


def retracting(scene: Scene) -> None:
    scene.clear()
    scene.saw("release_completed")
    scene.stop()
    scene.saw("retraction_armed")


def retracting_mid_send(scene: Scene) -> None:
    scene.clear()
    scene.saw("release_completed")
    scene.close("post")
    scene.stop()
    scene.wait_at("post")


def retracting_what_is_under_way(scene: Scene) -> None:
    mid_send(scene)
    scene.stop()
    scene.saw("retraction_armed")


@dataclass(frozen=True)
class Phase:
    reach: Callable[[Scene], None]  # returns when it is time to crash
    shown: list[str]
    untouched: bool = False  # no request to post anything comes before the crash
    then: Callable[[Scene], None] = _open_all


PHASES = {
    "preparing": Phase(preparing, ONCE, untouched=True),
    "arming": Phase(arming, ONCE, untouched=True),
    "before-the-claim": Phase(before_the_claim, ONCE, untouched=True),
    "claiming": Phase(claiming, ONCE, untouched=True),
    "after-the-claim": Phase(after_the_claim, ONCE, untouched=True),
    "mid-send-and-lost": Phase(mid_send, ONCE, then=_lose),
    "mid-send-and-taken": Phase(mid_send, ONCE),
    "after-the-reply": Phase(after_the_reply, ONCE),
    "after-a-result": Phase(after_a_result, ONCE),
    "resolving": Phase(resolving, ONCE),
    "retracting": Phase(retracting, TAKEN_BACK),
    "retracting-mid-send": Phase(retracting_mid_send, TAKEN_BACK),
    "retracting-what-is-under-way": Phase(retracting_what_is_under_way, TAKEN_BACK),
}
