"""A ledger that was stamped 30 days ahead, since broker and instances were wrong together and so
could not tell: once the clocks are right it halts and says why, what does not repair it is refused,
and the operator's `tocsin ledger override-clock` lets it go on from the present."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.clock import DAY_S, Clock
from support.programs import Program, Secrets
from support.tokens import OPERATOR
from support.waiting import until

AHEAD_S = 30 * DAY_S
REASON = "the clock of the rack was off"
EXIT_PRECONDITION = 5


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """Of the broker and of all programs."""
    return Clock(tmp_path / "clock", AHEAD_S)


@pytest.fixture
def broker(tmp_path: Path, clock: Clock) -> Iterator[Broker]:
    with Broker(tmp_path / "kafka", environment=clock.environment()).start() as running:
        yield running


@pytest.fixture
def pair(broker: Broker, keys: Secrets, clock: Clock, tmp_path: Path) -> Iterator[Pair]:
    made = Pair(broker, keys, tmp_path / "pair",
                clocks={name: clock for name in ("left", "right", "approval")}).start()
    yield made
    made.end()


def ahead(pair: Pair, instance: Program) -> set[int]:
    """Which partitions stand still for their stamps."""
    return {partition for partition, why in pair.halted(instance).items()
            if why.startswith("ledger_ahead")}


def test_an_operator_lets_a_ledger_that_is_stamped_ahead_go_on(
        pair: Pair, broker: Broker, clock: Clock) -> None:
    homes = {pair.create(instance, realm).position[0]
             for realm in pair.realms for instance in pair.instances}
    latest = max(one.decision.decided_at.seconds for one in settled(pair).counted)
    assert latest > time.time() + AHEAD_S - DAY_S, "the ledger is not stamped ahead"

    for instance in pair.instances:
        assert instance.terminate() == 0
    broker.stop()
    clock.set(0)
    pair.forget_readers()  # their tokens are of a time to come
    broker.start()
    for instance in pair.instances:
        instance.spawn()
    for instance in pair.instances:
        instance.wait_listening()
        until(lambda i=instance: ahead(pair, i) == set(range(pair.partitions)),
              f"{instance.flag('instance')} says that the ledger is ahead", 60)
        until(lambda i=instance: i.health("drafting") == "NOT_SERVING", "its health says so")
    stuck = pair.ask(pair.left, timeout_s=2)
    assert stuck.code == "UNAVAILABLE" and "ledger_ahead" in stuck.text, stuck

    # A restart of inputs would repair nothing, and is not recorded.
    before = pair.ledger().at
    refused = pair.operator(pair.left).call(
        "ledger", "RestartInput", {"partition": 0, "reason": REASON})
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "NOT_REPAIRABLE"), refused
    assert "ledger_lost and input_gone only; this is ledger_ahead" in refused.text
    said = pair.operate(pair.left, "restart-input", 0, REASON)
    assert said.returncode == EXIT_PRECONDITION, said
    assert "this is ledger_ahead" in said.stderr
    assert pair.ledger().at.keys() == before.keys()

    for partition in range(pair.partitions):
        done = pair.operate(pair.left, "override-clock", partition, REASON)
        overridden = pair.operated(done, partition)
        assert overridden.clock_overridden.reason == f"{OPERATOR.subject}: {REASON}"
        assert abs(overridden.decided_at.seconds - time.time()) < 60
    for instance in pair.instances:
        until(lambda i=instance: i.health("drafting") == "SERVING", "it serves again", 30)
        assert not pair.halted(instance)
        assert {pair.create(instance, realm).position[0] for realm in pair.realms} == homes
    again = pair.operate(pair.left, "override-clock", 0, REASON)
    assert again.returncode == EXIT_PRECONDITION and "not halted" in again.stderr, again
    check_chain(pair, settled(pair))
