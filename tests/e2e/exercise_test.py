"""Both worlds side by side on one Kafka: whatever the exercise is made to do, a receiver of the
live world gets no byte of it."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from e2e.all_program import all_program
from e2e.loopback_server import answers
from e2e.release_world import BEN, DORA, REALM, World, deliveries
from e2e.webhook_receiver import WebhookReceivers
from support.broker import Broker
from support.ledger import ledger_topic, read_topic
from support.programs import Program, Secrets, service_flags
from support.raw import Raw
from support.tokens import Issuer
from support.waiting import until

EXERCISE = "STATUS_EXERCISE"
PARTITIONS = 2


class Endpoint:
    """A receiver of the live world: it takes anything, and counts connections and bytes."""

    def __init__(self) -> None:
        self.touched = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.touched += 1
            Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller:
            while data := caller.recv(65536):
                self.touched += len(data)
                caller.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def close(self) -> None:
        self._socket.close()


class Both:
    """`keys` are those of the exercise."""

    def __init__(self, live: World, exercise: World, endpoint: Endpoint, hosts: Path,
                 keys: Secrets, programs: tuple[Program, Program]) -> None:
        self.live = live
        self.exercise = exercise
        self.endpoint = endpoint
        self.hosts = hosts
        self.keys = keys
        self.live_program, self.exercise_program = programs

    def put_early(self) -> None:
        """A channel of the exercise that leads to the live receiver, before it was one."""
        url = f"http://localhost:{self.endpoint.port}"
        self.exercise.credential("early", url)
        self.exercise.put({"channelId": "city-early", "kind": "webhook", "name": "Early",
                            "url": url, "credential": "early"})

    def put_live(self) -> None:
        self.live.credential("partner", self.endpoint.url)
        self.live.put({"channelId": "city-partner", "kind": "webhook", "name": "Partner",
                        "url": self.endpoint.url, "credential": "partner"})
        until(lambda: f"{self.endpoint.port}" in self.hosts.read_text(), "the list has it", 30)


@pytest.fixture(scope="module")
def both(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Both]:
    folders = [Path(tmp_path_factory.mktemp(name)) for name in ("live", "exercise")]
    hosts, practice = folders[0] / "live-hosts.json", folders[1] / "exercise-practice.json"
    others = Secrets(folders[1] / "secrets")
    with (closing(WebhookReceivers()) as receivers, closing(Endpoint()) as endpoint,
          all_program(folders[0], REALM, broker, keys, publishing_hosts_file=str(hosts),
                      measurement_exercise_practice_file=str(practice)) as live):
        until(hosts.exists, "the live world writes the list", 30)
        with all_program(folders[1], REALM, broker, others, world="exercise",
                         live_hosts_file=str(hosts),
                         measurement_practice_file=str(practice)) as exercise:
            made = Both(World(live, issuer, folders[0], receivers.add("live")).build(),
                        World(exercise, Issuer(others), folders[1], receivers.add("exercise"),
                              "exercise").build(), endpoint, hosts, others, (live, exercise))
            made.put_early()
            made.put_live()
            # What the live world sends there itself.
            message = made.live.cleared(channels=["city-partner"])
            made.live.release(message, "RELEASED")
            assert endpoint.touched > 0
            endpoint.touched = 0
            yield made


@pytest.fixture(autouse=True)
def nothing_arrives(both: Both) -> Iterator[None]:
    yield
    assert both.endpoint.touched == 0


def test_no_channel_is_put_there(both: Both) -> None:
    port = both.endpoint.port
    for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "localhost",
                 "LOCALHOST.", "partner.localhost", "0.0.0.0", "[::ffff:127.0.0.1]",
                 "%31%32%37.0.0.1", "127.3.2.1"):
        refused = both.exercise.refused(DORA, "publishing", "PutChannel", {
            "channelId": "city-late", "kind": "webhook", "name": "Late",
            "url": f"http://{host}:{port}/in", "credential": "early"})
        assert refused == "LIVE_HOST", host


def test_a_channel_of_before_is_not_ready_and_the_rest_goes_out_as_an_exercise(both: Both) -> None:
    both.exercise.credential("own")
    both.exercise.put_hook("own")
    message = both.exercise.cleared(status=EXERCISE)
    release = until(lambda: (one := both.exercise.release(message, "FIRING"))
                    and deliveries(one)["city-hook"] == "CONFIRMED" and one, "the hook has it", 30)
    assert deliveries(release) == {"city-feed": "CONFIRMED", "city-hook": "CONFIRMED",
                                   "city-early": "NOT_READY"}
    early = next(one for one in release["deliveries"] if one["channelId"] == "city-early")
    assert "belongs to a channel of the live world" in early["reason"], early
    body = both.exercise.receiver.bodies[-1]["data"]
    assert (body["world"], body["status"]) == ("exercise", "Exercise")
    for words in body["texts"]:
        assert words["headline"].startswith("EXERCICE – EXERCISE: "), words
        assert words["description"].startswith("EXERCICE – EXERCISE: "), words
    alert = both.exercise.alert(release["identifiers"]["city"])
    assert "<status>Exercise</status>" in alert
    assert alert.count("<headline>EXERCICE – EXERCISE: ") == 2
    # The people's next step: leave it out.
    both.exercise.do(DORA, "publishing", "RemoveChannel", {"channelId": "city-early"})
    both.exercise.release(message, "RELEASED")


def test_only_exercises_are_submitted_in_it_and_none_elsewhere(both: Both) -> None:
    for world, status in ((both.exercise, "STATUS_ACTUAL"), (both.exercise, "STATUS_TEST"),
                          (both.live, EXERCISE)):
        with pytest.raises(AssertionError, match="status"):
            world.cleared(status=status)


def test_a_redirect_is_not_followed_there(both: Both) -> None:
    both.exercise.credential("own")
    both.exercise.put_hook("own")
    both.exercise.receiver.faults.append(answers(307, {"location": both.endpoint.url}))
    message = both.exercise.cleared(status=EXERCISE, channels=["city-hook"])
    both.exercise.release(message, "RELEASED")
    assert both.exercise.receiver.about(message) == 2, "redirected, and tried again"


def test_live_decisions_count_for_nothing_in_it(both: Both, broker: Broker) -> None:
    before = json.dumps(both.exercise.read("publishing", "ListReleases", {}))
    raw = Raw(broker.bootstrap)
    records = read_topic(broker.bootstrap, ledger_topic("approval"), PARTITIONS)
    assert records
    for record in records:
        raw.put(f"exercise.{ledger_topic('approval')}", record.partition, record.value, record.key)
    until(lambda: both.exercise_program.metric("tocsin_foreign_records_total",
                                               service="approval") >= len(records),
          "all of them are skipped as foreign", 30)
    assert json.dumps(both.exercise.read("publishing", "ListReleases", {})) == before


def test_without_the_list_nothing_leaves_it(both: Both) -> None:
    both.exercise.credential("own")
    both.exercise.put_hook("own")
    saved = both.hosts.read_text()
    both.live_program.freeze()  # else it would write it again
    try:
        message = both.exercise.cleared(lambda _: both.hosts.unlink(), status=EXERCISE)
        release = until(lambda: (one := both.exercise.release(message, "FIRING"))
                        and deliveries(one)["city-feed"] == "CONFIRMED" and one, "it is public", 30)
        hook = next(one for one in release["deliveries"] if one["channelId"] == "city-hook")
        assert hook["state"] == "DELIVERY_STATE_NOT_READY", hook
        assert "the list of live hosts cannot be read" in hook["reason"], hook
        assert both.exercise.receiver.about(message) == 0
        until(lambda: both.exercise_program.metric("tocsin_live_hosts_written_seconds") == 0,
              "the metric says so", 30)
    finally:
        both.hosts.write_text(saved)
        both.live_program.thaw()
    both.exercise.release(message, "RELEASED")
    assert both.exercise.receiver.about(message) == 1


def test_the_live_credentials_do_not_open_in_it(both: Both, broker: Broker, tmp_path: Path) -> None:
    live = both.live.credentials
    # With the live key, and with the first line changed as well.
    changed = tmp_path / "credentials"
    changed.write_bytes(live.file.read_bytes().replace(b" live ", b" exercise ", 1))
    for file, why in ((live.file, "does not belong to the exercise world"),
                      (changed, "was changed since it was sealed")):
        flags = {**live.flags, "publishing_credentials_file": str(file)}
        program = Program("tocsin-publishing", tmp_path / file.parent.name, service_flags(
            broker.bootstrap, both.keys, "another", PARTITIONS, world="exercise",
            live_hosts_file=str(both.hosts), **flags))
        with program.start():
            program.wait_until(lambda p=program, w=why: w in p.said(), why, 30)
            assert "credentials opened" not in program.said()


def test_what_people_practise_is_known_in_both_worlds(both: Both) -> None:
    message = both.exercise.cleared(status=EXERCISE, channels=["city-feed"])
    both.exercise.release(message, "RELEASED")

    def row(world: World, subject: str) -> Any:
        found = world.read("measurement", "ListPractice", {"subject": subject})["people"]
        return found[0] if found else None

    def acts(world: World, subject: str, where: str) -> dict[str, int]:
        return {act["act"]: int(act["count"]) for act in row(world, subject).get("acts", [])
                if act["world"] == where}

    until(lambda: "ACT_RELEASED" in acts(both.exercise, BEN.subject, "exercise"), "Ben's act", 30)
    here = acts(both.exercise, BEN.subject, "exercise")
    assert here["ACT_APPROVED"] == here["ACT_RELEASED"] >= 1, here
    assert "outOfPractice" not in row(both.exercise, BEN.subject)
    until(lambda: acts(both.live, BEN.subject, "exercise").get("ACT_APPROVED", 0)
          >= here["ACT_APPROVED"], "the live world reads it", 90)
    # Dora corrected nothing anywhere so far.
    assert row(both.live, DORA.subject)["outOfPractice"] == ["duty-officer"]
    assert [one["subject"] for one in both.live.read(
        "measurement", "ListPractice", {"role": "duty-officer", "outOfPractice": True})["people"]
    ] == [DORA.subject]
    until(lambda: both.live_program.metric("tocsin_people_out_of_practice", realm=REALM,
                                           agency="city", role="duty-officer") == 1,
          "the metric says so", 60)
