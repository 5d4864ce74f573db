"""A small realm in which every wrong request has something to be wrong about."""

import json
from typing import Any

from support.connect import Connect, Reply, new_request_id
from support.programs import SERVICES, Program
from support.protos import lists
from support.sample_message import area, draft, in_hours, text
from support.tokens import OPERATOR, Issuer, Person, roster
from support.waiting import until

REALM = "calgary"
PEOPLE = {
    "ana": Person("ana@city.example", REALM, "city", ("author",)),
    "kim": Person("kim@city.example", REALM, "city", ("author", "approver")),
    "ben": Person("ben@city.example", REALM, "city", ("approver",)),
    "cleo": Person("cleo@city.example", REALM, "city", ("approver", "duty-officer")),
    "dan": Person("dan@city.example", REALM, "city", ("admin", "duty-officer")),
    "hal": Person("hal@city.example", REALM, "city", ("analyst",)),
    "eve": Person("eve@harbour.example", REALM, "harbour", ("author", "approver", "admin")),
}
# Has a good token, and is on no roster.
STRANGER = Person("gus@city.example", REALM, "city", ("author", "approver", "admin"))

LISTS = (*lists(), ("approval", "GetRoster"))


# Drafts that may be stored and must not be submitted, with the field that is named.
INCOMPLETE: dict[str, tuple[str, dict[str, Any]]] = {
    "no French": ("texts", {"texts": [text("en-CA")]}),
    "a headline of 161 characters": (
        "texts[0].headline", {"texts": [text("fr-CA", headline="é" * 161), text("en-CA")]}),
    "one language twice": (
        "texts[2].language", {"texts": [text("fr-CA"), text("en-CA"), text("en-CA")]}),
    "an open polygon": (
        "areas[0].polygons[0]", {"areas": [area(polygons=["51,-114 51.1,-114 51.1,-113"])]}),
    "a polygon beyond the pole": (
        "areas[0].polygons[0]",
        {"areas": [area(polygons=["91,-114 51.1,-114 51.1,-113 91,-114"])]}),
    "a polygon of words": ("areas[0].polygons[0]", {"areas": [area(polygons=["the river"])]}),
    "a circle without a radius": ("areas[0].circles[0]", {"areas": [area(circles=["51,-114"])]}),
    "an area in one language": (
        "areas[0].descriptions[fr-CA]", {"areas": [area(descriptions={"en-CA": "the Bow"})]}),
    "an expiry in the past": ("expires", {"expires": "2020-01-01T00:00:00Z"}),
    "an expiry before the onset": ("expires", {"onset": in_hours(13)}),
    "an expiry in a month": ("expires", {"expires": in_hours(24 * 30)}),
    "a release after the expiry": ("release_at", {"releaseAt": in_hours(20)}),
    "a placeholder left": (
        "texts[1].headline", {"texts": [text("fr-CA"), text("en-CA", headline="At {{level}}")]}),
    "a placeholder left in a code": (
        "areas[0].geocodes[0].value",
        {"areas": [area(geocodes=[{"valueName": "gauge", "value": "{{station}}"}])]}),
    "a placeholder in single braces": (
        "web", {"web": "https://city.example/{station}"}),
    "the exercise's status": ("status", {"status": "STATUS_EXERCISE"}),
    "a text for no such channel": (
        "texts[1].channel_texts[0].kind",
        {"texts": [text("fr-CA"),
                   {**text("en-CA"), "channelTexts": [{"kind": "smoke", "text": "puff"}]}]}),
}


class World:
    """`ids` and `etags` by the names that the cases use."""

    def __init__(self, program: Program, issuer: Issuer) -> None:
        self.program = program
        self.issuer = issuer
        self.gateway = Connect(program.url)
        self.tokens = {name: issuer.token(person) for name, person in PEOPLE.items()}
        self.tokens["stranger"] = issuer.token(STRANGER)
        # On the roster, but by a token without roles.
        self.tokens["nobody"] = issuer.token(PEOPLE["ana"], roles=[])
        self.tokens["operator"] = issuer.token(OPERATOR)
        self.ids: dict[str, str] = {}
        self.etags: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.used_request = new_request_id()
        # What holds() and decisions() said last, unless something is under way.
        self.at_rest: tuple[str, dict[str, int]] | None = None

    def do(self, name: str, service: str, method: str, request: dict[str, Any]) -> dict[str, Any]:
        return self.gateway.must_change(service, method, request, token=self.tokens[name])

    def ask(self, service: str, method: str, request: dict[str, Any] | None = None,
            after: str = "") -> dict[str, Any]:
        return self.gateway.must(service, method, request, token=self.tokens["ana"], after=after)

    def decisions(self) -> dict[str, int]:
        return {service: sum(int(one.get("decisions", 0)) for one in self.gateway.must(
                    "ledger", "GetStatus", {"service": service},
                    token=self.tokens["operator"])["partitions"])
                for service in SERVICES}

    def holds(self) -> str:
        """Everything that the services tell about the realm, but the health of sources."""
        return json.dumps([self.ask(service, method) for service, method in LISTS
                           if method != "ListSources"], sort_keys=True)

    def build(self) -> "World":
        self._people_and_rules()
        self._messages()
        self._releases()
        self._quiet()
        return self

    def _people_and_rules(self) -> None:
        done = self.do("dan", "approval", "ImportRoster", {"roster": roster(PEOPLE.values())})
        self.gateway.reach(done["position"], token=self.tokens["ana"])
        self.do("dan", "approval", "SetPolicy", {
            "severity": "SEVERITY_SEVERE", "quorum": 1, "roles": ["approver"]})
        for who, agency in (("dan", "city"), ("eve", "harbour")):
            done = self.do(who, "publishing", "PutChannel", {
                "channelId": f"{agency}-feed", "kind": "feed", "name": f"Feed of {agency}"})
            self.gateway.reach(done["position"], "drafting", token=self.tokens["ana"])
        self.do("dan", "trigger", "PutSource", {
            "sourceId": "gauge", "format": "eccc-csv", "url": "http://127.0.0.1:9/x.csv",
            "pollSeconds": 86400})

    def _message(self, name: str, changed: dict[str, Any], **request: Any) -> None:
        made = self.do("ana", "drafting", "CreateMessage", {
            "incidentId": self.ids["incident"], "draft": draft(**changed), **request})
        self.ids[name], self.etags[name] = made["id"], made["etag"]

    def _messages(self) -> None:
        self.ids["incident"] = self.do("ana", "drafting", "CreateIncident", {
            "requestId": self.used_request, "kind": "flood", "title": "Bow River"})["id"]
        self.do("ana", "drafting", "PutTemplate", {
            "templateId": "flood", "expiresAfterSeconds": 3600,
            "draft": draft(texts=[text("fr-CA", headline="{{level}} m"),
                                  text("en-CA", headline="{{level}} m")])})
        self.do("ana", "drafting", "PutTemplate", {
            "templateId": "by-gauge", "expiresAfterSeconds": 3600, "draft": draft()})
        self.do("dan", "trigger", "PutRule", {
            "ruleId": "high", "sourceId": "gauge", "series": "05BH004:level", "threshold": 4,
            "templateId": "by-gauge", "incidentId": self.ids["incident"]})
        for name, (_, changed) in INCOMPLETE.items():
            self._message(name, changed)
        for name in ("draft", "unprepared", "gone", "review", "kim's"):
            self._message(name, {"retraction": []} if name == "unprepared" else {})
        self._message("update", {}, messageType="MESSAGE_TYPE_UPDATE", references=[{
            "sender": "city.example", "identifier": "tocsin-rel-neverpublished-city",
            "sent": "2026-06-20T18:00:00-00:00"}])
        self.do("ana", "drafting", "WithdrawMessage",
                {"messageId": self.ids["gone"], "reason": "a false alarm"})
        # Kim edits a text that she could approve otherwise.
        self.etags["kim's"] = self.do("kim", "drafting", "ReviseMessage", {
            "messageId": self.ids["kim's"], "etag": self.etags["kim's"],
            "draft": draft(title="Bow in flood, again")})["etag"]
        for name in ("review", "kim's"):
            self._submit(name)

    def _submit(self, name: str, who: str = "ana") -> None:
        done = self.do(who, "drafting", "SubmitMessage", {
            "messageId": self.ids[name], "etag": self.etags[name]})
        self.etags[name] = done["etag"]
        self.digests[name] = self.ask("approval", "GetReview", {"messageId": self.ids[name]},
                                      after=done["position"])["review"]["digest"]

    def _releases(self) -> None:
        """One that is public, and one that waits for its hour."""
        self._message("public", {})
        self._message("later", {"releaseAt": in_hours(2)})
        for name, state in (("public", "RELEASE_STATE_RELEASED"),
                            ("later", "RELEASE_STATE_PREPARING")):
            self._submit(name)
            cleared = self.do("ben", "approval", "Approve", {
                "messageId": self.ids[name], "digest": self.digests[name]})
            self.ask("publishing", "ListReleases", after=cleared["position"])
            until(lambda n=name, s=state: self._release(n)["state"] == s,
                  f"the release `{name}` is {state}", 30)
            self.ids[f"release {name}"] = self._release(name)["releaseId"]

    def _release(self, name: str) -> dict[str, Any]:
        return self.ask("publishing", "GetRelease", {"messageId": self.ids[name]})["release"]

    def _quiet(self) -> None:
        """Until what was set up has been told to every service, so that later news is a fault."""
        last: list[Any] = []

        def settled() -> bool:
            now = [self.decisions(), self.holds()]
            last.append(now)
            return len(last) > 10 and all(one == now for one in last[-10:])

        until(settled, "the services come to rest", 30, pause=0.05)

    def post(self, path: str, body: bytes, who: str | None = "ana",
             headers: dict[str, str] | None = None) -> Reply:
        return self.gateway.post(path, body, token=self.tokens[who] if who else "",
                                 headers=headers)
