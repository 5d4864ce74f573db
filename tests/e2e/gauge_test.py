"""A gauge that misbehaves while a rule watches it: the message appears once, with the right
reading."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.all_program import all_program
from e2e.bad_inputs_world import draft, text
from support.broker import Broker
from support.connect import Connect, new_request_id
from support.gauge import Gauge, ago
from support.programs import Program, Secrets
from support.prometheus import Prometheus
from support.tokens import Issuer, Person
from support.waiting import until

REALM = "bow"
ADMIN = Person("dan@city.example", REALM, "city", ("admin", "author", "duty-officer"))


class World:
    def __init__(self, program: Program, issuer: Issuer) -> None:
        self.gateway = Connect(program.url)
        self.program = program
        self.token = issuer.token(ADMIN)
        self.count = 0

    def do(self, service: str, method: str, **request: Any) -> dict[str, Any]:
        return self.gateway.must_change(service, method, request, token=self.token)

    def ask(self, service: str, method: str, **request: Any) -> dict[str, Any]:
        return self.gateway.must(service, method, request, token=self.token)

    def build(self) -> "World":
        self.do("approval", "ImportRoster", roster={
            "agencies": [{"agencyId": "city", "names": {"en-CA": "City", "fr-CA": "Ville"},
                          "capSender": "city.example"}],
            "people": [{"subject": ADMIN.subject, "name": "Dan", "agencyId": "city",
                        "roles": list(ADMIN.roles)}]})
        until(lambda: self.gateway.call("trigger", "ListRules", {}, token=self.token).code == "",
              "trigger knows the roster", 30)
        self.incident = until(lambda: self.gateway.call(
            "drafting", "CreateIncident",
            {"requestId": new_request_id(), "kind": "flood", "title": "Bow"},
            token=self.token).body.get("id"), "an incident", 30)
        self.template("high", "{{value}} m at {{read_at}}")
        return self

    def template(self, name: str, headline: str) -> None:
        self.do("drafting", "PutTemplate", templateId=name, expiresAfterSeconds=3600, draft=draft(
            texts=[text("fr-CA", headline=headline), text("en-CA", headline=headline)]))

    def watch(self, gauge: Gauge, **rule: Any) -> str:
        self.count += 1
        name = f"g{self.count}"
        self.do("trigger", "PutSource", sourceId=name, format="eccc-csv", url=gauge.url,
                pollSeconds=0.1, staleSeconds=3600)
        self.do("trigger", "PutRule", **{
            "ruleId": name, "sourceId": name, "series": "A:level", "threshold": 3,
            "templateId": "high", "incidentId": self.incident, **rule})
        return name

    def rule(self, name: str) -> dict[str, Any]:
        return next(one for one in self.ask("trigger", "ListRules", pageSize=500)["rules"]
                    if one["rule"]["ruleId"] == name)

    def source(self, name: str) -> dict[str, Any]:
        return next(one for one in self.ask("trigger", "ListSources", pageSize=500)["sources"]
                    if one["source"]["sourceId"] == name)

    def crossings(self, name: str) -> list[dict[str, Any]]:
        listed = self.ask("trigger", "ListCrossings", pageSize=500).get("crossings", [])
        return [one for one in listed if one["ruleId"] == name]

    def polled(self, name: str, more: int = 3) -> None:
        """So many further polls have ended."""
        before = int(self.source(name).get("polls", 0))
        until(lambda: int(self.source(name).get("polls", 0)) >= before + more, "it is polled", 20)


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys, trigger_allow_private_addresses=True) as program:
        yield World(program, issuer).build()


@pytest.fixture(scope="module")
def prometheus(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    one = Prometheus(Path(tmp_path_factory.mktemp("prometheus")),
                     f"127.0.0.1:{world.program.ports['metrics']}")
    yield one
    one.close()


@pytest.fixture
def gauge() -> Iterator[Gauge]:
    one = Gauge()
    yield one
    one.close()


def test_a_bad_row_costs_that_row(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table("A,2026", f"B,{ago(1)},\"never closed", f"A,{ago(2)},1.5",
                             f"A,{ago(1)},3.5")
    name = world.watch(gauge)
    (crossing,) = until(lambda: world.crossings(name), "it crosses", 20)
    assert crossing["evidence"][0]["value"] == 3.5
    until(lambda: world.crossings(name)[0].get("messageId"), "there is a message", 20)
    told = world.source(name)
    assert told["skippedByReason"]["bad_row"] == "2" and told["firstFault"].startswith("line 2")
    world.polled(name)
    assert len(world.crossings(name)) == 1


def test_an_old_flood_starts_nothing_and_is_named(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"A,{ago(60 * 24 * 21)},9", f"A,{ago(60 * 24 * 20)},1",
                             f"A,{ago(1)},1")
    name = world.watch(gauge)
    passed = until(lambda: world.rule(name).get("passedOver"), "it is named", 20)
    assert passed["value"] == 9
    assert world.rule(name)["state"] == "normal" and not world.crossings(name)


def test_a_reading_from_ahead_silences_nothing(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(-59)},1")
    name = world.watch(gauge)
    until(lambda: world.source(name).get("skippedByReason", {}).get("ahead") == "1", "counted", 20)
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(-59)},1", f"A,{ago(0.1)},4")
    (crossing,) = until(lambda: world.crossings(name), "it crosses", 20)
    assert crossing["evidence"][0]["value"] == 4


def test_a_peak_that_comes_late_and_a_value_that_is_corrected(world: World, gauge: Gauge) -> None:
    first, last = f"A,{ago(90)},1", f"A,{ago(1)},1.5"
    gauge.body = Gauge.table(first, last)
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "normal", "it is low", 20)
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
    assert len(world.crossings(name)) == 1


def test_a_rule_whose_series_is_silent_is_without_data(world: World, gauge: Gauge,
                                                       prometheus: Prometheus) -> None:
    gauge.body = Gauge.table(f"A,{ago(90)},1", f"B,{ago(1)},1")
    name = world.watch(gauge)
    until(lambda: world.rule(name)["state"] == "without_data"
          and world.rule(name)["reason"].startswith("without data since "), "it says so", 20)
    until(lambda: world.source(name).get("stale"), "the source is stale", 20)
    alerts = (("TocsinSourceStale", {"source": name}), ("TocsinRuleWithoutData", {"rule": name}))
    for alert, labels in alerts:
        until(lambda: prometheus.is_up(alert, realm=REALM, **labels), f"{alert} is raised", 20)
    gauge.body = Gauge.table(f"A,{ago(1)},1", f"B,{ago(1)},1")
    until(lambda: world.rule(name)["state"] == "normal", "it reads again", 20)
    for alert, labels in alerts:
        until(lambda: not prometheus.is_up(alert, realm=REALM, **labels), f"{alert} ends", 20)


def test_a_rule_whose_series_comes_in_another_unit_is_without_data(
        world: World, gauge: Gauge, prometheus: Prometheus) -> None:
    gauge.body = Gauge.table(f"A,{ago(2)},1")
    name = world.watch(gauge, unit="ft")
    until(lambda: "ft" in world.rule(name).get("reason", ""), "it names the unit", 20)
    assert world.rule(name)["state"] == "without_data"
    until(lambda: prometheus.is_up("TocsinRuleWithoutData", realm=REALM, rule=name), "raised", 20)
    world.do("trigger", "PutRule", ruleId=name, sourceId=name, series="A:level", threshold=3,
             unit="m", templateId="high", incidentId=world.incident)
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(0.1)},1")
    until(lambda: world.rule(name)["state"] == "normal", "it reads", 20)
    until(lambda: not prometheus.is_up("TocsinRuleWithoutData", realm=REALM, rule=name), "ends", 20)


def test_a_page_instead_of_a_file_is_an_error_and_loses_nothing(world: World, gauge: Gauge) -> None:
    gauge.body = b"<!DOCTYPE html><html>Service unavailable</html>"
    name = world.watch(gauge)
    until(lambda: world.source(name).get("error"), "it is an error", 20)
    gauge.body = Gauge.table(f"A,{ago(1)},3.2", end="")
    assert not world.crossings(name)
    gauge.body = Gauge.table(f"A,{ago(1)},3.2")
    (crossing,) = until(lambda: world.crossings(name), "it crosses", 30)
    assert crossing["evidence"][0]["value"] == 3.2


def test_a_series_with_a_typo_is_refused_with_the_right_name(world: World, gauge: Gauge) -> None:
    gauge.body = Gauge.table(f"08MF005,{ago(1)},1")
    name = world.watch(gauge, series="08MF005:level")
    until(lambda: world.rule(name)["state"] == "normal", "it is read", 20)
    reply = world.gateway.call("trigger", "PutRule", {
        "requestId": new_request_id(), "ruleId": "typo", "sourceId": name,
        "series": "08MF006:level", "threshold": 1, "templateId": "high",
        "incidentId": world.incident}, token=world.token)
    assert (reply.code, reply.reason, reply.fields) == ("not_found", "SERIES_NOT_FOUND", ["series"])
    assert "08MF005:level" in reply.message


def test_a_refused_crossing_is_listed_and_drafted_once_the_cause_is_fixed(
        world: World, gauge: Gauge, prometheus: Prometheus) -> None:
    """Stored well enough, and unusable by the time of the crossing: its agency is not in there."""
    world.template("broken", "{{value}} m")
    gauge.body = Gauge.table(f"A,{ago(2)},1")
    name = world.watch(gauge, templateId="broken")
    until(lambda: world.rule(name)["state"] == "normal", "it is read", 20)
    etag = world.ask("drafting", "GetTemplate", templateId="broken")["template"]["version"]
    world.do("drafting", "PutTemplate", templateId="broken", expiresAfterSeconds=3600, etag=etag,
             draft=draft(texts=[text("fr-CA", headline="{{bridge}}"),
                                text("en-CA", headline="{{bridge}}")]))
    gauge.body = Gauge.table(f"A,{ago(2)},1", f"A,{ago(0.1)},5")
    refused = until(lambda: world.crossings(name) and world.crossings(name)[0].get("refused"),
                    "it is refused", 20)
    assert "bridge" in refused
    until(lambda: world.program.metric("tocsin_trigger_crossings_refused", realm=REALM) == 1,
          "the metric says so", 20)
    until(lambda: prometheus.is_up("TocsinCrossingRefused", realm=REALM), "it is raised", 20)
    world.do("drafting", "PutTemplate", templateId="broken", expiresAfterSeconds=3600,
             etag=str(int(etag) + 1), draft=draft(texts=[text("fr-CA", headline="{{value}} m"),
                                                         text("en-CA", headline="{{value}} m")]))
    until(lambda: world.crossings(name)[0].get("messageId"), "it is drafted", 20)
    assert not world.crossings(name)[0].get("refused")
    until(lambda: world.program.metric("tocsin_trigger_crossings_refused", realm=REALM) == 0,
          "the metric ends", 20)
    until(lambda: not prometheus.is_up("TocsinCrossingRefused", realm=REALM), "the alert ends", 20)
