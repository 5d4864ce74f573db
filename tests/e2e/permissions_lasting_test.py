"""What lasts: whoever had a hand in what a gauge started does not approve it, and a stream lives no
longer than the right to read it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from e2e.all_program import all_program
from e2e.permissions_world import FEED, REALM, RULE, SOURCE
from support.broker import Broker
from support.calls import CHANNEL_OPTIONS, Answer, answer_of_error, call_metadata, request_bytes
from support.connect import Connect, Reply
from support.gauge import Gauge, ago
from support.programs import Program, Secrets
from support.protos import method
from support.sample_message import draft, text
from support.tokens import Issuer, Person, roster
from support.waiting import until

LEEWAY_S = 1


def someone(name: str, *roles: str) -> Person:
    return Person(f"{name}@city.calgary", REALM, "city", roles)


ADMIN = someone("admin", "admin", "duty-officer")
# Each wrote one of the things that lead to a message, and may approve what others write.
WRITERS = {one: someone(f"{one}-writer", "approver", "duty-officer")
           for one in ("template", "source", "rule")}
OTHER = someone("other", "approver", "duty-officer")
READER = someone("reader", "duty-officer")


class World:
    def __init__(self, program: Program, issuer: Issuer) -> None:
        self.issuer = issuer
        self._gateway = Connect(program.url)
        self._channel = grpc.insecure_channel(program.address, options=CHANNEL_OPTIONS)

    def do(self, who: Person, service: str, name: str, request: dict[str, Any]) -> Any:
        return self._gateway.must_change(service, name, request, token=self.issuer.token(who))

    def read(self, service: str, name: str, request: dict[str, Any], after: str = "") -> Any:
        return self._gateway.must(service, name, request, token=self.issuer.token(OTHER),
                                  after=after)

    def approve(self, who: Person, message: str, digest: str) -> Reply:
        return self._gateway.change("approval", "Approve",
                                    {"messageId": message, "digest": digest},
                                    token=self.issuer.token(who))

    def roster(self, *people: Person) -> str:
        done = self.do(ADMIN, "approval", "ImportRoster", {"roster": roster(people)})
        return str(done["position"])

    def build(self) -> "World":
        position = self.roster(ADMIN, OTHER, READER, *WRITERS.values())
        self._gateway.reach(position, token=self.issuer.token(OTHER))
        self.do(ADMIN, "approval", "SetPolicy", {
            "severity": "SEVERITY_SEVERE", "quorum": 1, "roles": ["approver", "duty-officer"]})
        done = self.do(ADMIN, "publishing", "PutChannel", FEED)
        self._gateway.reach(done["position"], "drafting", token=self.issuer.token(OTHER))
        return self

    def stream_ends(self, token: str, then: Callable[[], object]) -> Answer:
        """How a stream ends on which nothing happens but what `then` does once it is open."""
        path, _, response = method("drafting", "WatchMessages")
        call = self._channel.unary_stream(path)(
            request_bytes("drafting", "WatchMessages", {}), timeout=60,
            metadata=call_metadata(token))
        with pytest.raises(grpc.RpcError) as ended:
            for item in call:
                if response.FromString(item).snapshot_complete:
                    then()
        return answer_of_error(ended.value)


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys, trigger_allow_private_addresses=True,
                     jwt_leeway_s=LEEWAY_S) as program:
        yield World(program, issuer).build()


def test_nobody_approves_what_their_template_source_or_rule_started(world: World, gauge: Gauge
                                                                    ) -> None:
    gauge.body = Gauge.table(f"05BH004,{ago(0)},9.9")
    incident = world.do(ADMIN, "drafting", "CreateIncident",
                        {"kind": "flood", "title": "Bow"})["id"]
    world.do(WRITERS["template"], "drafting", "PutTemplate", {
        "templateId": "flood", "expiresAfterSeconds": 3600,
        "draft": draft(texts=[text("fr-CA", headline="{{value}} m"),
                              text("en-CA", headline="{{value}} m")])})
    world.do(WRITERS["source"], "trigger", "PutSource",
             {**SOURCE, "url": gauge.url, "pollSeconds": 1, "staleSeconds": 600})
    world.do(WRITERS["rule"], "trigger", "PutRule", {**RULE, "incidentId": incident,
                                                     "cooldownSeconds": 9999})
    message = until(lambda: world.read("drafting", "ListMessages", {"incidentId": incident})
                    .get("messages"), "the gauge started a message")[0]["messageId"]
    review = until(lambda: next((
        world.read("approval", "GetReview", {"messageId": message})["review"]
        for one in world.read("approval", "ListReviews", {}).get("reviews", [])
        if one["messageId"] == message), None), "it is in review")
    assert set(review["editors"]) >= {one.subject for one in WRITERS.values()}
    for wrote, who in WRITERS.items():
        reply = world.approve(who, message, review["digest"])
        assert (reply.code, reply.reason) == ("permission_denied", "OWN_TEXT"), wrote
    reply = world.approve(OTHER, message, review["digest"])
    assert reply.ok, reply.message
    world.read("publishing", "ListReleases", {}, reply.body["position"])
    until(lambda: world.read("publishing", "GetRelease", {"messageId": message})["release"]["state"]
          == "RELEASE_STATE_RELEASED", "it is released")


def test_a_stream_ends_with_its_token(world: World) -> None:
    ended = world.stream_ends(world.issuer.token(READER, ttl_s=3), lambda: None)
    assert (ended.code, ended.reason) == ("UNAUTHENTICATED", "TOKEN_EXPIRED"), ended


def test_a_stream_ends_when_the_roster_drops_its_reader(world: World) -> None:
    ended = world.stream_ends(world.issuer.token(READER),
                              lambda: world.roster(ADMIN, OTHER, *WRITERS.values()))
    assert (ended.code, ended.reason) == ("PERMISSION_DENIED", "ROLE_MISSING"), ended
