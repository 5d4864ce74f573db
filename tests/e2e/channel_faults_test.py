"""All that can go wrong with the answer of a channel, on each kind that is reached by HTTP: what
the attempt makes of it, what becomes of the delivery, and that nobody ever sees it twice.

One message goes to a channel for each fault. Its first request there meets the fault, every later
one a server that is well. The accounts know no repeat by its key: that a post is there already, the
delivery has to find out.
"""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import loopback_server as faults
from e2e.all_program import all_program
from e2e.certificates import Authority
from e2e.loopback_server import Fault, answers, limits
from e2e.mastodon_server import Account, MastodonServer
from e2e.release_world import REALM, World
from e2e.webhook_receiver import Receiver, WebhookReceivers
from support.broker import Broker
from support.ports import free_port
from support.programs import Program, Secrets
from support.tokens import Issuer
from support.waiting import until

WAIT_S = 3.0  # that a channel asks for
# Longer than a server may take to show what it took, and its queries on the way.
ENDS_S = 240

CONFIRMED, REFUSED, LATER, UNKNOWN = "confirmed", "refused", "retry_later", "unknown"


@dataclass(frozen=True)
class Case:
    """What the first attempt comes to on each kind, and the reason that it gives."""

    name: str
    fault: Fault
    webhook: str
    mastodon: str
    reason: str  # a regular expression
    commits: bool = False  # an account shows the post all the same
    asks_to_wait: bool = False
    ends: str = CONFIRMED  # on Mastodon


def of_status(status: int) -> Case:
    webhook = UNKNOWN if status >= 500 or status in (408, 409, 422) else LATER
    mastodon = UNKNOWN if status >= 500 or status in (201, 202, 204, 408, 409, 422) else REFUSED
    if status < 300:
        webhook = CONFIRMED
    if status in (429, 503):
        webhook = LATER
    if status == 429:
        mastodon = LATER
    if status == 410:
        webhook = REFUSED
    # What a complaint of a repeat may be is refused once the account was seen not to show it.
    ends = REFUSED if mastodon == REFUSED or status in (409, 422) else CONFIRMED
    return Case(str(status), answers(status), webhook, mastodon, f"\\b{status}\\b", ends=ends)


STATUSES = (201, 202, 204, *range(400, 419), *range(421, 427), 428, 429, 431, 451,
            *range(500, 509), 510, 511)


def table(elsewhere: str) -> list[Case]:
    """`elsewhere`: where nothing must ever arrive."""
    all_cases = [of_status(status) for status in STATUSES]
    all_cases += [
        Case(f"redirect-{status}", answers(status, {"location": elsewhere}), LATER, REFUSED,
             f"\\b{status}\\b", ends=REFUSED) for status in (301, 302, 303, 307, 308)]
    all_cases += [
        Case(f"limit-{name}", limits(header, form, WAIT_S), LATER, LATER, "429", asks_to_wait=True)
        for name, header, form in (
            ("seconds", "retry-after", faults.in_seconds),
            ("date", "retry-after", faults.as_http_date),
            ("iso", "x-ratelimit-reset", faults.as_iso_time),
            ("unix", "x-ratelimit-reset", faults.as_unix_time),
            ("delta", "x-ratelimit-reset", faults.in_seconds))]
    all_cases.append(Case("busy-503", answers(503, {"retry-after": str(round(WAIT_S))}), LATER,
                          LATER, "503", asks_to_wait=True))
    all_cases += [
        Case(f"accepted-{status}", answers(status), of_status(status).webhook,
             # A complaint is looked into at once.
             CONFIRMED if status in (409, 422) else UNKNOWN,
             f"\\b{status}\\b|^$", commits=True)
        for status in (408, 409, 422, 500, 502, 503, 504)]
    for commits in (False, True):
        more = "accepted-" if commits else ""
        all_cases += [Case(f"{more}{name}", fault, UNKNOWN, UNKNOWN, reason, commits)
                      for name, fault, reason in (
            ("time-out", faults.never_answers, "no whole answer came within 15 s"),
            ("cut-in-body", faults.cut_in_body, "ended early"),
            ("cut-before", faults.cut_before, "broke before an answer came|ended early"),
            ("reset", faults.resets, "broke before an answer came|ended early"),
            ("no-http", faults.is_no_http, "not HTTP"),
            ("endless-body", faults.has_an_endless_body, "larger|too large|bytes"),
            ("endless-header", faults.has_an_endless_header, "header"),
            ("drip", faults.drips, "no whole answer came within 15 s"))]
        # Of a webhook the status is enough.
        all_cases += [Case(f"{more}{name}", fault, CONFIRMED, UNKNOWN, "cannot be read|^$", commits)
                      for name, fault in (
            ("cut-in-headers", faults.cut_in_headers),
            ("wrong-json", answers(200, body=b'{"id":')),
            ("other-json", answers(200, body=b'[{"id":1}]')),
            ("page", answers(200, body=b"<html>Log in to the network</html>")))]
    return all_cases


@contextmanager
def untrusted(folder: Path) -> Iterator[str]:
    """A server with a certificate that nobody vouches for."""
    Authority(folder).issue("server")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    with closing(WebhookReceivers()) as server:
        server.speak_tls(context)
        yield server.url.replace("http://", "https://")


def first_attempts(program: Program) -> dict[str, Any]:
    """What the executor said of each, by channel."""
    lines = [json.loads(line) for line in program.said().splitlines()
             if '"delivery attempted"' in line]
    return {line["channel"]: line for line in lines if line["attempt"] == 1}


def put_channel(world: World, kind: str, name: str, url: str, credential: str) -> None:
    one_post = {"languages": ["en-CA"]} if kind == "mastodon" else {}
    world.put({"channelId": f"{kind}-{name}", "kind": kind, "name": name, "url": url,
               "credential": credential, **one_post})


class Channels:
    """For each case a receiver and an account."""

    def __init__(self, world: World, cases: list[Case], receivers: WebhookReceivers,
                 server: MastodonServer) -> None:
        self.receivers: dict[str, Receiver] = {}
        self.accounts: dict[str, Account] = {}
        world.credential("hook", receivers.url)
        world.token("toot", server.url)
        for case in cases:
            receiver = self.receivers[case.name] = receivers.add(case.name)
            receiver.faults.append(case.fault)
            account = self.accounts[case.name] = server.add(case.name)
            account.knows_keys = False
            account.busy(3)
            account.faults.append((case.fault, case.commits))
            put_channel(world, "webhook", case.name, receiver.url, "hook")
            put_channel(world, "mastodon", case.name, account.url, "toot")


def states(world: World, message: str) -> dict[str, dict[str, Any]]:
    return {one["channelId"]: one for one in world.latest(message).get("deliveries", [])}


def is_over(deliveries: dict[str, dict[str, Any]], waiting: set[str]) -> bool:
    over = ("DELIVERY_STATE_CONFIRMED", "DELIVERY_STATE_REFUSED")
    return bool(deliveries) and all(
        one["state"] in over for name, one in deliveries.items() if name not in waiting)


def wrong_attempt(case: Case, kind: str, attempt: dict[str, Any]) -> str:
    expected = case.webhook if kind == "webhook" else case.mastodon
    if attempt["outcome"] != expected:
        return f"{attempt['outcome']} instead of {expected}: {attempt['reason']}"
    if expected != CONFIRMED and not re.search(case.reason, attempt["reason"]):
        return f"a reason without /{case.reason}/: {attempt['reason']}"
    return ""


def wrong_end(case: Case, kind: str, channels: Channels, delivery: dict[str, Any]) -> str:
    state = delivery["state"].removeprefix("DELIVERY_STATE_").lower()
    if kind == "webhook":
        receiver = channels.receivers[case.name]
        expected, ids, times = case.webhook, set(receiver.ids), receiver.attempts
        expected = REFUSED if expected == REFUSED else CONFIRMED
        if len(ids) != 1 or receiver.refused:
            return f"{len(ids)} webhooks, {receiver.refused}"
    else:
        account = channels.accounts[case.name]
        posts = [post for post in account.posts if post.key]
        expected, times = case.ends, account.attempts
        if len(posts) != (expected == CONFIRMED):
            return f"{len(posts)} posts; {state}: {delivery.get('reason')}"
        if case.commits and len(times) != 1:
            return f"asked {len(times)} times to post what it had"
    if case.asks_to_wait and times[1] - times[0] < WAIT_S - 1:
        return f"again after {times[1] - times[0]:.2f} s"
    return "" if state == expected else f"{state} in the end: {delivery.get('reason')}"


def test_each_fault_of_each_channel(broker: Broker, keys: Secrets, issuer: Issuer,
                                    tmp_path: Path) -> None:
    with (closing(WebhookReceivers()) as receivers, closing(MastodonServer()) as server,
          untrusted(tmp_path / "tls") as tls,
          all_program(tmp_path, REALM, broker, keys) as program):
        world = World(program, issuer, tmp_path, receivers.add("city")).build()
        elsewhere = receivers.add("elsewhere")
        cases = table(elsewhere.url)
        channels = Channels(world, cases, receivers, server)
        # Nothing leaves for these: they are not ready.
        unreachable = {"tls": (tls, "certificate"),
                       "dns": ("https://nobody.invalid", "cannot be looked up"),
                       "refused": (f"http://127.0.0.1:{free_port()}", "no connection is accepted")}
        world.credential("lost-hook", *(url for url, _ in unreachable.values()))
        world.token("lost-toot", *(url for url, _ in unreachable.values()))
        for name, (url, _) in unreachable.items():
            put_channel(world, "webhook", name, url, "lost-hook")
            put_channel(world, "mastodon", name, url, "lost-toot")
        waiting = {f"{kind}-{name}" for kind in ("webhook", "mastodon") for name in unreachable}

        message = world.cleared()
        wrong: dict[str, str] = {}
        until(lambda: is_over(states(world, message), waiting), "each fault is dealt with", ENDS_S,
              1)
        deliveries, attempts = states(world, message), first_attempts(program)
        for case in cases:
            for kind in ("webhook", "mastodon"):
                name = f"{kind}-{case.name}"
                why = wrong_attempt(case, kind, attempts[name]) or wrong_end(
                    case, kind, channels, deliveries[name])
                if why:
                    wrong[name] = why
        for name, (_, reason) in unreachable.items():
            for kind in ("webhook", "mastodon"):
                one = deliveries[f"{kind}-{name}"]
                if one["state"] != "DELIVERY_STATE_NOT_READY" or reason not in one["reason"]:
                    wrong[f"{kind}-{name}"] = f"{one['state']}: {one.get('reason')}"
        assert not wrong, json.dumps(wrong, indent=1)
        assert not elsewhere.bodies, "a redirect was followed"
        assert deliveries["city-feed"]["state"] == "DELIVERY_STATE_CONFIRMED"
