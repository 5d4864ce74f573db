"""A message after its clearance: channels that are not ready, are left out or corrected, and a
release that ends before anything is public."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.all_program import all_program
from e2e.release_world import ANA, BEN, DORA, REALM, World, deliveries
from e2e.webhook_receiver import WebhookReceivers
from support.broker import Broker
from support.programs import Secrets
from support.sample_message import draft, text
from support.tokens import Issuer
from support.waiting import until


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with (closing(WebhookReceivers()) as receivers,
          all_program(folder, REALM, broker, keys) as program):
        yield World(program, issuer, folder, receivers.add("city")).build()


def test_a_straggler_delays_nothing_and_follows_once_its_channel_is_as_approved(
        world: World) -> None:
    world.credential("lost")
    world.put_hook("lost")
    world.credentials.remove("lost")
    message = world.cleared()
    until(lambda: deliveries(world.release(message, "FIRING"))["city-feed"] == "CONFIRMED",
          "the feed has it")

    def waits_for(why: str) -> bool:
        hook = next(one for one in world.release(message, "FIRING")["deliveries"]
                    if one["channelId"] == "city-hook")
        return hook["state"] == "DELIVERY_STATE_NOT_READY" and why in hook["reason"]

    until(lambda: waits_for("lost"), "the hook waits for its credential")
    world.credential("found")
    world.put_hook("found")
    until(lambda: waits_for("another credential"), "nobody approved that account")
    # As it was approved, and so it follows.
    world.credential("lost")
    world.put_hook("lost")
    release = world.release(message, "RELEASED")
    assert set(deliveries(release).values()) == {"CONFIRMED"}
    assert world.receiver.about(message) == 1
    hook = next(one for one in release["deliveries"] if one["channelId"] == "city-hook")
    assert hook["straggler"]


def test_a_message_that_waits_for_all_goes_without_what_a_person_leaves_out(world: World) -> None:
    world.credential("lost")
    world.put_hook("lost")
    world.credentials.remove("lost")
    message = world.cleared(stragglers={"waitSeconds": 3600})
    release = world.release(message, "WAITING")
    request = {"releaseId": release["releaseId"], "reason": "the river does not wait"}
    assert world.refused(BEN, "publishing", "ProceedRelease", request) == "ROLE_MISSING"
    world.do(DORA, "publishing", "ProceedRelease", request)
    release = world.release(message, "RELEASED")
    assert deliveries(release) == {"city-feed": "CONFIRMED", "city-hook": "SKIPPED"}
    assert world.receiver.about(message) == 0


def test_a_channel_that_is_removed_is_not_waited_for(world: World) -> None:
    world.credential("lost")
    world.put_hook("lost")
    world.credentials.remove("lost")
    message = world.cleared(stragglers={"waitSeconds": 3600})
    world.release(message, "WAITING")
    world.do(DORA, "publishing", "RemoveChannel", {"channelId": "city-hook"})
    release = world.release(message, "RELEASED")
    assert deliveries(release) == {"city-feed": "CONFIRMED", "city-hook": "SKIPPED"}


def test_nothing_goes_where_nobody_approved(world: World) -> None:
    """A channel that was added, and one that leads elsewhere, between submission and approval."""
    world.credential("good")
    world.do(DORA, "publishing", "RemoveChannel", {"channelId": "city-hook"})
    world.put_hook("good")
    with closing(WebhookReceivers()) as others:
        elsewhere = others.add("elsewhere")

        def change(message: str) -> None:
            publisher, = world.message(message)["publishers"]
            assert publisher["capSender"] and publisher["names"], publisher
            assert [(one["channelId"], one.get("url", ""), one.get("account", ""))
                    for one in publisher["destinations"]] == [
                        ("city-feed", "", ""), ("city-hook", world.receiver.url, "good")]
            world.put_elsewhere("city-hook", elsewhere)
            world.put_elsewhere("city-new", elsewhere)
        message = world.cleared(change)
        release = until(
            lambda: (one := world.release(message, "FIRING"))
            and deliveries(one)["city-feed"] == "CONFIRMED" and one, "the feed has it")
        assert deliveries(release) == {"city-feed": "CONFIRMED", "city-hook": "NOT_READY",
                                       "city-new": "SKIPPED"}
        reasons = {one["channelId"]: one.get("reason", "") for one in release["deliveries"]}
        assert "another URL than the approved message names" in reasons["city-hook"]
        assert "submitted without this channel" in reasons["city-new"]
        world.put_hook("good")
        release = world.release(message, "RELEASED")
        assert deliveries(release)["city-hook"] == "CONFIRMED"
        assert world.receiver.about(message) == 1 and elsewhere.about(message) == 0
    world.do(DORA, "publishing", "RemoveChannel", {"channelId": "city-new"})


def test_an_update_takes_the_place_of_what_it_updates(world: World) -> None:
    """Nothing more of the earlier message goes out, and both feeds and receivers can tell."""
    world.credential("good")
    world.put_hook("good")
    world.receiver.status = 503
    first = world.cleared()
    until(lambda: deliveries(world.release(first, "FIRING"))["city-feed"] == "CONFIRMED",
          "the feed has it")
    refused = world.refused(ANA, "drafting", "CreateMessage", {
        "incidentId": world.incident, "draft": draft(), "messageType": "MESSAGE_TYPE_UPDATE",
        "earlierMessages": ["msg_nobody_published"]})
    assert refused == "NOT_IN_FORCE"
    update = world.cleared(messageType="MESSAGE_TYPE_UPDATE", earlierMessages=[first])
    release = until(lambda: (one := world.release(update, "FIRING"))
                    and deliveries(one)["city-feed"] == "CONFIRMED" and one, "the feed has it too")
    earlier = world.release(first, "RELEASED")
    assert earlier["supersededBy"] == release["releaseId"]
    assert release["supersedes"] == [earlier["releaseId"]]
    assert deliveries(earlier) == {"city-feed": "CONFIRMED", "city-hook": "STOOD_DOWN"}
    until(lambda: world.message(first)["state"] == "MESSAGE_STATE_SUPERSEDED", "people see it")
    world.receiver.status = 204
    world.release(update, "RELEASED")
    # Tried before it was updated, and never since.
    kinds = [one["data"]["message_id"] for one in world.receiver.bodies]
    assert kinds[-1] == update and first not in kinds[kinds.index(update):], kinds
    alert = world.alert(release["identifiers"]["city"])
    name, = earlier["identifiers"].values()
    assert "<msgType>Update</msgType>" in alert and f",{name}," in alert, alert
    assert world.refused(DORA, "publishing", "RetryDelivery", {
        "releaseId": earlier["releaseId"], "deliveryId": "city-hook", "reason": "again"}
        ) in ("SUPERSEDED", "NOT_REFUSED")
    assert world.refused(ANA, "drafting", "CreateMessage", {
        "incidentId": world.incident, "draft": draft(), "messageType": "MESSAGE_TYPE_CANCEL",
        "earlierMessages": [first]}) == "NOT_IN_FORCE"


def test_a_hold_keeps_back_what_is_not_out_until_a_second_person_lifts_it(world: World) -> None:
    world.credential("good")
    world.put_hook("good")
    hold = world.do(BEN, "publishing", "PlaceHold", {
        "channelId": "city-hook", "reason": "its account was taken over"})["id"]
    message = world.cleared()
    release = until(lambda: (one := world.release(message, "FIRING"))
                    and deliveries(one)["city-feed"] == "CONFIRMED" and one, "the feed has it")
    hook, = (one for one in release["deliveries"] if one["channelId"] == "city-hook")
    assert hook["state"] == "DELIVERY_STATE_ARMED" and hook["holdId"] == hold, hook
    assert "its account was taken over" in hook["reason"], hook
    assert world.receiver.about(message) == 0
    lifting = {"holdId": hold, "reason": "the account is ours again"}
    assert world.refused(BEN, "publishing", "LiftHold", lifting) == "SECOND_PERSON"
    assert world.refused(ANA, "publishing", "LiftHold", lifting) == "ROLE_MISSING"
    listed, = (one for one in world.read("publishing", "ListHolds", {})["holds"]
               if "endTime" not in one)
    assert listed["holdId"] == hold and "liftedBy" not in listed
    world.do(DORA, "publishing", "LiftHold", lifting)
    world.release(message, "RELEASED")
    assert world.receiver.about(message) == 1
    over, = (one for one in world.read("publishing", "ListHolds", {})["holds"]
             if one["holdId"] == hold)
    assert over["liftedBy"] == DORA.subject and over["endTime"]


def test_a_hold_on_everything_keeps_no_retraction_back(world: World) -> None:
    message = world.cleared()
    release = world.release(message, "RELEASED")
    hold = world.do(BEN, "publishing", "PlaceHold", {
        "everything": True, "reason": "who wrote this?"})["id"]
    world.do(DORA, "publishing", "StopRelease",
             {"releaseId": release["releaseId"], "reason": "wrong river"})
    world.release(message, "RETRACTED")
    held = world.cleared()
    release = world.release(held, "ARMED")
    assert {one["holdId"] for one in release["deliveries"]} == {hold}
    world.do(DORA, "publishing", "StopRelease",
             {"releaseId": release["releaseId"], "reason": "nor this"})
    world.release(held, "CANCELLED")
    world.do(DORA, "publishing", "LiftHold", {"holdId": hold, "reason": "all is well"})


def test_a_release_that_nobody_took_gives_its_text_back(world: World) -> None:
    world.credential("good")
    world.put_hook("good")
    world.receiver.status = 410
    message = world.cleared(channels=["city-hook"])
    first = world.release(message, "ABORTED")
    back = until(lambda: (one := world.message(message))["state"] == "MESSAGE_STATE_DRAFT" and one,
                 "the text is back")
    assert "Its approvals count for exactly this text" in back["reason"], back
    assert world.refused(DORA, "publishing", "RetryDelivery", {
        "releaseId": first["releaseId"], "deliveryId": "city-hook", "reason": "again"}) == "OVER"

    world.receiver.status = 204
    position = world.submitted(message, back["etag"])
    review = world.review(message, position)
    assert review["state"] == "REVIEW_STATE_CLEARED", "the same words, by the approvals they have"
    release = world.release(message, "RELEASED")
    assert release["releaseId"] != first["releaseId"] and release["digest"] == first["digest"]
    until(lambda: world.message(message)["state"] == "MESSAGE_STATE_RELEASED", "drafting knows")
    assert world.receiver.about(message) == 2, "one was refused"


def test_other_words_take_new_approvals(world: World) -> None:
    world.receiver.status = 410
    message = world.cleared(channels=["city-hook"])
    world.release(message, "ABORTED")
    back = until(lambda: (one := world.message(message))["state"] == "MESSAGE_STATE_DRAFT" and one,
                 "the text is back")
    world.receiver.status = 204
    revised = world.do(ANA, "drafting", "ReviseMessage", {
        "messageId": message, "etag": back["etag"],
        "draft": draft(channels=["city-hook"],
                       texts=[text("fr-CA"), text("en-CA", headline="Leave at once")])})
    review = world.review(message, world.submitted(message, revised["etag"]))
    assert review["state"] == "REVIEW_STATE_IN_REVIEW"
    assert not any(agency.get("approvals") for agency in review["agencies"])
    world.do(BEN, "approval", "Approve", {"messageId": message, "digest": review["digest"]})
    world.release(message, "RELEASED")
