"""Somebody deletes a topic of services that run. They say what is missing, do not turn in circles,
and go on once it is there again; a ledger that is gone is an alarm, never a fresh start."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle import check_chain, check_idle, settled
from pair import Pair
from support.broker import Broker
from support.connect import new_request_id
from support.ledger import commands_topic, ledger_topic, read_topic
from support.programs import Program, Secrets
from support.raw import Raw
from support.waiting import until

COMMANDS, LEDGER, EVENTS = commands_topic("drafting"), ledger_topic("drafting"), "tocsin.events.v1"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Of one test: what it deletes, no other misses."""
    with Broker(tmp_path / "kafka").start() as running:
        yield running


@pytest.fixture
def pair(broker: Broker, keys: Secrets, tmp_path: Path) -> Iterator[Pair]:
    started = Pair(broker, keys, tmp_path / "pair").start()
    yield started
    started.end()


@pytest.fixture
def raw(broker: Broker) -> Raw:
    return Raw(broker.bootstrap)


def misses(pair: Pair, instance: Program, topic: str) -> bool:
    """Whether it says so everywhere: to callers, to health checks, as a metric, in its log."""
    answer = pair.ask(instance, timeout_s=2)
    assert not answer.ok, "there is nothing to write to"
    return (answer.code == "UNAVAILABLE" and f"{topic}/" in answer.text
            and "does not exist in Kafka" in answer.text
            and instance.health("drafting") == "NOT_SERVING"
            and instance.metric("tocsin_log_unwritable", service="drafting") == 1
            and "a log cannot be written" in instance.said())


def misses_ledger(pair: Pair, instance: Program) -> bool:
    """Whoever writes it hears that it is gone; whoever only reads it, that nobody knows it."""
    answer = pair.ask(instance, timeout_s=2)
    assert not answer.ok, "there is nothing to write to"
    return (answer.code == "UNAVAILABLE" and LEDGER in answer.text
            and instance.health("drafting") == "NOT_SERVING"
            and (instance.metric("tocsin_log_unwritable", service="drafting") == 1
                 or instance.metric("tocsin_reader_down", service="drafting") == 1))


def reads(pair: Pair, instance: Program) -> bool:
    return pair.reader(instance).call("drafting", "ListIncidents").ok


def restore(pair: Pair, name: str) -> Program:
    """As the runbook says: an instance that starts creates what is missing."""
    third = pair.another("third", name)
    third.spawn()
    third.wait_listening()
    return third


def goes_on(pair: Pair, instance: Program) -> None:
    who = instance.flag("instance")
    until(lambda: instance.health("drafting") == "SERVING", f"{who} serves again", 60)
    until(lambda: instance.metric("tocsin_log_unwritable", service="drafting") == 0,
          f"{who}: its metric is back at 0")
    pair.create(instance)


def test_commands_resume_when_their_topic_is_there_again(pair: Pair, raw: Raw) -> None:
    for realm in pair.realms:
        pair.create(pair.left, realm)
    raw.delete_topic(COMMANDS)
    for instance in pair.instances:
        until(lambda i=instance: misses(pair, i, COMMANDS), "it says what is missing", 60, 0.1)
        assert reads(pair, instance)
    check_idle(pair)
    third = restore(pair, "third-commands")
    for instance in pair.instances:
        goes_on(pair, instance)
    third.kill()
    check_chain(pair, settled(pair))


def test_events_are_exported_again_when_their_topic_is_there_again(
        pair: Pair, raw: Raw) -> None:
    pair.create(pair.left)
    until(lambda: read_topic(pair.bootstrap, EVENTS, pair.partitions), "they are exported")
    raw.delete_topic(EVENTS)
    for instance in pair.instances:
        pair.create(instance)
    until(lambda: any("export of events was interrupted" in instance.said()
                      for instance in pair.instances), "the instance that exports logs it", 60, 0.1)
    check_idle(pair)
    for instance in pair.instances:
        pair.create(instance)  # Nobody's decision waits for the events.
        assert instance.health("drafting") == "SERVING"
    third = restore(pair, "third-events")
    third.wait_ready()
    last = pair.create(pair.left).body["id"]
    until(lambda: any(last.encode() in record.value
                      for record in read_topic(pair.bootstrap, EVENTS, pair.partitions)),
          "they are exported again", 60, 0.5)
    third.kill()
    check_chain(pair, settled(pair))


def repaired(pair: Pair) -> bool:
    """Whether none stands still; an operator sees to those that do. Each notices by itself."""
    for instance in pair.instances:
        for partition, why in sorted(pair.halted(instance).items()):
            assert why.startswith("ledger_lost"), why
            # Another instance's word may have come first.
            pair.operate(instance, "restart-input", partition, "the ledger was deleted")
    return not any(pair.halted(instance) for instance in pair.instances)


@pytest.mark.parametrize("asked", [True, False], ids=["asked meanwhile", "replaced at once"])
def test_a_ledger_that_is_gone_is_an_alarm_and_no_fresh_start(
        pair: Pair, raw: Raw, asked: bool) -> None:
    request_id = new_request_id()
    first = pair.ask(pair.left, request_id=request_id)
    home, _ = first.position
    raw.delete_topic(LEDGER)
    if asked:
        for instance in pair.instances:
            until(lambda i=instance: misses_ledger(pair, i), "it says what is missing", 60, 0.2)
        check_idle(pair)
    third = restore(pair, "third-ledger")
    for instance in (*pair.instances, third):
        who = instance.flag("instance")
        until(lambda i=instance: pair.halted(i).get(home, "").startswith("ledger_lost"),
              f"{who} halts", 60)
        assert instance.health("drafting") == "NOT_SERVING"
        assert pair.ask(instance, timeout_s=2).code == "UNAVAILABLE"
        assert "partition needs an operator" in instance.said()
    check_idle(pair)
    assert not [one for one in pair.ledger().counted if one.partition == home], "begun afresh"
    refused = pair.operator(pair.left).call(
        "ledger", "OverrideClock", {"partition": home, "reason": "a guess"})
    assert refused.reason == "NOT_REPAIRABLE" and "this is ledger_lost" in refused.text, refused

    until(lambda: repaired(pair), "no partition stands still", 60, 0.5)
    for instance in pair.instances:
        goes_on(pair, instance)
    # The command is still in its topic: it is decided anew, to the same id.
    again = pair.create(pair.right, request_id=request_id, seconds=30)
    assert again.body["id"] == first.body["id"]
    third.kill()
    check_chain(pair, settled(pair))
