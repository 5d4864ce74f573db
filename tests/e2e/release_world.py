"""One city that clears and releases messages by its gateway, and what its people see of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from e2e.mastodon_server import TOKEN
from e2e.webhook_receiver import Receiver
from support.connect import Connect
from support.credentials import Credentials, webhook
from support.programs import Program
from support.sample_message import draft
from support.tokens import Issuer, Person, roster
from support.waiting import until

REALM = "calgary"
ANA = Person("ana@city.example", REALM, "city", ("author",))
BEN = Person("ben@city.example", REALM, "city", ("approver",))
DORA = Person("dora@city.example", REALM, "city", ("admin", "duty-officer"))


class World:
    """`folder` is that of the credentials; `receiver` is the city's."""

    def __init__(self, program: Program, issuer: Issuer, folder: Path, receiver: Receiver,
                 world: str = "live") -> None:
        self._gateway = Connect(program.url)
        self._issuer = issuer
        self.credentials = Credentials(folder, world)
        self.receiver = receiver
        self.incident = ""

    def use(self, program: Program) -> None:
        """From now on that instance is asked."""
        self._gateway = Connect(program.url)

    def set_policy(self, severity: str) -> None:
        self.do(DORA, "approval", "SetPolicy",
                {"severity": severity, "quorum": 1, "roles": ["approver"]})

    def do(self, who: Person, service: str, name: str, request: dict[str, Any]) -> Any:
        return self._gateway.must_change(service, name, request, token=self._issuer.token(who))

    def refused(self, who: Person, service: str, name: str, request: dict[str, Any]) -> str:
        reply = self._gateway.change(service, name, request, token=self._issuer.token(who))
        assert not reply.ok
        return reply.reason

    def read(self, service: str, name: str, request: dict[str, Any], after: str = "") -> Any:
        """Asked again while it is not known yet: an instance that stood still has much to read."""
        def answered() -> Any:
            reply = self._gateway.call(service, name, request, token=self._issuer.token(DORA),
                                       after=after)
            return reply if reply.code != "unavailable" else None

        reply = until(answered, f"{name} is answered", 60)
        assert reply.ok, f"{name}: {reply}"
        return reply.body

    def credential(self, name: str, *origins: str) -> None:
        self.credentials.put(name, {**webhook(REALM, ""),
                                    "origins": list(origins) or [self.receiver.origin]})

    def token(self, name: str, *origins: str) -> None:
        """The credential of an account on a Mastodon server."""
        self.credentials.put(name, {"kind": "mastodon", "realm": REALM, "agency": "city",
                                    "origins": list(origins), "token": TOKEN})

    def put_hook(self, credential: str) -> None:
        self.put({"channelId": "city-hook", "kind": "webhook", "name": "Hook of the city",
                   "url": self.receiver.url, "credential": credential})

    def put_elsewhere(self, channel: str, receiver: Receiver) -> None:
        self.credential("elsewhere", receiver.origin)
        self.put({"channelId": channel, "kind": "webhook", "name": "Hook of somebody else",
                   "url": receiver.url, "credential": "elsewhere"})

    def put(self, channel: dict[str, Any]) -> None:
        """Known to drafting: what is submitted from now on goes there."""
        done = self.do(DORA, "publishing", "PutChannel", channel)
        self._gateway.reach(done["position"], "drafting", token=self._issuer.token(DORA))

    def build(self) -> "World":
        done = self.do(DORA, "approval", "ImportRoster", {"roster": roster([ANA, BEN, DORA])})
        self._gateway.reach(done["position"], token=self._issuer.token(DORA))
        self.set_policy("SEVERITY_SEVERE")
        self.put({"channelId": "city-feed", "kind": "feed", "name": "Feed of the city"})
        self.incident = self.do(ANA, "drafting", "CreateIncident",
                                {"kind": "flood", "title": "Bow"})["id"]
        return self

    def submitted(self, message: str, etag: str) -> str:
        """The position."""
        return self.do(ANA, "drafting", "SubmitMessage",
                       {"messageId": message, "etag": etag})["position"]

    def review(self, message: str, after: str) -> Any:
        return self.read("approval", "GetReview", {"messageId": message}, after)["review"]

    def cleared(self, meanwhile: Callable[[str], object] = lambda _: None, **changed: Any) -> str:
        """`meanwhile` happens, to the message, between submission and approval."""
        request = {key: changed.pop(key) for key in ("messageType", "earlierMessages")
                   if key in changed}
        made = self.do(ANA, "drafting", "CreateMessage",
                       {"incidentId": self.incident, "draft": draft(**changed), **request})
        review = self.review(made["id"], self.submitted(made["id"], made["etag"]))
        meanwhile(made["id"])
        self.do(BEN, "approval", "Approve",
                {"messageId": made["id"], "digest": review["digest"]})
        return str(made["id"])

    def alert(self, identifier: str) -> str:
        answer = requests.get(f"{self._gateway.url}/feeds/{REALM}/alerts/{identifier}.xml",
                              timeout=10)
        answer.raise_for_status()
        return answer.text

    def message(self, message: str) -> Any:
        return self.read("drafting", "GetMessage", {"messageId": message})["message"]

    def latest(self, message: str) -> Any:
        """The latest release of the message; empty while there is none."""
        releases = self.read("publishing", "ListReleases", {}).get("releases", [])
        return next((one for one in releases if one["messageId"] == message), {})

    def release(self, message: str, state: str, wait_s: float = 30) -> Any:
        """The same, once it is in that state."""
        def there() -> Any:
            one = self.latest(message)
            return one if one.get("state") == f"RELEASE_STATE_{state}" else None
        return until(there, f"the release is {state}", wait_s)


def deliveries(release: Any) -> dict[str, str]:
    return {one["channelId"]: one["state"].removeprefix("DELIVERY_STATE_")
            for one in release["deliveries"]}
