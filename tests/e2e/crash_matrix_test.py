"""Publishing is killed in every phase of a release, and at random under load. What each public sees
in the end is told by the servers: classes A and B show one post, C one once it was looked at, and D
never a second one without a person. What was retracted is never the newest post.

A message of its own goes to a channel of each class in each phase. It meets the crashes of the
later phases too; then all come to rest together. The long dose does that five times.
"""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.crash_line import Line, Sent, bring_to_rest, line
from e2e.crash_phases import ONCE, PHASES, TAKEN_BACK, Phase, Scene
from e2e.outlets import CLASSES
from e2e.release_world import World
from support.broker import Broker
from support.places import FULL_DOSE
from support.programs import Program, Secrets
from support.tokens import Issuer

ROUNDS = 5 if FULL_DOSE else 1
KILLS = 40 if FULL_DOSE else 4
SEED = 11
# A claim is over 12 s after T0. What it may have left is not taken for absent within a minute, and
# channels are asked less and less often.
REST_S = 240
# On a machine that stands still a phase can be over before the test sees it.
TRIES = 3


def crash_in(phase: Phase, scene: Scene, taken_over: bool) -> bool:
    """Whether the crash came in time."""
    line = scene.line
    if taken_over:
        line.publishing.have_both()
    try:
        phase.reach(scene)
    finally:
        victim = line.publishing.leader()
        victim.kill()
        in_time = scene.untouched or not phase.untouched
        phase.then(scene)
        line.publishing.recover(victim)
    scene.end()
    return in_time


class Load(threading.Thread):
    """A person who has one message after another released, and stops some of them at any moment."""

    def __init__(self, line: Line, number: int) -> None:
        super().__init__(daemon=True)
        self.sent: list[Sent] = []
        self.stopped: set[str] = set()  # labels
        self.failure: BaseException | None = None
        self._line, self._number = line, number
        self._world: World = line.new_world(line.world.incident)
        self._outlets = line.outlets(f"load-{number}")
        self._dice = random.Random(SEED + number)
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            while not self._ending.is_set():
                self._send()
        except BaseException as error:  # noqa: BLE001
            self.failure = error

    def _send(self) -> None:
        sent = Sent(f"[load-{self._number}-{len(self.sent)}]", self._outlets)
        sent.message = self._world.cleared(**sent.draft())
        self.sent.append(sent)
        release = self._line.follower.release_of(sent.message)
        # At most so long: then the next one comes.
        self._ending.wait(self._dice.uniform(0, 0.8))
        if self._dice.random() < 0.4:
            self.stopped.add(sent.label)
            self._line.refusal("StopRelease", {"releaseId": release, "reason": "a mistake"})

    def end(self) -> None:
        self._ending.set()
        self.join(60)
        assert not self.is_alive(), "a call is never answered"
        if self.failure:
            raise self.failure


def crash_at_random(line: Line, dice: random.Random) -> None:
    if dice.random() < 0.5:
        line.publishing.have_both()
    line.follower.grows(dice.randrange(1, 60))
    victim: Program = line.publishing.leader()
    victim.kill()
    line.publishing.recover(victim)


class Matrix:
    """All that was sent, once everything came to rest."""

    def __init__(self) -> None:
        self.by_phase: dict[str, list[Sent]] = {}
        self.failures: dict[str, Exception] = {}
        self.loads: list[Load] = []
        self.unsettled: dict[str, str] = {}  # by label: what it waits for
        self._over: set[str] = set()  # labels

    def storm(self, line: Line) -> None:
        dice = random.Random(SEED)
        self.loads = [Load(line, number) for number in range(2)]
        for load in self.loads:
            load.start()
        for _ in range(KILLS):
            crash_at_random(line, dice)
        for load in self.loads:
            load.end()

    def crash(self, line: Line, name: str, number: int, taken_over: bool) -> None:
        """In a phase, for the `number`th time."""
        for attempt in range(TRIES):
            scene = Scene(line, f"{name} {number}.{attempt}", line.outlets(f"{name}-{attempt}"))
            self.by_phase.setdefault(name, []).append(scene.sent)
            if crash_in(PHASES[name], scene, taken_over):
                return
        raise AssertionError(f"the phase was over {TRIES} times before the crash")

    def rest(self, line: Line) -> None:
        """All that is not over yet comes to rest, with both instances there."""
        line.publishing.have_both()
        everything = [one for sent in self.by_phase.values() for one in sent if one.message]
        everything += [one for load in self.loads for one in load.sent]
        left = [one for one in everything if one.label not in self._over]
        self.unsettled |= bring_to_rest(line, left, REST_S)
        self._over |= {one.label for one in left}
        line.read_feed(everything)


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest, broker: Broker, keys: Secrets, issuer: Issuer,
           tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    """With the phases of the tests that were chosen."""
    chosen = {item.callspec.params.get("phase", "storm") for item in request.session.items}
    found = Matrix()
    with line(broker, keys, issuer, Path(tmp_path_factory.mktemp("line"))) as running:
        if "storm" in chosen:
            found.storm(running)
        for number in range(ROUNDS):
            for place, name in enumerate(PHASES):
                if name not in chosen or name in found.failures:
                    continue
                try:
                    found.crash(running, name, number, taken_over=(number + place) % 2 == 1)
                except Exception as error:  # noqa: BLE001
                    found.failures[name] = error
            found.rest(running)
        yield found


@pytest.mark.parametrize("which", ["feed", *CLASSES])
@pytest.mark.parametrize("phase", PHASES)
def test_publishing_crashes(matrix: Matrix, phase: str, which: str) -> None:
    if phase in matrix.failures:
        raise matrix.failures[phase]
    assert matrix.by_phase[phase]
    for sent in matrix.by_phase[phase]:
        waits_for = matrix.unsettled.get(sent.label, "")
        assert sent.shown(which) == PHASES[phase].shown, f"{sent.label} {waits_for}"
        assert not waits_for, f"{sent.label} {waits_for}"
        assert which != "D" or max(sent.by_itself.values(), default=0) <= 1


@pytest.mark.parametrize("which", ["feed", *CLASSES])
def test_publishing_crashes_at_random_under_load(matrix: Matrix, which: str) -> None:
    allowed = {"RELEASED": [ONCE], "RETRACTED": [[], TAKEN_BACK, ["retraction"]],
               "CANCELLED": [[]], "ABORTED": [[]]}
    for load in matrix.loads:
        assert len(load.sent) > 1 and len(load.sent) > KILLS / 2
        for sent in load.sent:
            waits_for = matrix.unsettled.get(sent.label, "")
            assert not waits_for, f"{sent.label} {waits_for}"
            assert sent.shown(which) in allowed[sent.state], f"{sent.label} is {sent.state}"
            assert sent.label in load.stopped or sent.state == "RELEASED"
            assert which != "D" or max(sent.by_itself.values(), default=0) <= 1
