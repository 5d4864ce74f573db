"""The whole line, one process for each service, of which publishing crashes: by itself, or while a
second instance is there to take its place. With the person who looks where no program can."""

import xml.etree.ElementTree as Xml
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from e2e.outlets import Outlet, Outlets
from e2e.release_world import DORA, REALM, World
from support.broker import Broker
from support.connect import Connect, Reply, new_request_id
from support.credentials import Credentials
from support.follower import Follower
from support.ports import free_ports
from support.programs import SERVICES, Program, Secrets, edge_flags, service_flags
from support.sample_message import retraction, text
from support.tokens import Issuer
from support.waiting import until

PARTITIONS = 2
# Long enough that a test sees what was decided before the next thing happens.
ARM_LEAD_MS, CLAIM_LEAD_MS = 1200, 600
ATOM = "{http://www.w3.org/2005/Atom}"
LANGUAGE = "en-CA"

OVER = ("RELEASED", "RETRACTED", "PARTLY_RETRACTED", "CANCELLED", "ABORTED", "EXPIRED")
PENDING = ("PLANNED", "READY", "NOT_READY", "ARMED", "CLAIMED", "UNKNOWN")


@dataclass
class Sent:
    """One message; `label` is in each headline of it, and in that of no other one."""

    label: str
    outlets: dict[str, Outlet]  # by class
    message: str = ""
    state: str = ""  # of its release, once it is over
    by_itself: dict[str, int] = field(default_factory=dict)  # on D, before a person said a word
    shown_by_feed: list[str] = field(default_factory=list)

    def shown(self, which: str) -> list[str]:
        """What the public of that class saw of it, the oldest first: `message`, `retraction`."""
        found = self.shown_by_feed if which == "feed" else self.outlets[which].shown()
        return ["retraction" if "cancelled" in one or "annulée" in one else "message"
                for one in found if self.label in one]

    def draft(self) -> dict[str, Any]:
        def labelled(words: dict[str, Any]) -> dict[str, Any]:
            return {**words, "headline": f"{words['headline']} {self.label}"}

        languages = ("fr-CA", LANGUAGE)
        return {
            "channels": ["city-feed", *(one.name for one in self.outlets.values())],
            "texts": [labelled(text(language)) for language in languages],
            "retraction": [labelled(retraction(language)) for language in languages],
        }


class Publishing:
    """Its two instances. At least one runs while the test does not say otherwise."""

    def __init__(self, instances: dict[str, Program], follower: Follower) -> None:
        self._instances = instances
        self._follower = follower

    def have_both(self) -> None:
        for one in self._instances.values():
            if not one.running:
                one.start()

    def leader(self) -> Program:
        """Which of those that run decides, claims and sends."""
        running = {name: one for name, one in self._instances.items() if one.running}
        return running.get(self._follower.writer) or next(iter(running.values()))

    def recover(self, crashed: Program) -> None:
        """It starts again, unless another one is there."""
        if not any(one.running for one in self._instances.values()):
            crashed.start()


class Line:
    def __init__(self, gateway: Program, issuer: Issuer, folder: Path, outlets: Outlets,
                 publishing: Publishing, follower: Follower) -> None:
        self.publishing, self.follower = publishing, follower
        self._gateway, self._issuer, self._folder, self._outlets = gateway, issuer, folder, outlets
        self._added: dict[str, dict[str, Outlet]] = {}
        self.world = self.new_world().build()
        self.world.credential("hook", outlets.receivers.url)
        self.world.token("toot", outlets.accounts.url)

    def new_world(self, incident: str = "") -> World:
        """For one thread; about that incident."""
        world = World(self._gateway, self._issuer, self._folder,
                      self._outlets.receivers.add("none"))
        world.incident = incident
        return world

    def refusal(self, name: str, request: dict[str, Any]) -> str:
        """Of a call of the duty officer's to publishing, which is repeated while nobody answers;
        empty where it is accepted."""
        connect, token = Connect(self._gateway.url), self._issuer.token(DORA)
        request = {"requestId": new_request_id(), **request}

        def answered() -> Reply | None:
            reply = connect.change("publishing", name, request, token=token)
            return None if reply.code in ("unavailable", "deadline_exceeded") else reply

        reply = until(answered, f"an answer to {name}", 60, 0.2)
        return "" if reply.ok else reply.reason or reply.code

    def outlets(self, label: str) -> dict[str, Outlet]:
        """One of each class; the same ones under the same label."""
        if label in self._added:
            return self._added[label]
        added = self._added[label] = self._outlets.add(label)
        for one in added.values():
            account = one.kind == "mastodon"
            self.world.put({"channelId": one.name, "kind": one.kind, "name": one.name,
                            "url": one.place.url, "credential": "toot" if account else "hook",
                            # One post each.
                            "languages": [LANGUAGE] if account else []})
        return added

    def release(self, sent: Sent) -> Any:
        return self.world.read("publishing", "GetRelease", {"messageId": sent.message})["release"]

    def account(self, sent: Sent) -> str:
        return "; ".join(f"{one['deliveryId']} is {one['state']}: {one.get('reason', '')}"
                         for one in self.release(sent)["deliveries"])

    def is_over(self, sent: Sent) -> bool:
        """Nothing more happens to it by itself; a person says what can only be looked at."""
        release = self.release(sent)
        looked = [self._look(sent, release["releaseId"], one) for one in release["deliveries"]
                  if one["channelId"] == sent.outlets["D"].name]
        sent.state = release["state"].removeprefix("RELEASE_STATE_")
        return sent.state in OVER and not any(looked) and not any(
            one["state"].removeprefix("DELIVERY_STATE_") in PENDING
            for one in release["deliveries"])

    def _look(self, sent: Sent, release: str, delivery: Any) -> bool:
        """As a duty officer: says of a delivery in doubt what is there, and has what is not there
        sent again. Whether there was something to do."""
        state = delivery["state"].removeprefix("DELIVERY_STATE_")
        purpose = "message" if delivery["purpose"] == "PURPOSE_MESSAGE" else "retraction"
        request = {"releaseId": release, "deliveryId": delivery["deliveryId"]}
        shown = sent.shown("D").count(purpose)
        if state == "UNKNOWN":
            sent.by_itself.setdefault(purpose, shown)
            found: dict[str, Any] = {"found": "FINDING_ABSENT"}
            if shown:
                found = {"found": "FINDING_PRESENT", "url": sent.outlets["D"].place.url}
            refused = self.refusal("ResolveDelivery",
                                   {**request, **found, "reason": "the account's page"})
        elif state == "REFUSED" and not shown and "looked" in delivery.get("reason", ""):
            refused = self.refusal("RetryDelivery", {**request, "reason": "it is not there"})
        else:
            return False
        if refused in ("RETRACTED", "OVER"):  # nobody wants it sent any more
            return False
        # Too early, or already on its way.
        assert refused in ("", "UNDER_WAY", "NOT_IN_DOUBT", "NOT_REFUSED"), refused
        return True

    def read_feed(self, all_sent: list[Sent]) -> None:
        """What the public feed shows of each."""
        titles: list[str] = []
        url = f"{self._gateway.url}/feeds/{REALM}/{LANGUAGE}.atom"
        while url:
            answer = requests.get(url, timeout=10)
            answer.raise_for_status()
            feed = Xml.fromstring(answer.content)
            titles += [entry.findtext(f"{ATOM}title", "") for entry in feed.iter(f"{ATOM}entry")]
            url = next((link.get("href", "") for link in feed.findall(f"{ATOM}link")
                        if link.get("rel") == "next"), "")
        for sent in all_sent:
            sent.shown_by_feed = titles[::-1]


def _programs(broker: Broker, keys: Secrets, folder: Path) -> dict[str, Program]:
    gateway, *ports = (f"127.0.0.1:{port}" for port in free_ports(len(SERVICES) + 2))
    instances = [*((one, "one") for one in SERVICES if one != "publishing"),
                 ("publishing", "left"), ("publishing", "right")]
    programs: dict[str, Program] = {}
    upstreams: dict[str, str] = {}
    for (service, instance), address in zip(instances, ports, strict=True):
        more: dict[str, str | int | bool] = {"grpc_listen": address}
        if service == "publishing":
            more |= {**Credentials(folder).flags,
                     "publishing_feed_base_url": f"http://{gateway}",
                     "publishing_allow_private_addresses": True,
                     "publishing_arm_lead_ms": ARM_LEAD_MS,
                     "publishing_claim_lead_ms": CLAIM_LEAD_MS}
        programs[f"{service} {instance}"] = Program(
            f"tocsin-{service}", folder / f"{service}-{instance}",
            service_flags(broker.bootstrap, keys, instance, PARTITIONS, **more))
        upstreams[f"upstream_{service}"] = ",".join(
            filter(None, (upstreams.get(f"upstream_{service}"), address)))
    programs["gateway"] = Program("tocsin-gateway", folder / "gateway",
                                  edge_flags(keys, gateway_listen=gateway, **upstreams))
    return programs


@contextmanager
def line(broker: Broker, keys: Secrets, issuer: Issuer, folder: Path) -> Iterator[Line]:
    with ExitStack() as running:
        outlets = running.enter_context(closing(Outlets()))
        programs = {name: running.enter_context(one)
                    for name, one in _programs(broker, keys, folder).items()}
        standby = programs["publishing right"]
        for one in programs.values():
            if one is not standby:
                one.spawn()
        for one in programs.values():
            if one is not standby:
                one.wait_ready()
        follower = running.enter_context(Follower(broker.bootstrap, PARTITIONS))
        publishing = Publishing({"left": programs["publishing left"], "right": standby}, follower)
        yield Line(programs["gateway"], issuer, folder, outlets, publishing, follower)


def bring_to_rest(line: Line, all_sent: list[Sent], seconds: float) -> dict[str, str]:
    """Labels of those that are not over in that time, with what they wait for."""
    left = list(all_sent)

    def none_left() -> bool:
        left[:] = [one for one in left if not line.is_over(one)]
        return not left

    try:
        until(none_left, "everything is over", seconds, 1)
    except TimeoutError:
        pass
    return {sent.label: line.account(sent) for sent in left}
