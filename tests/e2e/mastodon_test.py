"""A Mastodon account: threads, updates and retractions as its readers see them, and servers that
are slow, busy or forget the keys of requests."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.all_program import all_program
from e2e.loopback_server import Handler, answers
from e2e.mastodon_server import Account, MastodonServer, Post
from e2e.release_world import DORA, REALM, World
from e2e.webhook_receiver import WebhookReceivers
from support.broker import Broker
from support.programs import Secrets
from support.sample_message import text
from support.tokens import Issuer
from support.waiting import until

# Beyond what a post on this server may have.
LONG = " ".join(f"Street {number} is under water, and nobody passes there." for number in range(20))


@pytest.fixture(scope="module")
def server() -> Iterator[MastodonServer]:
    with closing(MastodonServer()) as running:
        yield running


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, server: MastodonServer,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with (closing(WebhookReceivers()) as receivers,
          all_program(folder, REALM, broker, keys) as program):
        yield World(program, issuer, folder, receivers.add("city")).build()


@pytest.fixture
def account(world: World, server: MastodonServer, request: pytest.FixtureRequest
            ) -> Iterator[Account]:
    """Of the test's own, with one channel for English."""
    name = request.node.name.replace("_", "-")[5:45].rstrip("-")
    made = server.add(name)
    world.token("toot", server.url)
    world.put({"channelId": name, "kind": "mastodon", "name": name, "url": made.url,
               "credential": "toot", "languages": ["en-CA"]})
    yield made
    world.do(DORA, "publishing", "RemoveChannel", {"channelId": name})


def released(account: Account) -> list[Post]:
    """What was sent to it, without what others posted there."""
    return [post for post in account.posts if post.key]


def test_a_long_text_is_a_thread(world: World, account: Account) -> None:
    message = world.cleared(texts=[text("fr-CA"), text("en-CA", description=LONG)])
    world.release(message, "RELEASED")
    posts = released(account)
    count = len(posts)
    assert count > 2
    assert [post.in_reply_to for post in posts] == [None, *(post.id for post in posts[:-1])]
    assert len({post.key for post in posts}) == count
    for number, post in enumerate(posts, 1):
        assert f"({number}/{count})" in post.status
        assert post.status.startswith(text("en-CA")["headline"]), "each can be read alone"
    assert text("en-CA")["instruction"] in posts[0].status and "/alerts/" in posts[0].status


def test_a_thread_that_broke_off_goes_on(world: World, account: Account) -> None:
    account.knows_keys = False
    account.faults.extend([(None, True), (answers(502), True)])
    message = world.cleared(texts=[text("fr-CA"), text("en-CA", description=LONG)])
    # What may still be carried out is waited for.
    world.release(message, "RELEASED", 150)
    posts = released(account)
    assert [post.in_reply_to for post in posts] == [None, *(post.id for post in posts[:-1])]
    assert f"({len(posts)}/{len(posts)})" in posts[-1].status


def test_an_update_and_a_retraction_answer_what_they_correct(world: World, account: Account
                                                             ) -> None:
    first = world.cleared()
    world.release(first, "RELEASED")
    update = world.cleared(messageType="MESSAGE_TYPE_UPDATE", earlierMessages=[first])
    release = world.release(update, "RELEASED")
    original, updated = released(account)
    assert (original.in_reply_to, updated.in_reply_to) == (None, original.id)
    world.do(DORA, "publishing", "StopRelease",
             {"releaseId": release["releaseId"], "reason": "the wrong river"})
    world.release(update, "RETRACTED")
    assert released(account)[2].in_reply_to == updated.id


def test_a_retraction_of_what_was_deleted_is_posted_on_its_own(world: World, account: Account
                                                               ) -> None:
    message = world.cleared()
    release = world.release(message, "RELEASED")
    account.posts.clear()
    world.do(DORA, "publishing", "StopRelease",
             {"releaseId": release["releaseId"], "reason": "the wrong river"})
    world.release(message, "RETRACTED")
    retraction, = released(account)
    assert retraction.in_reply_to is None


def test_a_server_that_forgot_the_key_shows_the_post_once(world: World, account: Account) -> None:
    account.key_seconds = 0
    account.faults.append((answers(504), True))
    world.release(world.cleared(), "RELEASED")
    assert len(released(account)) == 1 and len(account.attempts) == 1


def test_a_post_is_found_behind_those_of_a_busy_account(world: World, account: Account) -> None:
    def goes_under(to: Handler) -> None:
        account.busy(90)
        to.reply(504)

    account.knows_keys = False
    account.faults.append((goes_under, True))
    world.release(world.cleared(), "RELEASED")
    assert len(released(account)) == 1 and len(account.attempts) == 1


def test_a_server_that_commits_after_everybody_gave_up_is_waited_for(world: World,
                                                                     account: Account) -> None:
    account.knows_keys = False
    with account.slow(25):
        message = world.cleared()
        until(lambda: account.attempts, "it was asked")
    world.release(message, "RELEASED", 60)
    assert len(released(account)) == 1 and len(account.attempts) == 1
