"""The only instance that polls is killed, and nobody asks for anything: another one polls in its
place, and the flood is not missed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pair import REALMS, Pair
from support.broker import Broker
from support.calls import Caller
from support.gauge import Gauge, ago
from support.programs import Program, Secrets, service_flags
from support.sample_message import draft
from support.waiting import until

REALM = REALMS[0]


def what_a_rule_names(people: Pair, token: str) -> str:
    """A template, `flood`, and an incident; its id. Then drafting may end."""
    drafting = people.another("writer").start()
    incident = people.create(drafting, REALM).body["id"]
    caller = Caller(drafting.address, token)
    caller.must_change("drafting", "PutTemplate", {
        "templateId": "flood", "expiresAfterSeconds": 3600, "draft": draft()})
    caller.close()
    assert drafting.terminate() == 0
    return str(incident)


@pytest.fixture
def gauge() -> Iterator[Gauge]:
    running = Gauge()
    yield running
    running.close()


def test_a_follower_polls_where_the_leader_died_in_silence(
        broker: Broker, keys: Secrets, tmp_path: Path, gauge: Gauge) -> None:
    people = Pair(broker, keys, tmp_path / "people")
    people.import_rosters()
    token = people.token(people.person_of(REALM))
    incident = what_a_rule_names(people, token)
    left, right = (
        Program("tocsin-trigger", tmp_path / name,
                service_flags(broker.bootstrap, keys, name, people.partitions,
                              trigger_allow_private_addresses=True)).start()
        for name in ("left", "right"))
    caller = Caller(left.address, token)
    watcher = Caller(right.address, token)
    try:
        low = f"A,{ago(0)},1.5"
        gauge.body = Gauge.table(low)
        caller.must_change("trigger", "PutSource", {
            "sourceId": "gauge", "format": "eccc-csv", "url": gauge.url, "pollSeconds": 1,
            "staleSeconds": 3600})
        caller.must_change("trigger", "PutRule", {
            "ruleId": "high", "sourceId": "gauge", "series": "A:level", "threshold": 4,
            "templateId": "flood", "incidentId": incident})
        # Either may have decided, and the one that did polls.
        polls = "tocsin_trigger_polls_total"
        first = until(lambda: next((one for one in (left, right) if one.metric(polls) >= 2), None),
                      "one of them polls")
        other = right if first is left else left
        survivor = watcher if other is right else caller
        until(lambda: survivor.must("trigger", "ListSources")["sources"][0].get("lastReadAt"),
              "the other one hears of it")
        assert other.metric(polls) == 0
        first.kill()
        gauge.body = Gauge.table(low, f"A,{ago(0)},4.2")
        # It waits for a minute at the least, and for half a minute more at random.
        [crossing] = until(lambda: survivor.must("trigger", "ListCrossings").get("crossings"),
                           "the flood is found", 150, 0.5)
        assert crossing["ruleId"] == "high"
        since = other.metric(polls)
        until(lambda: other.metric(polls) >= since + 3, "it leads, and polls as often as it should")
    finally:
        for one in (left, right):
            one.kill()
        caller.close()
        watcher.close()
        people.end()
