"""Kafka is killed, frozen or away: calls say so in time, reads go on, recovery needs nobody."""

import time

from oracle import check_everything
from pair import Pair, report
from support.broker import Broker
from support.connect import new_request_id
from support.places import FULL_DOSE
from support.programs import Program
from support.waiting import until

KILLS = 20 if FULL_DOSE else 2


def test_the_broker_is_killed_under_load(pair: Pair, broker: Broker) -> None:
    outages: list[float] = []
    with pair.load(seed=11) as load:
        for _ in range(KILLS):
            load.grows(100)
            killed_at = time.monotonic()
            broker.restart()
            until(lambda t=killed_at: len(load.answered_since(t + 0.5)) > 50, "it goes on", 90)
            outages.append(min(asked.answered_at for asked in load.answered_since(killed_at + 0.5))
                           - killed_at)
    ledger = check_everything(pair)
    report("broker-kills", {
        "kills": KILLS, "outage_s": [round(outage, 2) for outage in outages],
        **load.tally(ledger)})


def refused_in_time(pair: Pair, instance: Program, request_id: str) -> None:
    began = time.monotonic()
    answer = pair.ask(instance, request_id=request_id, timeout_s=2)
    assert answer.code == "UNAVAILABLE", answer
    assert answer.reason == "UNAVAILABLE" and answer.retry_after_s, answer
    assert time.monotonic() - began < 2.0


def stale_seconds(pair: Pair, instance: Program) -> float:
    """What a read says of its own age; the read itself must succeed."""
    answer = pair.reader(instance).call("drafting", "ListIncidents", {"pageSize": 1})
    assert answer.ok and answer.body.get("incidents"), answer
    return float(answer.initial.get("tocsin-stale-seconds", 0))


def away(pair: Pair) -> list[str]:
    """Requests that were asked in vain while Kafka is away, and what reads say meanwhile."""
    asked = []
    for instance in pair.instances:
        request_id = new_request_id()
        refused_in_time(pair, instance, request_id)
        asked.append(request_id)
        first = until(lambda i=instance: stale_seconds(pair, i), "reads say how stale they are")
        until(lambda i=instance, f=first: stale_seconds(pair, i) > f, "and ever more so")
        refused_in_time(pair, instance, request_id)
        assert instance.health("drafting") == "SERVING"
    return asked


def back(pair: Pair, asked: list[str]) -> None:
    """The same requests, asked again as they are, once at each instance: one answer each."""
    for request_id in asked:
        answers = [pair.create(instance, request_id=request_id) for instance in pair.instances]
        assert answers[0].said == answers[1].said
    for instance in pair.instances:
        until(lambda i=instance: stale_seconds(pair, i) == 0, "reads are fresh again")


def one_exists(pair: Pair) -> None:
    answer = pair.create(pair.left)
    pair.reader(pair.right).must("drafting", "ListIncidents", after=answer.token)


def test_kafka_is_away_and_comes_back(pair: Pair, broker: Broker) -> None:
    one_exists(pair)
    broker.kill()
    asked = away(pair)
    broker.start()
    back(pair, asked)


def test_kafka_stands_still_and_goes_on(pair: Pair, broker: Broker) -> None:
    one_exists(pair)
    broker.freeze()
    try:
        asked = away(pair)
    finally:
        broker.thaw()
    back(pair, asked)
