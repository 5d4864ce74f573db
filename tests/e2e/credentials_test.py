"""The sealed file of credentials: how operators change it, and that what it holds is found nowhere
else, whatever becomes of a delivery."""

import base64
import binascii
import fcntl
import json
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition

from e2e.after_clearance_test import DORA, REALM, World
from e2e.all_program import all_program
from e2e.certificates import production_flags
from support.broker import Broker
from support.child import clean_environment
from support.credentials import Credentials, webhook
from support.places import binary
from support.programs import Program, Secrets, service_flags
from support.tokens import Issuer
from support.waiting import until

TOKEN = f"canary-token-{secrets.token_hex(8)}"
KEY = f"canary-webhook-{secrets.token_hex(8)}".encode()


def forms(secret: bytes) -> set[bytes]:
    """As it is, in hexadecimal, and in base64 wherever in a longer text it begins."""
    found = {secret, binascii.hexlify(secret), binascii.hexlify(secret).upper()}
    for before in range(3):
        coded = base64.b64encode(b"x" * before + secret)
        # Without the characters that depend on what stands around it.
        found.add(coded[4 if before else 0:len(coded) - len(coded) % 4 - 4])
    return found


CANARIES = forms(TOKEN.encode()) | forms(KEY)


def sung_in(data: bytes) -> list[bytes]:
    return [one for one in CANARIES if one in data]


def mastodon(origin: str) -> dict[str, Any]:
    return {"kind": "mastodon", "realm": REALM, "agency": "city", "origins": [origin],
            "token": TOKEN}


# --- how operators change it ---

def test_entries_are_stored_listed_and_removed_and_no_secret_is_shown(tmp_path: Path) -> None:
    stored = Credentials(tmp_path)
    stored.put("toot", mastodon("https://social.example"))
    stored.put("hook", webhook(REALM, "https://hook.example"))
    listed = stored.run("list").stdout
    assert [line.split() for line in listed.splitlines()[1:]] == [
        ["hook", "webhook", REALM, "city", "https://hook.example:443"],
        ["toot", "mastodon", REALM, "city", "https://social.example:443"]]
    assert not sung_in(stored.file.read_bytes() + listed.encode())
    assert stored.file.stat().st_mode & 0o777 == 0o600
    stored.remove("hook")
    assert stored.run("remove", "hook", check=False).returncode == 3
    names = [one["name"] for one in json.loads(stored.run("list", "--json").stdout)["credentials"]]
    assert names == ["toot"]


def test_an_entry_that_nothing_can_use_is_not_stored_nor_shown(tmp_path: Path) -> None:
    stored = Credentials(tmp_path)
    good = mastodon("https://social.example")
    stored.put("toot", good)
    before = stored.file.read_bytes()
    for name, entry in (
            ("toot", {**good, "kind": TOKEN}), ("toot", {**good, "token": TOKEN + " "}),
            ("toot", {**good, "origins": [TOKEN]}), ("toot", {**good, "agency": ""}),
            ("toot", TOKEN), ("../toot", good), ("Toot", good), ("a" * 65, good),
            ("toot", {**good, "padding": TOKEN * 4000})):
        done = stored.run("put", name, entry=entry, check=False)
        assert done.returncode == 2 and done.stderr, done
        assert not sung_in((done.stdout + done.stderr).encode()), done
    assert stored.file.read_bytes() == before


def test_a_file_is_of_one_world_and_its_keys_can_be_changed(tmp_path: Path) -> None:
    stored = Credentials(tmp_path)
    stored.put("toot", mastodon("https://social.example"))
    stored.world = "exercise"
    refused = stored.run("list", check=False)
    assert refused.returncode == 5 and "does not belong to the exercise world" in refused.stderr
    stored.world = "live"
    old = stored.key_file.read_text()
    stored.key_file.write_text(secrets.token_hex(32) + "\n" + old)
    stored.run("rekey")
    stored.key_file.write_text(stored.key_file.read_text().splitlines()[0])
    assert "toot" in stored.run("list").stdout
    stored.key_file.write_text(old)
    assert "which the key file does not hold" in stored.run("list", check=False).stderr


def test_there_is_one_writer_at_a_time_and_one_that_is_killed_leaves_the_file(tmp_path: Path
                                                                              ) -> None:
    stored = Credentials(tmp_path)
    stored.put("toot", mastodon("https://social.example"))
    with stored.file.with_name("credentials.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = stored.run("put", "hook", entry=webhook(REALM, "https://h.example"), check=False)
    assert refused.returncode == 5 and "try again" in refused.stderr
    for number in range(30):
        writer = subprocess.Popen(
            [str(binary("tocsin")), "credential", "put", f"hook-{number}", "--file",
             str(stored.file), "--key-file", str(stored.key_file)],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment({}))
        assert writer.stdin
        writer.stdin.write(json.dumps(webhook(REALM, "https://h.example")).encode())
        writer.stdin.close()
        try:
            writer.wait(0.002 * (number % 15))
        except subprocess.TimeoutExpired:
            writer.kill()
        writer.wait(10)
        assert "toot" in stored.run("list").stdout


# --- the canary ---

class Parrot:
    """A receiver and a Mastodon server that, in most of its moods, says again what it was told."""

    MOODS = ("good", "refuses", "denies", "breaks", "limits", "redirects", "babbles", "hangs up")

    def __init__(self) -> None:
        self.mood = "good"
        self.posts: list[str] = []
        parrot = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status: int, body: object, **headers: str) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def do_HEAD(self) -> None:  # noqa: N802
                self.answer(405, {})

            def do_GET(self) -> None:  # noqa: N802
                if self.path.endswith("verify_credentials"):
                    return self.answer(200, {"id": "7"})
                return self.answer(200, [] if "/statuses" in self.path else {})

            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                kind = "toot" if "/statuses" in self.path else "hook"
                parrot.posts.append(f"{parrot.mood} {kind}")
                told = str(self.headers) + body
                said = {"error": told, "error_description": told}
                if parrot.mood == "hangs up":
                    self.close_connection = True
                    return self.wfile.write(b"HTTP/1.1 200 OK\r\nx-told: " + told[:900].replace(
                        "\n", " ").encode() + b"\r\ncontent-length: 90\r\n\r\nshort")
                status = {"good": 200, "refuses": 422, "denies": 401, "breaks": 500, "limits": 429,
                          "redirects": 307, "babbles": 200}[parrot.mood]
                if parrot.mood == "good":
                    said = {"id": "9", "url": f"{parrot.url}/@city/9"}
                token = str(self.headers.get("authorization", ""))
                return self.answer(status, said, location=f"{parrot.url}/elsewhere?{token[7:]}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    server = Parrot()
    yield server
    server.close()


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, parrot: Parrot,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("canary"))
    with all_program(folder, REALM, broker, keys, log_level="debug") as program:
        made = World(program, issuer, folder, parrot).build()  # type: ignore[arg-type]
        made.program = program  # type: ignore[attr-defined]
        made.folder = folder  # type: ignore[attr-defined]
        secret = "whsec_" + base64.b64encode(KEY).decode()
        made.credentials.put("canary-hook", webhook(REALM, parrot.url, secret=secret))
        made.credentials.put("canary-toot", mastodon(parrot.url))
        yield made


def every_record(broker: Broker) -> Iterator[bytes]:
    """Of all topics, with its key and headers."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "canary",
                         "enable.auto.commit": False, "enable.partition.eof": True})
    places = [TopicPartition(name, number, 0)
              for name, topic in consumer.list_topics(timeout=30).topics.items()
              if not name.startswith("__") for number in topic.partitions]
    consumer.assign(places)
    ended = 0
    while ended < len(places):
        record = consumer.poll(30)
        assert record is not None, "the topics can be read to their ends"
        if record.error():
            ended += 1
            continue
        yield b"\0".join([record.key() or b"", record.value() or b"",
                          *(name.encode() + b"=" + value
                            for name, value in record.headers() or [])])
    consumer.close()


def test_no_secret_is_found_anywhere(world: Any, parrot: Parrot, broker: Broker) -> None:
    program: Program = world.program
    hook = {"channelId": "city-hook", "kind": "webhook", "name": "Hook", "url": parrot.url,
            "credential": "canary-hook"}
    toot = {"channelId": "city-toot", "kind": "mastodon", "name": "Toot", "url": parrot.url,
            "credential": "canary-toot"}
    answers = []
    for channel in (hook, toot):
        world.put(channel)
        for wrong in ({"url": "https://evil.example"}, {"kind": "webhook", "name": "Toot"},
                      {"credential": "canary-hoot"}, {"url": parrot.url + "@evil.example"}):
            answers.append(world._gateway.change(
                "publishing", "PutChannel", {**channel, "channelId": "city-x", **wrong},
                token=world._issuer.token(DORA)))
    for mood in Parrot.MOODS:
        parrot.mood = mood
        world.cleared()
        until(lambda m=mood: {f"{m} hook", f"{m} toot"} <= set(parrot.posts),
              f"{mood}: both were sent", 60)
    told = world.read("publishing", "ListReleases", {})["releases"]
    until(lambda: all("********" in json.dumps(world.read("publishing", "ListReleases", {}))
                      for _ in (1,)), "what the server said of the token is recorded, blotted out",
          30)
    answers += [told, world.read("publishing", "ListChannels", {}),
                world.read("publishing", "ListReleases", {})]
    answers += [world.read("publishing", "GetRelease", {"releaseId": one["releaseId"]})
                for one in told]
    records = b"\n".join(every_record(broker))
    assert b"canary-hook" in records, "the credential's name is in the topics"
    process = Path(f"/proc/{program.pid}")
    for where, data in {
            "topics": records, "answers": repr(answers).encode(),
            "metrics": requests.get(program.metrics_url, timeout=5).content,
            "its environment": (process / "environ").read_bytes(),
            "its command line": (process / "cmdline").read_bytes(),
            **{str(path): path.read_bytes() for path in world.folder.rglob("*")
               if path.is_file()}}.items():
        assert not sung_in(data), where
    assert sung_in(json.dumps(mastodon("x")).encode()), "the search would find it"


def crashed(program: Program, folder: Path) -> list[Path]:
    """The core files that it leaves."""
    program.wait_until(lambda: "credentials opened" in program.said(), "it has the credentials", 60)
    subprocess.run(["kill", "-ABRT", str(program.pid)], check=True)
    assert program.wait_end() == -signal.SIGABRT
    return list(folder.glob("core*"))


def test_a_crash_in_production_leaves_no_secret(broker: Broker, keys: Secrets, tmp_path: Path
                                                ) -> None:
    if "/" in (pattern := Path("/proc/sys/kernel/core_pattern").read_text()) or "|" in pattern:
        pytest.skip("this system puts core files elsewhere")
    stored = Credentials(tmp_path)
    stored.put("toot", mastodon("https://social.example"))
    production = {**production_flags(keys, tmp_path),
                  "publishing_feed_base_url": "https://feed.example"}

    def left_by(name: str, **flags: Any) -> list[Path]:
        folder = tmp_path / name
        folder.mkdir()
        program = Program("tocsin-publishing", folder, service_flags(
            broker.bootstrap, keys, partitions=2, **stored.flags, **flags), prefix=(
                "env", "-C", str(folder), "prlimit", "--core=unlimited:unlimited"))
        program.spawn()
        try:
            return crashed(program, folder)
        finally:
            program.kill()

    core, = left_by("open")
    assert sung_in(core.read_bytes()), "the search would find it"
    core.unlink()
    assert not left_by("closed", **production)
