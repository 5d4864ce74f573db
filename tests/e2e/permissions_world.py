"""A realm of three agencies, one thing of every kind in it, and a request for every method."""

from collections.abc import Callable
from typing import Any

import grpc

from support.calls import CHANNEL_OPTIONS, answer_of_error, call_metadata, request_bytes
from support.connect import Connect, Reply, new_request_id
from support.programs import Program
from support.protos import method
from support.sample_message import draft, in_hours, text
from support.tokens import OPERATOR, Issuer, Person, roster
from support.waiting import until

REALM, ELSEWHERE = "calgary", "elsewhere"
# Which agency a caller is of, as the messages of `city` see it.
AGENCIES = {
    "own": (REALM, "city"),  # named in the messages
    "member": (REALM, "harbour"),  # takes part in the incident, and is not named
    "other": (REALM, "bridge"),  # of the same realm
    "elsewhere": (ELSEWHERE, "city"),  # of another, whose agency has the same id
}
ROLES = ("author", "approver", "duty-officer", "analyst", "admin")

Request = dict[str, Any]


def person(role: str, relation: str) -> Person:
    realm, agency = AGENCIES[relation]
    return Person(f"{role}@{agency}.{realm}", realm, agency, (role,))


# Write and release what there is; the city's.
MAKER = Person("maker@city.calgary", REALM, "city", ("author", "duty-officer", "admin"))
SECOND = Person("second@city.calgary", REALM, "city", ("approver",))
LEFT = Person("left@city.calgary", REALM, "city", ROLES)


def people_of(realm: str) -> list[Person]:
    people = [person(role, relation) for relation, (of, _) in AGENCIES.items() if of == realm
              for role in ROLES]
    return [*people, MAKER, SECOND, LEFT] if realm == REALM else people


class World:
    """`ids`: what is the city's, by the names that the requests use."""

    def __init__(self, program: Program, issuer: Issuer) -> None:
        self._issuer = issuer
        self._gateway = Connect(program.url)
        self._channel = grpc.insecure_channel(program.address, options=CHANNEL_OPTIONS)
        self._tokens: dict[Person, str] = {}
        self.operator = issuer.token(OPERATOR)
        self.without_roles = issuer.token(MAKER, roles=[])
        self.ids: dict[str, str] = {}

    def token(self, who: Person) -> str:
        if who not in self._tokens:
            self._tokens[who] = self._issuer.token(who)
        return self._tokens[who]

    def call(self, service: str, name: str, token: str) -> Reply:
        request = dict(REQUESTS[service, name](self))
        if "request_id" in method(service, name)[1].DESCRIPTOR.fields_by_name:
            request["requestId"] = new_request_id()
        if name.startswith("Watch"):
            return self._watch(service, name, request, token)
        return self._gateway.call(service, name, request, token=token)

    def _watch(self, service: str, name: str, request: Request, token: str) -> Reply:
        """The snapshot, as if it were a list."""
        path, _, response = method(service, name)
        call = self._channel.unary_stream(path)(
            request_bytes(service, name, request), timeout=10,
            metadata=call_metadata(token))
        rows = []
        try:
            for item in call:
                told = response.FromString(item)
                rows.append(str(told))
                if told.snapshot_complete:
                    break
            call.cancel()
        except grpc.RpcError as error:
            answer = answer_of_error(error)
            return Reply(400, {}, {}, answer.code.lower(), answer.text,
                         {"ErrorInfo": {"reason": answer.reason}})
        return Reply(200, {}, {"rows": rows})

    def _do(self, service: str, name: str, request: Request, who: Person = MAKER) -> Any:
        return self._gateway.must_change(service, name, request, token=self.token(who))

    def _read(self, service: str, name: str, request: Request, after: str = "") -> Any:
        return self._gateway.must(service, name, request, token=self.token(MAKER), after=after)

    def build(self) -> "World":
        self._people()
        self._things()
        for name in ("draft", "review", "withdrawn", "released", "cancelled"):
            self._message(name)
        self._do("drafting", "WithdrawMessage",
                 {"messageId": self.ids["withdrawn"], "reason": "a false alarm"})
        for name in ("review", "released", "cancelled"):
            self._submit(name)
        for name, state in (("released", "RELEASE_STATE_RELEASED"),
                            ("cancelled", "RELEASE_STATE_PREPARING")):
            self._release(name, state)
        self._do("publishing", "StopRelease",
                 {"releaseId": self.ids["release cancelled"], "reason": "not needed"})
        until(lambda: self._state("cancelled") == "RELEASE_STATE_CANCELLED",
              "the release is cancelled", 30)
        self.ids["alert"] = next(iter(self._read("publishing", "GetRelease", {
            "releaseId": self.ids["release released"]})["release"]["identifiers"].values()))
        until(self._scored, "measurement knows the release", 30)
        # After the releases, which it would hold up.
        self._do("publishing", "PutChannel", {
            "channelId": "city-hook", "kind": "webhook", "name": "Hook of the city",
            "url": "https://hook.example/secret", "credential": "hook"})
        return self

    def _people(self) -> None:
        for realm, admin in ((REALM, MAKER), (ELSEWHERE, person("admin", "elsewhere"))):
            done = self._do("approval", "ImportRoster", {"roster": roster(people_of(realm))}, admin)
            self._gateway.reach(done["position"], token=self.token(admin))

    def let_go(self) -> str:
        """Takes LEFT off the roster; the position of that."""
        staying = [one for one in people_of(REALM) if one != LEFT]
        return str(self._do("approval", "ImportRoster", {"roster": roster(staying)})["position"])

    def reach(self, service: str, position: str) -> None:
        self._gateway.reach(position, service, token=self.token(MAKER))

    def _things(self) -> None:
        self._do("approval", "SetPolicy",
                 {"severity": "SEVERITY_SEVERE", "quorum": 1,
                  "roles": ["approver", "duty-officer"]})
        self.ids["incident"] = self._do("drafting", "CreateIncident", {
            "kind": "flood", "title": "Bow River", "agencies": ["harbour"]})["id"]
        self._do("drafting", "PutTemplate", TEMPLATE)
        # Removed first: an agency has one feed.
        self._do("publishing", "PutChannel", {**FEED, "channelId": "city-gone"})
        self._do("publishing", "RemoveChannel", {"channelId": "city-gone"})
        self.reach("drafting", self._do("publishing", "PutChannel", FEED)["position"])
        self.ids["hold"] = self._do("publishing", "PlaceHold", {
            "channelId": "city-gone", "reason": "a test"})["id"]
        for one in ("gauge", "gauge-gone"):
            self._do("trigger", "PutSource", {**SOURCE, "sourceId": one})
        self._do("trigger", "RemoveSource", {"sourceId": "gauge-gone"})
        for one in ("high", "high-gone"):
            self._do("trigger", "PutRule", {**RULE, "ruleId": one,
                                            "incidentId": self.ids["incident"]})
        self._do("trigger", "RemoveRule", {"ruleId": "high-gone"})

    def _message(self, name: str) -> None:
        later = {"releaseAt": in_hours(2)} if name == "cancelled" else {}
        self.ids[name] = self._do("drafting", "CreateMessage", {
            "incidentId": self.ids["incident"], "draft": draft(**later)})["id"]

    def _submit(self, name: str) -> None:
        done = self._do("drafting", "SubmitMessage", {"messageId": self.ids[name], "etag": "1"})
        self.ids[f"digest {name}"] = self._read(
            "approval", "GetReview", {"messageId": self.ids[name]},
            done["position"])["review"]["digest"]

    def _release(self, name: str, state: str) -> None:
        done = self._do("approval", "Approve", {
            "messageId": self.ids[name], "digest": self.ids[f"digest {name}"]}, SECOND)
        self._read("publishing", "ListReleases", {}, done["position"])
        until(lambda: self._state(name) == state, f"the release `{name}` is {state}", 30)

    def _state(self, name: str) -> str:
        release = self._read("publishing", "GetRelease", {"messageId": self.ids[name]})["release"]
        self.ids[f"release {name}"] = release["releaseId"]
        return str(release["state"])

    def _scored(self) -> bool:
        reply = self._gateway.call("measurement", "GetScorecard",
                                   {"messageId": self.ids["released"]}, token=self.token(MAKER))
        return reply.ok and reply.body["scorecard"].get("deliveries", {}).get("confirmed", 0) > 0


FEED: Request = {"channelId": "city-feed", "kind": "feed", "name": "Feed of the city"}
SOURCE: Request = {"sourceId": "gauge", "format": "eccc-csv", "url": "http://127.0.0.1:9/x.csv",
                   "pollSeconds": 86400}
TEMPLATE: Request = {
    "templateId": "flood", "expiresAfterSeconds": 3600,
    "draft": draft(texts=[text("fr-CA", headline="{{value}} m"),
                          text("en-CA", headline="{{value}} m")])}


# Nothing of it is the city's alone.
RULE: Request = {"ruleId": "high", "sourceId": "gauge", "series": "05BH004:level", "threshold": 4,
                 "templateId": "flood"}  # and the incident


def _of(name: str, **more: Any) -> Callable[[World], Request]:
    """Names one message."""
    return lambda world: {"messageId": world.ids[name], **more}


def _release(name: str, **more: Any) -> Callable[[World], Request]:
    return lambda world: {"releaseId": world.ids[f"release {name}"], **more}


def _just(**request: Any) -> Callable[[World], Request]:
    return lambda world: request


# Who may make such a request is answered by what it gets, and it changes nothing that another
# needs: the version is an old one, the message or release is over, or the thing stays as it is.
REQUESTS: dict[tuple[str, str], Callable[[World], Request]] = {
    # Another name each time: what is there already may be imported by anybody. And the people of
    # both realms: whoever imports it keeps their own.
    ("approval", "ImportRoster"): lambda world: {"roster": roster(
        [one for realm in (REALM, ELSEWHERE) for one in people_of(realm) if one.agency == "city"],
        city=f"The city {new_request_id()}")},
    ("approval", "GetRoster"): _just(),
    ("approval", "SetPolicy"): _just(severity="SEVERITY_MINOR", quorum=1, roles=["approver"]),
    ("approval", "ListPolicies"): _just(),
    ("approval", "Approve"): _of("review", digest="0" * 64),
    ("approval", "RequestChanges"): _of("released", reason="too long"),
    ("approval", "Reject"): _of("released", reason="not ours"),
    ("approval", "TakeBack"): _of("released", reason="a mistake"),
    ("approval", "GetReview"): _of("review"),
    ("approval", "ListReviews"): _just(),
    ("drafting", "CreateIncident"): _just(kind="protest", title="Downtown"),
    ("drafting", "GetIncident"): lambda world: {"incidentId": world.ids["incident"]},
    ("drafting", "ListIncidents"): _just(pageSize=500),
    ("drafting", "PutTemplate"): _just(**TEMPLATE),
    ("drafting", "GetTemplate"): _just(templateId="flood"),
    ("drafting", "ListTemplates"): _just(),
    ("drafting", "CreateMessage"): lambda world: {
        "incidentId": world.ids["incident"], "draft": draft()},
    ("drafting", "ReviseMessage"): lambda world: {
        "messageId": world.ids["draft"], "etag": "99", "draft": draft()},
    ("drafting", "SubmitMessage"): _of("draft", etag="99"),
    ("drafting", "WithdrawMessage"): _of("withdrawn", reason="again"),
    ("drafting", "GetMessage"): _of("draft"),
    ("drafting", "ListMessages"): _just(pageSize=500),
    ("drafting", "WatchMessages"): _just(),
    ("drafting", "PreviewMessage"): lambda world: {"draft": draft()},
    ("ledger", "GetStatus"): _just(service="drafting"),
    ("ledger", "RestartInput"): _just(service="drafting", partition=0, reason="a test"),
    ("ledger", "OverrideClock"): _just(service="drafting", partition=0, reason="a test"),
    ("measurement", "GetScorecard"): _of("released"),
    ("measurement", "ListScorecards"): _just(pageSize=500),
    ("measurement", "ListPractice"): _just(pageSize=500),
    ("measurement", "AddRemark"): _of("released", text="It was read aloud in the square."),
    ("publishing", "PutChannel"): _just(**FEED),
    ("publishing", "RemoveChannel"): _just(channelId="city-gone"),
    ("publishing", "ListChannels"): _just(),
    # Nothing goes to that channel, and it is over before long.
    ("publishing", "PlaceHold"): _just(channelId="city-gone", reason="a test", lastsSeconds=2),
    ("publishing", "LiftHold"): lambda world: {"holdId": world.ids["hold"], "reason": "a test"},
    ("publishing", "ListHolds"): _just(),
    ("publishing", "GetRelease"): _release("released"),
    ("publishing", "ListReleases"): _just(),
    ("publishing", "StopRelease"): _release("cancelled", reason="not needed"),
    ("publishing", "ProceedRelease"): _release("cancelled", reason="not needed"),
    ("publishing", "RetryDelivery"): _release("cancelled", deliveryId="city-feed",
                                              reason="not needed"),
    ("publishing", "ResolveDelivery"): _release("cancelled", deliveryId="city-feed",
                                                found="FINDING_PRESENT", reason="not needed"),
    ("publishing", "GetFeed"): _just(realm=REALM, language="en-CA"),
    ("publishing", "GetAlert"): lambda world: {"realm": REALM, "identifier": world.ids["alert"]},
    ("trigger", "PutSource"): _just(**SOURCE),
    ("trigger", "ListSources"): _just(),
    ("trigger", "RemoveSource"): _just(sourceId="gauge-gone"),
    ("trigger", "PutRule"): lambda world: {**RULE, "incidentId": world.ids["incident"]},
    ("trigger", "RemoveRule"): _just(ruleId="high-gone"),
    ("trigger", "ListRules"): _just(),
    ("trigger", "ListCrossings"): _just(),
}
