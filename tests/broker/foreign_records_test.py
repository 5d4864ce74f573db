"""Records that a stranger, a defect or another version put into the topics: skipped, void or kept
as dead letters, and the service goes on."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from commands import COMMANDS, command, dead_letters
from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.ledger import (
    COMMAND, DECISION, Ledger, Record, forged, genesis, ledger_topic, read_topic, seal,
)
from support.protos import message
from support.raw import Raw

LEDGER = ledger_topic("drafting")


@dataclass
class Stage:
    """The pair, who writes by hand, and where calgary lives."""

    pair: Pair
    raw: Raw
    partition: int

    @property
    def elsewhere(self) -> int:
        return (self.partition + 1) % self.pair.partitions

    def ledger(self) -> Ledger:
        return self.pair.ledger()

    def records(self, topic: str) -> list[Record]:
        return read_topic(self.pair.bootstrap, topic, self.pair.partitions)

    def seal(self, body: bytes, topic: str = COMMANDS) -> bytes:
        kind = DECISION if topic.endswith(".ledger.v1") else COMMAND
        return seal(body, self.pair.keys.mac_key, topic, kind)

    def decided_at(self, ledger: Ledger, offset: int) -> list[Any]:
        """The decisions on the command at this offset of calgary's partition."""
        return [one.decision for one in ledger.of_record(COMMANDS, self.partition, offset)]


@pytest.fixture(scope="module")
def stage(broker: Broker, pair: Pair) -> Stage:
    return Stage(pair, Raw(broker.bootstrap), pair.create(pair.left).position[0])


def goes_on(stage: Stage, before: Ledger) -> Ledger:
    """Both instances take commands, agree, and everything that counted before still does."""
    for instance in stage.pair.instances:
        answer = stage.pair.ask(instance)
        assert answer.ok, answer
    after = settled(stage.pair)
    check_chain(stage.pair, after)
    assert set(before.at) <= set(after.at)
    return after


# --- commands that are nobody's: no mac of ours ---

FOREIGN: dict[str, Callable[[Stage, str], bytes | None]] = {
    "null": lambda stage, topic: None,
    "empty": lambda stage, topic: b"",
    "one_byte": lambda stage, topic: b"\x7a",
    "garbage": lambda stage, topic: bytes(range(256)) * 4,
    "json": lambda stage, topic: b'{"requestId":"x"}',
    "no_mac": lambda stage, topic: command().SerializeToString(),
    "wrong_key": lambda stage, topic: seal(
        command().SerializeToString(), b"k" * 32, topic, COMMAND),
    "a_bit_flipped": lambda stage, topic: flipped(stage.seal(command().SerializeToString(), topic)),
    "cut_short": lambda stage, topic: stage.seal(command().SerializeToString(), topic)[:-1],
    "of_another_service": lambda stage, topic: stage.seal(
        command().SerializeToString(), topic.replace("drafting", "approval")),
    "of_the_other_world": lambda stage, topic: stage.seal(
        command().SerializeToString(), f"exercise.{topic}"),
    "of_another_kind": lambda stage, topic: stage.seal(
        command().SerializeToString(), COMMANDS if topic == LEDGER else LEDGER),
    "900_kilobytes": lambda stage, topic: b"x" * 900_000,
}


def flipped(record: bytes) -> bytes:
    return record[:10] + bytes([record[10] ^ 1]) + record[11:]


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_command_without_our_mac_is_skipped(stage: Stage, kind: str) -> None:
    before = stage.ledger()
    offset = stage.raw.put(COMMANDS, stage.partition, FOREIGN[kind](stage, COMMANDS))
    after = goes_on(stage, before)
    assert not stage.decided_at(after, offset)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_decision_without_our_mac_is_skipped(stage: Stage, kind: str) -> None:
    before = stage.ledger()
    stage.raw.put(LEDGER, stage.partition, FOREIGN[kind](stage, LEDGER))
    after = goes_on(stage, before)
    assert foreign(after, stage) == foreign(before, stage) + 1


def foreign(ledger: Ledger, stage: Stage) -> int:
    return ledger.foreign.get(stage.partition, 0)


# --- commands with our mac that cannot, or may not, be obeyed ---

def test_a_command_that_cannot_be_read_is_kept_as_a_dead_letter(stage: Stage) -> None:
    unreadable = {"nonsense": b"\xff\xff\xff\xff", "no_request_id": b"",
                  "no_actor": command(actor="").SerializeToString()}
    for what, body in unreadable.items():
        before = stage.ledger()
        sealed = stage.seal(body)
        offset = stage.raw.put(COMMANDS, stage.partition, sealed)
        after = goes_on(stage, before)
        [decision] = stage.decided_at(after, offset)
        assert decision.rejected.code == "unreadable", what
        letters = dead_letters(stage.pair, offset)
        assert [letter.value for letter in letters] == [sealed], what
        assert letters[0].headers["tocsin_error_reason"] == "unreadable"


def rejection(stage: Stage, record: Any, partition: int | None = None) -> str:
    """The code with which it is refused; its effect must be none."""
    before = stage.ledger()
    where = stage.partition if partition is None else partition
    stage.raw.put(COMMANDS, where, stage.seal(record.SerializeToString()))
    after = goes_on(stage, before)
    [one] = after.of_request(record.actor, record.request_id)
    assert one.decision.WhichOneof("outcome") == "rejected"
    return str(one.decision.rejected.code)


def test_a_command_in_the_wrong_partition_is_refused(stage: Stage) -> None:
    assert rejection(stage, command(), stage.elsewhere) == "wrong_partition"


def test_a_command_of_a_realm_that_lives_elsewhere_is_refused(stage: Stage) -> None:
    # Where a realm lives, its own first decision shows.
    stranger = next(realm for realm in stage.pair.realms
                    if stage.pair.create(stage.pair.left, realm).position[0] != stage.partition)
    assert rejection(stage, command(realm=stranger)) == "wrong_partition"


def test_an_expired_command_is_refused(stage: Stage) -> None:
    record = command()
    record.expires_at.FromSeconds(int(time.time()) - 1)
    assert rejection(stage, record) == "expired"


def test_a_command_that_would_be_remembered_for_ever_is_refused(stage: Stage) -> None:
    record = command()
    record.expires_at.FromSeconds(int(time.time()) + 30 * 3600)
    assert rejection(stage, record) == "expires_too_late"


def test_a_command_of_a_newer_version_is_refused(stage: Stage) -> None:
    assert rejection(stage, command(body=b"\xa2\x1f\x02\x08\x01")) == "unknown_command"


def test_a_command_without_the_role_is_refused(stage: Stage) -> None:
    record = command()
    del record.roles[:]
    assert rejection(stage, record) == "role_missing"


def test_a_command_stored_twice_is_decided_once(stage: Stage) -> None:
    record = command()
    sealed = stage.seal(record.SerializeToString())
    before = stage.ledger()
    for _ in range(3):
        stage.raw.put(COMMANDS, stage.partition, sealed)
    first = goes_on(stage, before)
    [one] = first.of_request(record.actor, record.request_id)
    stage.pair.made_by_tests.add(one.decision.accepted.subject)
    stage.raw.put(COMMANDS, stage.partition, sealed, key=None)  # later, and without its key
    assert len(goes_on(stage, first).of_request(record.actor, record.request_id)) == 1


# --- decisions with our mac that do not extend the chain ---

def test_a_decision_stored_twice_counts_once(stage: Stage) -> None:
    before = stage.ledger()
    for record in [one for one in stage.records(LEDGER) if one.partition == stage.partition][-3:]:
        stage.raw.put(LEDGER, stage.partition, record.value)
    after = goes_on(stage, before)
    assert after.void == before.void + 3


def mallorys(stage: Stage, previous: bytes) -> bytes:
    """A decision as somebody with the key would forge it."""
    decision = message("tocsin.ledger.v1.Decision")(writer="mallory", realm="calgary")
    decision.decided_at.FromSeconds(int(time.time()))
    decision.cause.topic, decision.cause.offset = COMMANDS, 10**9
    decision.accepted.subject = "forged"
    return forged(previous, decision, stage.pair.keys.mac_key, LEDGER)


@pytest.mark.parametrize("kind", ["unknown_predecessor", "the_beginning", "an_older_decision"])
def test_a_decision_that_does_not_extend_the_chain_is_void(stage: Stage, kind: str) -> None:
    before = stage.ledger()
    here = [one for one in before.counted if one.partition == stage.partition]
    previous = {"unknown_predecessor": b"\x13" * 32,
                "the_beginning": genesis(LEDGER, stage.partition),
                "an_older_decision": here[len(here) // 2].digest}[kind]
    stage.raw.put(LEDGER, stage.partition, mallorys(stage, previous))
    assert goes_on(stage, before).void == before.void + 1


def test_a_decision_of_another_partition_is_void(stage: Stage) -> None:
    before = stage.ledger()
    [*_, last] = [one for one in stage.records(LEDGER) if one.partition == stage.elsewhere]
    stage.raw.put(LEDGER, stage.partition, last.value)
    assert goes_on(stage, before).void == before.void + 1


def test_what_was_put_there_is_passed_over_by_a_fresh_instance_too(stage: Stage) -> None:
    before = stage.ledger()
    stage.pair.restart_both()
    goes_on(stage, before)
