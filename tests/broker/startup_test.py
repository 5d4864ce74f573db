"""What an instance finds when it starts: topics that do not fit, a ledger that was lost, inputs
that shrank. It refuses or raises the alarm, and never starts afresh in silence."""

import time
from pathlib import Path
from typing import Any

import pytest

from load import incident
from oracle import check_chain, settled
from pair import Pair, report
from support.broker import Broker
from support.calls import Caller
from support.connect import new_request_id
from support.ledger import commands_topic, ledger_topic
from support.programs import Program, Secrets, service_flags
from support.raw import Raw
from support.tokens import OPERATOR, Issuer, Person
from support.waiting import until

COMMANDS, LEDGER = commands_topic("drafting"), ledger_topic("drafting")


@pytest.fixture(scope="module")
def raw(broker: Broker) -> Raw:
    return Raw(broker.bootstrap)


# --- topics that do not fit; each in a world or of a service that no other test uses ---

def refusal(broker: Broker, keys: Secrets, folder: Path, name: str, **more: Any) -> str:
    return Program(name, folder, service_flags(broker.bootstrap, keys, partitions=2, **more)
                   ).cannot_run()


# More than are used harm nobody: how many those are, the ledger says.
def test_a_topic_with_fewer_partitions_is_refused(
        broker: Broker, keys: Secrets, raw: Raw, tmp_path: Path) -> None:
    raw.make_topic(ledger_topic("measurement"), 1)
    said = refusal(broker, keys, tmp_path, "tocsin-measurement")
    assert f"topic `{ledger_topic('measurement')}`: it has 1 partitions and must have 2" in said


@pytest.mark.parametrize(("setting", "found", "wanted"), [
    ("cleanup.policy", "compact", "delete"),
    ("retention.ms", "604800000", "-1"),
    ("retention.bytes", "1000000", "-1"),
    ("message.timestamp.type", "CreateTime", "LogAppendTime"),
    ("flush.messages", "1000", "1"),
    ("unclean.leader.election.enable", "true", "false"),
])
def test_a_topic_with_other_settings_is_refused(
        broker: Broker, keys: Secrets, raw: Raw, tmp_path: Path,
        setting: str, found: str, wanted: str) -> None:
    topic = f"exercise.{ledger_topic('approval')}"
    fitting = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1",
               "message.timestamp.type": "LogAppendTime", "flush.messages": "1",
               "max.message.bytes": "1048588", "unclean.leader.election.enable": "false"}
    raw.make_topic(topic, 2, **{**fitting, setting: found})
    try:
        said = refusal(broker, keys, tmp_path, "tocsin-approval", world="exercise")
    finally:
        raw.delete_topic(topic)
    assert f"topic `{topic}`: {setting} is {found} and must be {wanted}" in said


def test_an_instance_that_starts_before_kafka_waits_for_it(
        keys: Secrets, issuer: Issuer, tmp_path: Path) -> None:
    late = Broker(tmp_path / "kafka")
    program = Program("tocsin-drafting", tmp_path,
                      service_flags(late.bootstrap, keys, partitions=2))
    with late, program:
        program.spawn()
        program.wait_listening()
        until(lambda: "waiting for kafka" in program.said(), "it says for what it waits")
        assert program.health("drafting") == "NOT_SERVING"
        caller = Caller(program.address, issuer.token(
            Person("ann@calgary.example", "calgary", "city", ("author", "admin"))))
        operator = Caller(program.address, issuer.token(OPERATOR))
        for who, service, name, request in [
                (caller, "drafting", "CreateIncident", incident(new_request_id())),
                (caller, "drafting", "ListIncidents", {}),
                (operator, "ledger", "RestartInput", {"partition": 0, "reason": "impatience"}),
                (operator, "ledger", "OverrideClock", {"partition": 0, "reason": "impatience"})]:
            answer = who.call(service, name, request)
            assert answer.code == "UNAVAILABLE" and answer.retry_after_s, (name, answer)
        late.start()
        program.wait_ready()
        assert program.terminate() == 0


def test_a_shutdown_while_kafka_is_away_takes_no_longer_than_it_may(
        keys: Secrets, tmp_path: Path) -> None:
    lost = Broker(tmp_path / "kafka")
    everything = Program("tocsin-all", tmp_path, service_flags(
        lost.bootstrap, keys, partitions=2, drain_ms_max=5000, gateway_listen="127.0.0.1:0"))
    with lost, everything:
        lost.start()
        everything.start()
        lost.kill()
        until(lambda: "kafka client" in everything.said(), "it notices")
        asked = time.monotonic()
        assert everything.terminate() == 0
        assert time.monotonic() - asked < 8, everything.said()[-2000:]


# --- inputs and ledgers that were lost ---

def test_the_first_call_after_start_does_not_wait_for_metadata(pair: Pair) -> None:
    firsts: list[float] = []
    for _ in range(3):
        pair.left.kill()
        pair.left.start()
        began = time.monotonic()
        answer = pair.ask(pair.left)
        firsts.append((time.monotonic() - began) * 1000)
        assert answer.ok, answer
    report("first-call", {"ms": [round(first, 1) for first in firsts]})
    # A call that waits for topic metadata takes a second or two, every time.
    assert min(firsts) < 700, firsts


def lose(pair: Pair, raw: Raw, topic: str) -> None:
    """Both instances end, the topic goes, both start again."""
    for instance in pair.instances:
        assert instance.terminate() == 0
    raw.delete_topic(topic)
    for instance in pair.instances:
        instance.spawn()
        instance.wait_listening()


def wait_for_alarm(pair: Pair, partition: int, why: str) -> None:
    for instance in pair.instances:
        until(lambda i=instance: pair.halted(i).get(partition, "").startswith(why),
              f"{instance.flag('instance')} halts: {why}")
        assert instance.health("drafting") == "NOT_SERVING"
        assert "partition needs an operator" in instance.said()
        refused = pair.ask(instance, timeout_s=2)
        assert (refused.code, refused.retry_after_s) == ("UNAVAILABLE", 0.5), refused


def operator_restarts(pair: Pair) -> None:
    """The operator's verb, once per partition that stands still; no other step is needed."""
    reason = "the topic was lost in a fire"
    for partition in pair.halted(pair.left):
        done = pair.operate(pair.left, "restart-input", partition, reason)
        restart = pair.operated(done, partition)
        assert restart.input_restarted.reason == f"{OPERATOR.subject}: {reason}"
    for instance in pair.instances:
        until(lambda i=instance: i.health("drafting") == "SERVING", "it serves again", 30)


def test_an_empty_ledger_with_commands_waiting_is_an_alarm(pair: Pair, raw: Raw) -> None:
    request_id = new_request_id()
    first = pair.ask(pair.left, request_id=request_id)
    partition = first.position[0]
    lose(pair, raw, LEDGER)
    wait_for_alarm(pair, partition, "ledger_lost")
    operator_restarts(pair)
    # The command is still in its topic: it is decided anew, to the same id.
    again = pair.ask(pair.right, request_id=request_id)
    assert (again.code, again.body["id"]) == ("OK", first.body["id"])
    check_chain(pair, settled(pair))


def rewound(pair: Pair, partition: int) -> bool:
    return any(one.partition == partition
               and any(back.topic == COMMANDS for back in one.decision.inputs_rewound.inputs)
               for one in pair.ledger().counted)


def test_a_commands_topic_that_ends_too_early_is_recorded_and_read_from_its_end(
        pair: Pair, raw: Raw) -> None:
    request_id = new_request_id()
    first = pair.ask(pair.left, request_id=request_id)
    lose(pair, raw, COMMANDS)
    for instance in pair.instances:
        instance.wait_ready()
    until(lambda: rewound(pair, first.position[0]), "the loss is recorded", 30, 0.2)
    again = pair.ask(pair.right, request_id=request_id)
    assert again.said == first.said
    fresh = pair.ask(pair.left)
    assert fresh.ok, fresh
    check_chain(pair, settled(pair))
