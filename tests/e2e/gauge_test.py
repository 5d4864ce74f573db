"""A gauge that misbehaves while a rule watches it: the message appears once, with the right
reading."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2e.all_program import all_program
from support.broker import Broker
from support.connect import Connect, Reply, new_request_id
from support.gauge import Gauge, Manner, ago
from support.programs import Program, Secrets
from support.prometheus import Prometheus
from support.sample_message import draft, text
from support.tokens import Issuer, Person, roster
from support.waiting import until

REALM = "bow"
# A rule on what Gauge.usgs() writes.
USGS = {"series": "01646500:00065", "templateId": "feet"}
ADMIN = Person("dan@city.example", REALM, "city", ("admin", "author", "duty-officer"))


class World:
    def __init__(self, program: Program, issuer: Issuer) -> None:
        self.gateway = Connect(program.url)
        self.program = program
        self.token = issuer.token(ADMIN)
        self.count = 0
        self.incidents: dict[str, str] = {}

    def do(self, service: str, method: str, **request: Any) -> dict[str, Any]:
        return self.gateway.must_change(service, method, request, token=self.token)

    def ask(self, service: str, method: str, **request: Any) -> dict[str, Any]:
        return self.gateway.must(service, method, request, token=self.token)

    def build(self) -> "World":
        done = self.do("approval", "ImportRoster", roster=roster([ADMIN]))
        self.gateway.reach(done["position"], token=self.token)
        self.template("high", "{{value}} m at {{read_at}}")
        self.template("feet", "{{value}} ft at {{read_at}}")
        return self

    def template(self, name: str, headline: str) -> None:
        """Stores it, or stores it anew."""
        known = self.gateway.call("drafting", "GetTemplate", {"templateId": name}, token=self.token)
        etag = {"etag": known.body["template"]["version"]} if known.ok else {}
        self.do("drafting", "PutTemplate", templateId=name, expiresAfterSeconds=3600, draft=draft(
            texts=[text("fr-CA", headline=headline), text("en-CA", headline=headline)]), **etag)

    def watch(self, gauge: Gauge, format_: str = "eccc-csv", **rule: Any) -> str:
        """The name of a source, and of a rule on it with an incident of its own."""
        self.count += 1
        name = f"g{self.count}"
        self.incidents[name] = self.do("drafting", "CreateIncident", kind="flood", title=name)["id"]
        self.do("trigger", "PutSource", sourceId=name, format=format_, url=gauge.url,
                pollSeconds=0.1, staleSeconds=3600)
        self.put_rule(name, **rule)
        return name

    def put_rule(self, name: str, **changed: Any) -> None:
        self.do("trigger", "PutRule", **{
            "ruleId": name, "sourceId": name, "series": "A:level", "threshold": 3,
            "templateId": "high", "incidentId": self.incidents[name], **changed})

    def rule(self, name: str) -> dict[str, Any]:
        return next(one for one in self.ask("trigger", "ListRules", pageSize=500)["rules"]
                    if one["rule"]["ruleId"] == name)

    def source(self, name: str) -> dict[str, Any]:
        return next(one for one in self.ask("trigger", "ListSources", pageSize=500)["sources"]
                    if one["source"]["sourceId"] == name)

    def crossings(self, name: str) -> list[dict[str, Any]]:
        listed = self.ask("trigger", "ListCrossings", pageSize=500).get("crossings", [])
        return [one for one in listed if one["ruleId"] == name]

    def messages(self, name: str) -> list[dict[str, Any]]:
        """All that were made of that rule, whoever lists them, oldest first."""
        listed = self.ask("drafting", "ListMessages", pageSize=500,
                          incidentId=self.incidents[name]).get("messages", [])
        return listed[::-1]

    def told(self, name: str, *readings: tuple[float, str]) -> list[dict[str, Any]]:
        """A message for each of these readings and no other, once some more polls have ended."""
        until(lambda: len(self.messages(name)) >= len(readings), f"{len(readings)} messages", 30)
        self.polled(name)
        messages = self.messages(name)
        evidence = [one["draft"]["evidence"][0] for one in messages]
        assert [(one["value"], one["readAt"]) for one in evidence] == list(readings)
        assert all(one["sourceId"] == name for one in evidence)
        crossings = self.crossings(name)[::-1]
        assert [one["messageId"] for one in crossings] == [one["messageId"] for one in messages]
        for message, (value, at) in zip(messages, readings, strict=True):
            (english,) = [one["headline"] for one in message["draft"]["texts"]
                          if one["language"] == "en-CA"]
            # `3.5 m at November 29, 2026 at 10:40 p.m. UTC`
            clock = f"{(int(at[11:13]) + 11) % 12 + 1}:{at[14:16]}"
            assert english.startswith(f"{value:g} m at ") and f" {clock}" in english, english
        return messages

    def polled(self, name: str, more: int = 3) -> None:
        """So many further polls have ended."""
        before = int(self.source(name).get("polls", 0))
        until(lambda: int(self.source(name).get("polls", 0)) >= before + more, "it is polled", 30)


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys, trigger_allow_private_addresses=True) as program:
        yield World(program, issuer).build()


@pytest.fixture(scope="module")
def prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with Prometheus(Path(tmp_path_factory.mktemp("prometheus")),
                    f"127.0.0.1:{world.program.ports['metrics']}").start() as one:
        yield one


def test_a_bad_row_costs_that_row(world: World, gauge: Gauge) -> None:
    high = ago(1)
    gauge.body = Gauge.table("A,2026", f"B,{ago(1)},\"never closed", f"A,{ago(2)},1.5",
                             f"A,{high},3.5")
    name = world.watch(gauge)
    world.told(name, (3.5, high))
    told = world.source(name)
    assert told["skippedByReason"]["bad_row"] == "2" and told["firstFault"].startswith("line 2")


def test_an_old_flood_starts_nothing_and_is_named(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"A,{ago(60 * 24 * 21)},8", f"A,{ago(60 * 24 * 20)},1",
                             f"A,{ago(60 * 24 * 19)},9", f"A,{ago(60 * 24 * 18)},1",
                             f"A,{ago(1)},1")
    name = world.watch(gauge)
    passed = until(lambda: world.rule(name).get("passedOver"), "it is named", 20)
    assert passed["value"] == 9
    assert [each["value"] for each in world.rule(name)["passedOverEarlier"]] == [8]
    assert world.rule(name)["passedOverTimes"] == "2"
    assert world.rule(name)["state"] == "RULE_STATE_NORMAL"
    world.told(name)


def test_a_reading_from_ahead_silences_nothing(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(-59)},1")
    name = world.watch(gauge)
    until(lambda: world.source(name).get("skippedByReason", {}).get("ahead") == "1", "counted", 20)
    high = ago(0.1)
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(-59)},1", f"A,{high},4")
    world.told(name, (4, high))


def test_a_peak_that_comes_late_and_a_value_that_is_corrected(world: World, gauge: Gauge) -> None:
    first, last = f"A,{ago(90)},1", f"A,{ago(1)},1.5"
    gauge.body = Gauge.table(first, last)
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_NORMAL", "it is low", 20)
    peak = ago(45)
    gauge.body = Gauge.table(first, last, f"A,{peak},3.8")
    (crossing,) = until(lambda: world.crossings(name), "it crosses", 20)
    assert crossing["evidence"][0]["readAt"] == peak
    message = until(lambda: world.crossings(name)[0].get("messageId"), "a message", 20)
    gauge.body = Gauge.table(first, last, f"A,{peak},2.1")
    (revision,) = until(lambda: world.crossings(name)[0].get("evidenceRevisions"), "corrected", 20)
    assert (revision["before"]["value"], revision["after"]["value"]) == (3.8, 2.1)
    review = until(lambda: world.ask("approval", "GetReview", messageId=message)["review"]
                   .get("evidenceRevisions"), "the reviewer sees it", 20)
    assert review[0]["after"]["value"] == 2.1
    # What was written stays as it was, and is not written again.
    world.told(name, (3.8, peak))


def test_a_rule_whose_series_is_silent_is_without_data(world: World, gauge: Gauge,
                                                       prometheus: Prometheus) -> None:
    gauge.body = Gauge.table(f"A,{ago(90)},1", f"B,{ago(1)},1")
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_WITHOUT_DATA"
          and world.rule(name)["reason"].startswith("without data since "), "it says so", 20)
    until(lambda: world.source(name).get("stale"), "the source is stale", 20)
    alerts = (("TocsinSourceStale", {"source": name}), ("TocsinRuleWithoutData", {"rule": name}))
    for alert, labels in alerts:
        until(lambda: prometheus.is_up(alert, realm=REALM, **labels), f"{alert} is raised", 20)
    gauge.body = Gauge.table(f"A,{ago(1)},1", f"B,{ago(1)},1")
    until(lambda: world.rule(name)["state"] == "RULE_STATE_NORMAL", "it reads again", 20)
    for alert, labels in alerts:
        until(lambda: not prometheus.is_up(alert, realm=REALM, **labels), f"{alert} ends", 20)


def test_a_rule_whose_series_comes_in_another_unit_is_without_data(
        world: World, gauge: Gauge, prometheus: Prometheus) -> None:
    low, high = ago(2), ago(1)
    gauge.body = Gauge.usgs({"7": {low: 1}}, unit="m")
    name = world.watch(gauge, "usgs-json", **USGS)
    until(lambda: world.rule(name).get("boundUnit") == "m", "it reads metres", 20)
    gauge.body = Gauge.usgs({"7": {low: 3.3, high: 9}}, unit="ft")
    until(lambda: "ft" in world.rule(name).get("reason", ""), "it names the unit", 20)
    assert world.rule(name)["state"] == "RULE_STATE_WITHOUT_DATA"
    until(lambda: prometheus.is_up("TocsinRuleWithoutData", realm=REALM, rule=name), "raised", 20)
    world.told(name)
    gauge.body = Gauge.usgs({"7": {low: 1, high: 1.1}}, unit="m")
    until(lambda: world.rule(name)["state"] == "RULE_STATE_NORMAL", "it reads", 20)
    until(lambda: not prometheus.is_up("TocsinRuleWithoutData", realm=REALM, rule=name), "ends", 20)
    world.told(name)


def test_a_page_instead_of_a_file_is_an_error_and_loses_nothing(world: World, gauge: Gauge) -> None:
    gauge.body = b"<!DOCTYPE html><html>Service unavailable</html>"
    name = world.watch(gauge)
    until(lambda: world.source(name).get("error"), "it is an error", 20)
    high = ago(1)
    gauge.body = Gauge.table(f"A,{high},3.2", end="")
    # Read, and not believed: what ends in a number may have lost a digit.
    until(lambda: world.source(name).get("firstFault", "").endswith("the file ends in it"),
          "its end is missed", 20)
    assert not world.source(name).get("error")
    world.told(name)
    gauge.body = Gauge.table(f"A,{high},3.2")
    world.told(name, (3.2, high))


def refusal(world: World, **rule: Any) -> Reply:
    return Connect(world.program.url).call("trigger", "PutRule", {
        "requestId": new_request_id(), "ruleId": "refused", "threshold": 1, "templateId": "high",
        **rule}, token=world.token)


def test_a_rule_that_could_lead_to_nothing_is_refused_with_what_was_meant(
        world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"08MF005,{ago(1)},1")
    name = world.watch(gauge, series="08MF005:level")
    right = {"sourceId": name, "series": "08MF005:level", "incidentId": world.incidents[name]}
    cases = (
        ({"series": "08MF006:level"}, "not_found", "NOT_FOUND", "series",
         "did you mean `08MF005:level`?"),
        ({"unit": "ft"}, "failed_precondition", "UNIT_DIFFERS", "unit", "arrives in m"),
        ({"templateId": "hihg"}, "not_found", "NOT_FOUND", "template_id",
         "did you mean `high`?"),
        ({"sourceId": f"{name}x"}, "not_found", "NOT_FOUND", "source_id", "did you mean `g"),
        ({"incidentId": "inc_none"}, "not_found", "NOT_FOUND", "incident_id",
         "open it first"))
    # Each is looked at for seconds before its word counts.
    with ThreadPoolExecutor() as pool:
        replies = list(pool.map(lambda case: refusal(world, **{**right, **case[0]}), cases))
    for reply, (_, code, reason, field, meant) in zip(replies, cases, strict=True):
        assert (reply.code, reply.reason, reply.fields) == (code, reason, [field]), reply
        assert meant in reply.message


def test_a_rule_is_checked_against_a_source_that_was_put_a_moment_ago(
        world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"08MF005,{ago(1)},1")
    name = world.watch(gauge, series="08MF005:level")
    new = f"{name}-new"
    world.do("trigger", "PutSource", sourceId=new, format="eccc-csv", url=gauge.url,
             pollSeconds=0.1, staleSeconds=3600)
    reply = refusal(world, sourceId=new, series="08MF006:level", incidentId=world.incidents[name])
    assert (reply.reason, reply.fields) == ("NOT_FOUND", ["series"])
    assert "08MF005:level" in reply.message


def test_a_rule_on_a_source_that_never_answered_is_taken(world: World, gauge: Gauge) -> None:
    gauge.manner = Manner(status=500)
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_WITHOUT_DATA", "it says so", 20)
    assert world.source(name)["error"] == "HTTP status 500"


def refused_crossing(world: World, gauge: Gauge, template: str) -> tuple[str, str]:
    """A rule, and why its crossing is refused: its template was good when the rule was put, and has
    by the time of the crossing a placeholder that no reading fills."""
    world.template(template, "{{value}} m")
    gauge.body = Gauge.table(f"A,{ago(2)},1")
    name = world.watch(gauge, templateId=template)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_NORMAL", "it is read", 20)
    world.template(template, "{{bridge}}")
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(0.1)},5")
    refused = until(lambda: world.crossings(name) and world.crossings(name)[0].get("refused"),
                    "it is refused", 20)
    until(lambda: world.program.metric("tocsin_trigger_crossings_refused", realm=REALM) == 1,
          "the metric says so", 20)
    return name, refused


def test_a_refused_crossing_is_listed_and_drafted_once_the_cause_is_fixed(
        world: World, gauge: Gauge, prometheus: Prometheus) -> None:
    name, refused = refused_crossing(world, gauge, "broken")
    assert "bridge" in refused
    assert world.rule(name)["refused"] == refused
    until(lambda: prometheus.is_up("TocsinCrossingRefused", realm=REALM), "it is raised", 20)
    world.template("broken", "{{value}} m")
    until(lambda: world.crossings(name)[0].get("messageId"), "it is drafted", 20)
    assert not world.crossings(name)[0].get("refused") and not world.rule(name).get("refused")
    assert len(world.messages(name)) == 1
    until(lambda: world.program.metric("tocsin_trigger_crossings_refused", realm=REALM) == 0,
          "the metric ends", 20)
    until(lambda: not prometheus.is_up("TocsinCrossingRefused", realm=REALM), "the alert ends", 20)


def test_the_crossing_of_a_rule_that_is_gone_is_drafted_by_nobody(
        world: World, gauge: Gauge) -> None:
    name, _ = refused_crossing(world, gauge, "brittle")
    world.do("trigger", "RemoveRule", ruleId=name)
    until(lambda: world.program.metric("tocsin_trigger_crossings_refused", realm=REALM) == 0,
          "somebody has seen to it", 20)
    until(lambda: "was removed" in world.crossings(name)[0]["refused"], "it is given up", 20)
    world.template("brittle", "{{value}} m")
    # Whatever drafting would have made of it is made before that of the next rule.
    other = world.watch(gauge)
    until(lambda: len(world.messages(other)) == 1, "the other rule's message", 20)
    assert not world.messages(name)
    assert "was removed" in world.crossings(name)[0]["refused"]


# ---- what the file says


def test_a_retired_sensor_beside_a_live_one_hides_nothing(world: World, gauge: Gauge) -> None:
    low, high = ago(2), ago(1)
    gauge.body = Gauge.usgs({"7": {}, "8": {low: 1}})
    name = world.watch(gauge, "usgs-json", **USGS)
    until(lambda: world.rule(name).get("boundSensor") == "8", "the live one is read", 20)
    gauge.body = Gauge.usgs({"7": {}, "8": {low: 1, high: 3.4}})
    (crossing,) = until(lambda: world.crossings(name), "it crosses", 20)
    (message,) = until(lambda: world.messages(name), "a message", 20)
    assert message["draft"]["evidence"] == crossing["evidence"]
    assert [(one["value"], one["unit"], one["readAt"]) for one in crossing["evidence"]] == [
        (3.4, "ft", high)]


def test_another_sensor_under_the_same_name_is_no_reading_of_the_rule(
        world: World, gauge: Gauge) -> None:
    """It may be mounted a metre higher: somebody has to look, and to put the rule again."""
    low, high = ago(3), ago(1)
    gauge.body = Gauge.usgs({"7": {low: 1}})
    name = world.watch(gauge, "usgs-json", **USGS)
    until(lambda: world.rule(name).get("boundSensor") == "7", "it is bound", 20)
    gauge.body = Gauge.usgs({"7": {}, "8": {high: 4.5}})
    until(lambda: world.rule(name)["state"] == "RULE_STATE_WITHOUT_DATA", "it is without data", 20)
    assert "8" in world.rule(name)["reason"]
    world.polled(name)
    assert not world.crossings(name) and not world.messages(name)
    world.do("trigger", "RemoveRule", ruleId=name)
    world.put_rule(name, **USGS)
    (message,) = until(lambda: world.messages(name), "a message", 20)
    assert [(one["value"], one["readAt"]) for one in message["draft"]["evidence"]] == [(4.5, high)]


def test_doubled_and_shuffled_rows_are_read_by_their_own_time(world: World, gauge: Gauge) -> None:
    at = {minutes: ago(minutes) for minutes in (40, 30, 20, 10, 1)}
    rows = [f"A,{at[20]},3.6", f"A,{at[40]},1", f"A,{at[1]},1", f"A,{at[30]},3.2",
            f"A,{at[10]},3.4"]
    gauge.body = Gauge.table(f"A,{at[40]},1")
    name = world.watch(gauge)
    gauge.body = Gauge.table(*rows, *rows[::-1], *rows)
    world.told(name, (3.2, at[30]))
    gauge.body = Gauge.table(*rows[::-1])
    world.told(name, (3.2, at[30]))
    assert world.rule(name)["state"] == "RULE_STATE_NORMAL"


def test_a_gap_ends_what_must_last(world: World, gauge: Gauge) -> None:
    at = {minutes: ago(minutes) for minutes in range(0, 60, 5)}
    ends = [f"A,{at[minutes]},3.5" for minutes in (50, 45, 10, 5)]
    middle = [f"A,{at[minutes]},3.6" for minutes in (40, 35, 30, 25, 20, 15)]
    gauge.body = Gauge.table(*ends)
    name = world.watch(gauge, forSeconds=1200, maxGapSeconds=600)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_PENDING", "it waits", 20)
    world.told(name)
    # What was missing comes late: it was high for 20 minutes 20 minutes after the first.
    gauge.body = Gauge.table(*ends, *middle)
    (message,) = world.told(name, (3.6, at[30]))
    assert message["draft"]["evidence"][1]["readAt"] == at[50]


def test_a_second_wave_within_the_cooldown_is_told_when_that_ends_high(
        world: World, gauge: Gauge) -> None:
    at = {minutes: ago(minutes) for minutes in range(0, 61)}
    waves = [f"A,{at[60]},3.1", f"A,{at[58]},1", f"A,{at[55]},3.4", f"A,{at[52]},3.5"]
    gauge.body = Gauge.table(*waves)
    name = world.watch(gauge, cooldownSeconds=600)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_COOLING_DOWN", "it is silent", 20)
    assert "the next reading crosses" in world.rule(name)["reason"]
    world.told(name, (3.1, at[60]))
    gauge.body = Gauge.table(*waves, f"A,{at[48]},3.6")
    world.told(name, (3.1, at[60]), (3.6, at[48]))
    assert world.rule(name)["state"] == "RULE_STATE_CROSSED"


# ---- what people and machines do meanwhile


def flooded(world: World, gauge: Gauge) -> tuple[str, dict[int, str], list[str]]:
    """A rule in a flood of which it told; times by the minutes before now; the rows so far."""
    at = {minutes: ago(minutes) for minutes in range(0, 41)}
    rows = [f"A,{at[40]},1", f"A,{at[30]},3.5"]
    gauge.body = Gauge.table(*rows)
    name = world.watch(gauge)
    world.told(name, (3.5, at[30]))
    return name, at, rows


def test_a_rule_edited_during_a_flood_tells_of_it_once(world: World, gauge: Gauge) -> None:
    name, at, rows = flooded(world, gauge)
    world.put_rule(name, hysteresis=0.2, timeZone="America/Edmonton", maxAgeSeconds=7200)
    rows.append(f"A,{at[20]},3.7")
    gauge.body = Gauge.table(*rows)
    world.told(name, (3.5, at[30]))
    assert world.rule(name)["state"] == "RULE_STATE_CROSSED"
    # The next wave is another event.
    world.put_rule(name)
    rows += [f"A,{at[10]},1", f"A,{at[5]},3.6"]
    gauge.body = Gauge.table(*rows)
    world.told(name, (3.5, at[30]), (3.6, at[5]))


def test_a_threshold_edited_during_a_flood_does_not_tell_of_it_again(
        world: World, gauge: Gauge) -> None:
    name, at, rows = flooded(world, gauge)
    world.put_rule(name, threshold=3.2)
    rows.append(f"A,{at[20]},3.7")
    gauge.body = Gauge.table(*rows)
    world.told(name, (3.5, at[30]))


# ---- how the server answers

# Each with what the operator reads of it.
BAD_MANNERS: dict[str, tuple[Manner, str]] = {
    "an error": (Manner(status=500), "HTTP status 500"),
    "a body that is cut off": (Manner(cut_at=40), "the answer ended early"),
    "a body shorter than it says": (Manner(claims=100), "the answer ended early"),
    "a redirect": (Manner(status=302, headers={"Location": "/elsewhere?key=secret"}),
                   "HTTP status 302"),
    "a body that is not gzip": (Manner(headers={"Content-Encoding": "gzip"}), "ncoding"),
}


def low_and_high() -> tuple[bytes, bytes, str]:
    """A file, the same one row later, and when that row is of."""
    low, high = ago(5), ago(0.5)
    return Gauge.table(f"A,{low},1"), Gauge.table(f"A,{low},1", f"A,{high},3.5"), high


def watched(world: World, gauge: Gauge, body: bytes) -> str:
    gauge.body = body
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "RULE_STATE_NORMAL", "it is read", 20)
    return name


def fails(world: World, name: str, error: str, seconds: float = 20) -> None:
    until(lambda: error in world.source(name).get("error", ""), f"they read: {error}", seconds)
    assert not world.crossings(name)


def recovers(world: World, gauge: Gauge, name: str, high: str) -> None:
    gauge.manner = Manner()
    world.told(name, (3.5, high))
    assert not world.source(name).get("error")


@pytest.mark.parametrize("what", BAD_MANNERS)
def test_a_bad_answer_is_an_error_and_loses_nothing(world: World, gauge: Gauge, what: str) -> None:
    manner, error = BAD_MANNERS[what]
    before, after, high = low_and_high()
    name = watched(world, gauge, before)
    gauge.manner, gauge.body = manner, after
    fails(world, name, error)
    world.polled(name, 1)
    fails(world, name, error)
    assert "secret" not in world.source(name)["error"]
    recovers(world, gauge, name, high)
    assert {one.path for one in gauge.seen} == {"/gauge.csv"}


def test_a_server_that_says_nothing_is_an_error_and_loses_nothing(
        world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    name = watched(world, gauge, before)
    gauge.manner, gauge.body = Manner(hangs=True), after
    fails(world, name, "time", 30)
    recovers(world, gauge, name, high)


def test_who_is_asked_to_wait_waits(world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    name = watched(world, gauge, before)
    gauge.manner, gauge.body = Manner(status=429, headers={"Retry-After": "3"}), after
    fails(world, name, "HTTP status 429")
    recovers(world, gauge, name, high)
    (busy,) = [at for at, one in enumerate(gauge.seen) if one.status == 429]
    assert gauge.seen[busy + 1].at - gauge.seen[busy].at >= 2.9


def test_what_did_not_change_is_not_sent_again(world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    gauge.manner = Manner(tagged=True)
    name = watched(world, gauge, before)
    until(lambda: gauge.answered(304) >= 3, "it says so", 20)
    whole = gauge.answered(200)
    # It is as good as an answer, and no older for it.
    assert not world.source(name).get("error")
    assert world.rule(name)["state"] == "RULE_STATE_NORMAL"
    gauge.body = after
    world.told(name, (3.5, high))
    assert gauge.answered(200) == whole + 1


def test_an_error_between_two_answers_that_are_the_same_loses_nothing(
        world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    gauge.manner = Manner(tagged=True)
    name = watched(world, gauge, before)
    gauge.manner, gauge.body = Manner(tagged=True, cut_at=40), after
    fails(world, name, "the answer ended early")
    # The tag of what was cut off is not taken for that of what is known.
    gauge.manner = Manner(tagged=True)
    world.told(name, (3.5, high))


def test_a_packed_file_is_read(world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    gauge.manner = Manner(gzipped=True)
    name = watched(world, gauge, before)
    gauge.body = after
    world.told(name, (3.5, high))


def test_a_file_that_ends_sooner_than_its_last_digit_is_not_believed(
        world: World, gauge: Gauge) -> None:
    low, high = ago(5), ago(0.5)
    name = watched(world, gauge, Gauge.table(f"A,{low},1"))
    gauge.body = Gauge.table(f"A,{low},1", f"A,{high},0035.25")
    gauge.manner = Manner(claims=-4)  # 0035
    until(lambda: world.source(name).get("firstFault", "").endswith("the file ends in it"),
          "its end is missed", 20)
    world.told(name)
    gauge.manner = Manner()
    (message,) = until(lambda: world.messages(name), "a message", 20)
    assert message["draft"]["evidence"][0]["value"] == 35.25


def test_a_line_of_2_mb_costs_that_row(world: World, gauge: Gauge) -> None:
    before, _, high = low_and_high()
    name = watched(world, gauge, before)
    gauge.body = before + b"A," + b"9" * 2_000_000 + b"\n" + f"A,{high},3.5\n".encode()
    world.told(name, (3.5, high))
    assert world.source(name)["skippedByReason"]["bad_row"] == "1"


# ---- last, since it starts the program again


def test_a_program_that_is_killed_during_a_flood_tells_of_it_once_and_misses_no_wave(
        world: World, gauge: Gauge) -> None:
    name, at, rows = flooded(world, gauge)
    world.program.kill()
    world.program.start()
    until(lambda: world.rule(name)["state"] == "RULE_STATE_CROSSED", "it stands where it stood", 60)
    world.told(name, (3.5, at[30]))
    world.program.kill()
    # While nobody looked it fell, rose for five minutes, and fell.
    rows += [f"A,{at[20]},1", f"A,{at[15]},3.8", f"A,{at[10]},1"]
    gauge.body = Gauge.table(*rows)
    world.program.start()
    world.told(name, (3.5, at[30]), (3.8, at[15]))
    assert world.rule(name)["state"] == "RULE_STATE_NORMAL"


def test_a_crossing_that_is_read_and_not_yet_told_when_the_program_is_killed_is_told_once(
        world: World, gauge: Gauge) -> None:
    before, after, high = low_and_high()
    name = watched(world, gauge, before)
    asked = len(gauge.seen)
    gauge.body = after
    until(lambda: len(gauge.seen) > asked, "it was fetched", 20)
    world.program.kill()
    world.program.start()
    world.told(name, (3.5, high))
