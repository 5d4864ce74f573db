"""Records that a stranger, a defect or another version put into the topics: skipped, void or kept
as dead letters, and the service goes on."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.calls import request_bytes
from support.connect import new_request_id
from support.ledger import (
    COMMAND, DECISION, Ledger, Record, commands_topic, genesis, ledger_topic, read_topic, seal,
)
from support.programs import Secrets
from support.protos import message
from support.raw import Raw
from support.waiting import until

COMMANDS, LEDGER = commands_topic("drafting"), ledger_topic("drafting")
DEAD_LETTERS = "tocsin.dead-letters.v1"


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

    def create(self, instance: Any) -> dict[str, Any]:
        answer = self.pair.reader(instance).must("drafting", "CreateIncident", {
            "requestId": new_request_id(), "kind": "flood", "title": "after a strange record"})
        self.pair.made_by_tests.add(answer["id"])
        return answer


@pytest.fixture(scope="module")
def stage(broker: Broker, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[Stage]:
    pair = Pair(broker, keys, Path(tmp_path_factory.mktemp("pair"))).start()
    first = pair.reader(pair.left).must("drafting", "CreateIncident", {
        "requestId": new_request_id(), "kind": "flood", "title": "the first"})
    pair.made_by_tests.add(first["id"])
    yield Stage(pair, Raw(broker.bootstrap), int(first["position"].split("/")[1]))
    pair.end()


def command(**changed: Any) -> Any:
    """A CommandRecord as an instance would write it."""
    record = message("tocsin.ledger.v1.CommandRecord")(
        realm="calgary", actor="ann@calgary.example", agency="city", roles=["author"],
        request_id=new_request_id())
    record.expires_at.FromSeconds(int(time.time()) + 600)
    body = message("tocsin.drafting.v1.Command")()
    body.create_incident.ParseFromString(request_bytes("drafting", "CreateIncident", {
        "requestId": record.request_id, "kind": "flood", "title": "by hand"}))
    record.body = body.SerializeToString()
    for name, value in changed.items():
        setattr(record, name, value)
    return record


def goes_on(stage: Stage, before: Ledger) -> Ledger:
    """Both instances take commands, agree, and everything that counted before still does."""
    for instance in stage.pair.instances:
        stage.create(instance)
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
    assert not decided_at(stage, after, offset)


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_decision_without_our_mac_is_skipped(stage: Stage, kind: str) -> None:
    before = stage.ledger()
    stage.raw.put(LEDGER, stage.partition, FOREIGN[kind](stage, LEDGER))
    after = goes_on(stage, before)
    assert foreign(after, stage) == foreign(before, stage) + 1


def foreign(ledger: Ledger, stage: Stage) -> int:
    return ledger.foreign.get(stage.partition, 0)


def decided_at(stage: Stage, ledger: Ledger, offset: int) -> list[Any]:
    """The decisions on the command at this offset of calgary's partition."""
    return [one.decision for one in ledger.counted
            if one.partition == stage.partition and one.decision.cause.topic == COMMANDS
            and one.decision.cause.offset == offset]


# --- commands with our mac that cannot, or may not, be obeyed ---

def test_a_command_that_cannot_be_read_is_kept_as_a_dead_letter(stage: Stage) -> None:
    unreadable = {"nonsense": b"\xff\xff\xff\xff", "no_request_id": b"",
                  "no_actor": command(actor="").SerializeToString()}
    for what, body in unreadable.items():
        before = stage.ledger()
        sealed = stage.seal(body)
        offset = stage.raw.put(COMMANDS, stage.partition, sealed)
        after = goes_on(stage, before)
        [decision] = decided_at(stage, after, offset)
        assert decision.rejected.code == "unreadable", what
        letters = [letter for letter in stage.records(DEAD_LETTERS)
                   if letter.headers.get("tocsin_error_offset") == str(offset)]
        assert [letter.value for letter in letters] == [sealed], what
        assert letters[0].headers["tocsin_error_reason"] == "unreadable"
        assert letters[0].headers["tocsin_error_topic"] == COMMANDS


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
    home = {row["realm"]: row["partition"] for row in homes(stage)}
    stranger = next(realm for realm, where in home.items() if where != stage.partition)
    assert rejection(stage, command(realm=stranger)) == "wrong_partition"


def homes(stage: Stage) -> list[dict[str, Any]]:
    """Where each realm lives, as its own first decision shows."""
    rows = []
    for realm in stage.pair.realms:
        answer = stage.pair.reader(stage.pair.left, realm).must("drafting", "CreateIncident", {
            "requestId": new_request_id(), "kind": "flood", "title": "where am I"})
        stage.pair.made_by_tests.add(answer["id"])
        rows.append({"realm": realm, "partition": int(answer["position"].split("/")[1])})
    return rows


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


def forged(stage: Stage, previous: bytes, writer: str = "mallory") -> bytes:
    decision = message("tocsin.ledger.v1.Decision")(
        previous_digest=previous, writer=writer, realm="calgary")
    decision.decided_at.FromSeconds(int(time.time()))
    decision.cause.topic, decision.cause.offset = COMMANDS, 10**9
    decision.accepted.subject = "forged"
    return stage.seal(decision.SerializeToString(), LEDGER)


@pytest.mark.parametrize("kind", ["unknown_predecessor", "the_beginning", "an_older_decision"])
def test_a_decision_that_does_not_extend_the_chain_is_void(stage: Stage, kind: str) -> None:
    before = stage.ledger()
    here = [one for one in before.counted if one.partition == stage.partition]
    previous = {"unknown_predecessor": b"\x13" * 32,
                "the_beginning": genesis(LEDGER, stage.partition),
                "an_older_decision": here[len(here) // 2].digest}[kind]
    stage.raw.put(LEDGER, stage.partition, forged(stage, previous))
    assert goes_on(stage, before).void == before.void + 1


def test_a_decision_of_another_partition_is_void(stage: Stage) -> None:
    before = stage.ledger()
    [*_, last] = [one for one in stage.records(LEDGER) if one.partition == stage.elsewhere]
    stage.raw.put(LEDGER, stage.partition, last.value)
    assert goes_on(stage, before).void == before.void + 1


def test_what_was_put_there_is_passed_over_by_a_fresh_instance_too(stage: Stage) -> None:
    before = stage.ledger()
    for instance in stage.pair.instances:
        instance.kill()
    for instance in stage.pair.instances:
        instance.start()
    until(lambda: all(instance.health("drafting") == "SERVING"
                      for instance in stage.pair.instances), "both serve")
    goes_on(stage, before)
