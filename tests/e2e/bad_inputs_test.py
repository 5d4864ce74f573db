"""Whatever is sent to the gateway, it answers with the documented code, names the field, writes
nothing, and goes on."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from e2e.all_program import all_program
from e2e.bad_inputs_cases import ALL, CREATE, Case
from e2e.bad_inputs_world import REALM, World
from e2e.hostile_cases import HOSTILE, WIRE, Wire
from support.broker import Broker
from support.places import ROOT
from support.programs import Secrets, run_cli
from support.sample_message import area, draft, text
from support.tokens import Issuer
from support.waiting import until

# Connect protocol, "Error codes".
HTTP_OF = {"invalid_argument": 400, "failed_precondition": 400, "unauthenticated": 401,
           "permission_denied": 403, "not_found": 404, "already_exists": 409, "aborted": 409,
           "resource_exhausted": 429, "unimplemented": 501}


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys) as program:
        yield World(program, issuer).build()


@pytest.fixture(scope="module")
def documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| ([A-Z_]+) \| ([a-z_, ]+) \|", (ROOT / "docs/ERRORS.md").read_text(),
                      re.MULTILINE)
    return {reason: set(codes.split(", ")) for reason, codes in rows}


EVERY = [*ALL, *HOSTILE]


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.name)
def test_it_is_refused(world: World, documented: dict[str, set[str]], case: Case) -> None:
    held, decided = world.at_rest or (world.holds(), world.decisions())
    world.at_rest = None
    reply = case.send(world)
    said = (reply.http_status, reply.code, reply.reason, reply.fields[:1])
    expected_http = case.http or HTTP_OF[case.code]
    assert said == (expected_http, case.code, case.reason, [case.field] if case.field else []), (
        reply.message)
    assert case.code in documented[case.reason]
    assert reply.message
    assert world.holds() == held, "something was written"
    if case.ledger:
        decided[case.ledger] += 1  # The refusal itself, so that a repeat is answered the same.
        until(lambda: world.decisions() == decided, "the refusal is the one decision made", 10)
    assert world.decisions() == decided, "a ledger was asked"
    world.at_rest = held, decided


def test_what_was_pasted_is_stored_tidy(world: World) -> None:
    pasted = draft(
        texts=[text("fr-CA"), {**text("en-CA"), "headline": "\n  High water\r\n",
                               "description": "The river rises.\r\nSecond line."}],
        areas=[area(geocodes=[{"valueName": "gauge", "value": "\n05BH004 "}])],
        web=" https://city.example/flood\n")
    made = world.do("ana", "drafting", "CreateMessage",
                    {"incidentId": world.ids["incident"], "draft": pasted})
    stored = world.ask("drafting", "GetMessage", {"messageId": made["id"]},
                       made["position"])["message"]["draft"]
    assert stored["texts"][1]["headline"] == "High water"
    assert stored["texts"][1]["description"] == "The river rises.\nSecond line."
    assert stored["areas"][0]["geocodes"][0]["value"] == "05BH004"
    assert stored["web"] == "https://city.example/flood"
    world.at_rest = None


def test_there_are_many_cases() -> None:
    assert len(ALL) >= 80 and len(HOSTILE) + len(WIRE) >= 60
    assert len({case.name for case in (*EVERY, *WIRE)}) == len(EVERY) + len(WIRE)


@pytest.mark.parametrize(("method", "path", "status", "allow"), [
    ("GET", CREATE, 405, "POST"), ("DELETE", CREATE, 405, "POST"), ("PUT", CREATE, 405, "POST"),
    ("POST", "/healthz", 405, "GET, HEAD"),
    ("POST", "/feeds/calgary/en-CA.atom", 405, "GET, HEAD, OPTIONS"),
    ("GET", "/feeds/a%00b/en.atom", 404, ""), ("GET", "/", 404, ""),
])
def test_another_http_method_or_page(world: World, method: str, path: str, status: int, allow: str
                                     ) -> None:
    answer = requests.request(method, world.program.url + path, timeout=10)
    assert (answer.status_code, answer.headers.get("Allow", "")) == (status, allow)
    assert answer.json()["code"] in ("unimplemented", "not_found")


@pytest.mark.parametrize("path", [
    "/feeds/..%2F..%2Fetc/passwd.atom",
    "/feeds/calgary/alerts/none.xml", "/feeds/CALGARY/en-CA.atom", "/feeds/atlantis/en-CA.atom",
    "/feeds/calgary/de-DE.atom", "/feeds/calgary/english.atom", "/feeds/calgary/en-CA.atom?page=2",
    "/feeds/calgary/en-CA.atom?page=first",
])
def test_a_feed_that_is_not_there(world: World, path: str) -> None:
    answer = requests.get(world.program.url + path, timeout=10)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("There is no such ")


def converse(world: World, data: bytes) -> bytes:
    """What comes back until the gateway closes the connection."""
    gateway = ("127.0.0.1", world.program.ports["gateway"])
    with socket.create_connection(gateway, timeout=10) as wire:
        wire.sendall(data)
        said = b""
        while part := wire.recv(65536):
            said += part
        return said


@pytest.mark.parametrize("data", [
    b"HELLO\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
], ids=["words", "a TLS greeting", "a negative length", "two lengths", "length and chunks",
        "a bad chunk", "a blank before a colon", "another HTTP"])
def test_what_is_no_http_gets_a_400(world: World, data: bytes) -> None:
    said = converse(world, data)
    assert said.startswith(b"HTTP/1.1 400 "), said
    assert b"BAD_REQUEST" in said


@pytest.mark.parametrize("case", WIRE, ids=lambda case: case.name)
def test_what_could_be_two_requests_is_refused_and_the_connection_closed(world: World, case: Wire
                                                                         ) -> None:
    head, _, body = converse(world, case.data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 "), head
    assert b"\nHTTP/1.1 " not in head + body, "answered twice"
    error = json.loads(body)
    assert error["code"] == "invalid_argument"
    shown = json.dumps(error)
    assert "BAD_REQUEST" in shown and (not case.field or f'"{case.field}"' in shown), shown


def test_an_update_of_a_published_alert_is_submitted(world: World) -> None:
    """Unlike one of an alert that nobody published, which is among the wrong ones above."""
    release = world.ask("publishing", "GetRelease", {"messageId": world.ids["public"]})["release"]
    name = release["identifiers"]["city"]
    alert = requests.get(f"{world.program.url}/feeds/{REALM}/alerts/{name}.xml", timeout=10).text
    reference = {field: re.findall(f"<{field}>([^<]+)</{field}>", alert)[0]
                 for field in ("sender", "identifier", "sent")}
    made = world.do("ana", "drafting", "CreateMessage", {
        "incidentId": world.ids["incident"], "draft": draft(),
        "messageType": "MESSAGE_TYPE_UPDATE", "references": [reference]})
    world.do("ana", "drafting", "SubmitMessage", {"messageId": made["id"], "etag": made["etag"]})


def test_it_all_still_works(world: World, broker: Broker, keys: Secrets) -> None:
    assert world.program.running
    made = world.do("ana", "drafting", "CreateIncident", {"kind": "flood", "title": "Afterwards"})
    found = world.ask("drafting", "GetIncident", {"incidentId": made["id"]}, made["position"])
    assert found["incident"]["title"] == "Afterwards"
    health = requests.get(world.program.url + "/healthz", timeout=10)
    assert (health.status_code, health.json()["status"]) == (200, "serving")
    said = world.program.said()
    assert '"level":"error"' not in said, said[-4000:]
    verified = run_cli(keys, "ledger", "verify", "--kafka-bootstrap", broker.bootstrap,
                       "--partitions", "2", check=False)
    assert verified.returncode == 0, verified.stdout + verified.stderr
