"""Two instances, of which the one that claimed a release stands still around T0: on each channel
the public sees the message once, whoever sent it."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from e2e.all_program import all_program
from e2e.mastodon_server import Account, MastodonServer
from e2e.release_world import REALM, World, deliveries
from e2e.webhook_receiver import WebhookReceivers
from support.broker import Broker
from support.credentials import Credentials
from support.programs import Program, Secrets
from support.tokens import Issuer
from support.waiting import until

CLAIM_LEAD_MS = 1000
# A claim is given up 10 s after T0. What it may have left is not taken for absent within a minute.
TAKEN_OVER_S = 120


@dataclass
class Pair:
    world: World
    programs: dict[str, Program]  # by instance
    account: Account

    def claimed(self, message: str) -> tuple[Program, Program]:
        """Once it is claimed: who holds the claim, and the other one, whom the world asks now."""
        def claims() -> set[str]:
            return {one.get("executor", "").partition("-")[0]
                    for one in self.world.latest(message).get("deliveries", [])
                    if one["state"] == "DELIVERY_STATE_CLAIMED"}

        holder, = until(claims, "it is claimed", 30, 0.01)
        other, = set(self.programs) - {holder}
        self.world.use(self.programs[other])
        return self.programs[holder], self.programs[other]

    def caught_up(self, program: Program, message: str) -> None:
        """It shows that the message is released, and is about to send nothing of it."""
        self.world.use(program)
        self.world.release(message, "RELEASED")

    def posts(self) -> list[str]:
        return sorted(post.language for post in self.account.posts)


def attempts(program: Program, release: str) -> list[dict[str, Any]]:
    """What its executor said of each, since it was started."""
    lines = [json.loads(line) for line in program.said().splitlines()
             if '"delivery attempted"' in line]
    return [line for line in lines if line["release"] == release]


@pytest.fixture(scope="module")
def server() -> Iterator[MastodonServer]:
    with closing(MastodonServer()) as running:
        yield running


@pytest.fixture(scope="module")
def pair(broker: Broker, keys: Secrets, issuer: Issuer, server: MastodonServer,
         tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    left, right, credentials = (Path(tmp_path_factory.mktemp(name))
                                for name in ("left", "right", "credentials"))
    same: dict[str, str | int | bool] = {
        **Credentials(credentials).flags, "publishing_arm_lead_ms": 2500,
        "publishing_claim_lead_ms": CLAIM_LEAD_MS,
        "publishing_feed_base_url": "http://feed.invalid"}
    with (closing(WebhookReceivers()) as receivers,
          all_program(left, REALM, broker, keys, instance="left", **same) as one,
          all_program(right, REALM, broker, keys, instance="right", **same) as two):
        world = World(one, issuer, credentials, receivers.add("city")).build()
        world.credential("good")
        world.put_hook("good")
        account = server.add("city")
        # As some servers: what is there already, the executors have to find out.
        account.knows_keys = False
        world.token("toot", server.url)
        world.put({"channelId": "city-toot", "kind": "mastodon", "name": "City",
                   "url": account.url, "credential": "toot"})
        yield Pair(world, {"left": one, "right": two}, account)


@pytest.fixture
def fresh(pair: Pair) -> Pair:
    pair.account.posts.clear()
    pair.account.attempts.clear()
    pair.world.receiver.ids.clear()
    return pair


def test_one_that_stands_still_across_t0_is_replaced_and_sends_nothing_when_it_thaws(
        fresh: Pair) -> None:
    message = fresh.world.cleared()
    holder, other = fresh.claimed(message)
    holder.freeze()
    release = fresh.world.latest(message)
    assert not fresh.account.attempts and not fresh.world.receiver.ids, "it was faster than this"
    until(lambda: fresh.world.latest(message)["state"] == "RELEASE_STATE_RELEASED",
          "the other one takes its place", TAKEN_OVER_S)
    assert {one["state"] for one in fresh.world.latest(message)["deliveries"]} == {
        "DELIVERY_STATE_CONFIRMED"}
    holder.thaw()
    fresh.caught_up(holder, message)
    # What it had claimed it tried, and each time was told that it was too late.
    own = until(lambda: len(said := attempts(holder, release["releaseId"])) >= 3 and said,
                "it comes to its claims")
    assert {one["outcome"] for one in own if one["channel"] != "city-feed"} == {"stood_down"}
    assert fresh.posts() == ["en", "fr"] and len(fresh.account.attempts) == 2
    assert len(fresh.world.receiver.ids) == 1
    assert attempts(other, release["releaseId"])


def test_one_that_thaws_in_time_sends_and_nobody_else_does(fresh: Pair) -> None:
    message = fresh.world.cleared()
    holder, other = fresh.claimed(message)
    holder.freeze()
    release = fresh.world.latest(message)
    assert not fresh.account.attempts
    # The other one has decided meanwhile; T0 is over.
    fresh.world.set_policy("SEVERITY_EXTREME")
    until(lambda: datetime.now(timezone.utc) > datetime.fromisoformat(release["fireAt"]),
          "T0 is over")
    assert not fresh.account.attempts
    holder.thaw()
    fresh.caught_up(other, message)
    assert deliveries(fresh.world.latest(message)) == {
        "city-feed": "CONFIRMED", "city-hook": "CONFIRMED", "city-toot": "CONFIRMED"}
    assert fresh.posts() == ["en", "fr"] and len(fresh.account.attempts) == 2
    assert len(fresh.world.receiver.ids) == 1
    assert not attempts(other, release["releaseId"])


def test_what_one_that_stands_still_had_sent_is_found_by_the_other(fresh: Pair) -> None:
    with fresh.account.slow(3):
        message = fresh.world.cleared()
        holder, other = fresh.claimed(message)
        until(lambda: len(fresh.account.attempts) == 2, "both posts are on their way", 30, 0.005)
        holder.freeze()
        until(lambda: len(fresh.account.posts) == 2, "the server took them")
    fresh.caught_up(other, message)
    assert {one["state"] for one in fresh.world.latest(message)["deliveries"]} == {
        "DELIVERY_STATE_CONFIRMED"}
    holder.thaw()
    fresh.caught_up(holder, message)
    assert fresh.posts() == ["en", "fr"] and len(fresh.account.attempts) == 2
    assert len(set(fresh.world.receiver.ids)) == 1
