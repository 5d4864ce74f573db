"""An instance whose clock is 30 days ahead: it does not lead and says why, another decides, and it
leads again once its clock is right."""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.clock import DAY_S, Clock
from support.programs import Program, Secrets
from support.waiting import until

TOLERANCE_S = 30


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """Of the instance `left`."""
    return Clock(tmp_path / "clock", 30 * DAY_S)


@pytest.fixture
def pair(broker: Broker, keys: Secrets, clock: Clock, tmp_path: Path) -> Iterator[Pair]:
    made = Pair(broker, keys, tmp_path / "pair", clocks={"left": clock})
    made.import_rosters()
    yield made
    made.end()


def says_clock_off(pair: Pair, instance: Program) -> bool:
    rows = pair.operator(instance).call("ledger", "GetStatus").body.get("partitions", [])
    return bool(rows) and all(row.get("clockOff", "").startswith("clock_off") for row in rows)


def counts_clock_off(instance: Program) -> bool:
    return instance.metric("tocsin_clock_off", service="drafting") == 1


def writers(pair: Pair, before: Collection[tuple[int, int]] = ()) -> set[str]:
    """Of the decisions that count, but for those at the places in `before`."""
    return {one.decision.writer for place, one in pair.ledger().at.items() if place not in before}


def test_an_instance_whose_clock_is_off_does_not_lead(pair: Pair, clock: Clock) -> None:
    # Alone on an empty ledger: nobody else could open it, and it must not either.
    pair.left.spawn()
    pair.left.wait_listening()
    until(lambda: says_clock_off(pair, pair.left), "it says that its clock is off", 60)
    until(lambda: pair.left.health("drafting") == "NOT_SERVING", "its health says so")
    until(lambda: counts_clock_off(pair.left), "its metric says so")
    assert not pair.ledger().counted

    pair.right.start()
    assert pair.create(pair.right).ok
    pair.right.kill()
    pair.right.start()
    assert pair.create(pair.right).ok
    assert says_clock_off(pair, pair.left)
    assert writers(pair) == {"right"}

    clock.set(0)
    pair.forget_readers()  # their tokens are of a time to come
    until(lambda: pair.left.health("drafting") == "SERVING", "it serves with a right clock", 60)
    until(lambda: not counts_clock_off(pair.left), "its metric is back at 0")
    pair.right.kill()
    assert pair.create(pair.left).ok
    assert "left" in writers(pair)
    pair.right.start()
    ledger = settled(pair)
    check_chain(pair, ledger)
    latest = max(one.decision.decided_at.seconds for one in ledger.counted)
    assert latest <= time.time() + TOLERANCE_S, "the ledger is stamped ahead"


def test_a_clock_that_goes_wrong_while_it_leads(pair: Pair, clock: Clock) -> None:
    clock.set(0)
    for instance in pair.instances:
        instance.start()
    pair.let_lead(pair.left)
    clock.set(30 * DAY_S)
    pair.forget_readers()
    before = pair.ledger().at
    assert pair.create(pair.right).ok
    until(lambda: says_clock_off(pair, pair.left), "it says that its clock is off", 60)
    assert pair.create(pair.right).ok
    assert writers(pair, before) == {"right"}
    stamped = [one.decision.decided_at.seconds for one in pair.ledger().counted]
    assert max(stamped) <= time.time() + TOLERANCE_S, "the ledger is stamped ahead"
    clock.set(0)
    pair.forget_readers()
    until(lambda: pair.left.health("drafting") == "SERVING", "it serves with a right clock", 60)
    before = pair.ledger().at
    pair.let_lead(pair.left)
    assert "left" in writers(pair, before)
    check_chain(pair, settled(pair))
