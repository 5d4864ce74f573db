"""Who may call, what a call is answered while Kafka is away, and how a process ends."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from support.broker import Broker
from support.connect import Connect, Reply, new_request_id
from support.programs import SERVICES, Program, Secrets, service_flags
from support.tokens import OPERATOR, Issuer, Person, roster
from support.waiting import until

ADMIN = Person("ada", "delta", "city", ("admin",))
AUTHOR = Person("ana", "delta", "city", ("author",))
ROSTER = roster([ADMIN, AUTHOR])
FAR = "drafting/0/1000000"  # a position that is not reached while a test lasts


class KeySet(http.server.ThreadingHTTPServer):
    """Serves a JSON Web Key Set, or nothing while `away`."""

    def __init__(self, keys: list[dict[str, Any]]) -> None:
        self.keys = keys
        self.away = False
        self.asked = 0
        super().__init__(("127.0.0.1", 0), _KeySetAnswer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"


class _KeySetAnswer(http.server.BaseHTTPRequestHandler):
    server: KeySet

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"keys": self.server.keys}).encode()
        self.send_response(503 if self.server.away else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def jwk(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = jwt.algorithms.ECAlgorithm if elliptic else jwt.algorithms.OKPAlgorithm
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid}


@pytest.fixture(scope="module")
def key_set(keys: Secrets) -> Iterator[KeySet]:
    served = KeySet(json.loads(keys.jwks.read_text())["keys"])
    yield served
    served.shutdown()


@pytest.fixture(scope="module")
def stack(broker: Broker, keys: Secrets, key_set: KeySet,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    flags = service_flags(broker.bootstrap, keys, partitions=1, log_level="debug",
                          jwks_refresh_s=10)
    with Program("tocsin-all", tmp_path_factory.mktemp("stack"),
                 {**flags, "jwks": key_set.url}).start() as program:
        yield program


@pytest.fixture(scope="module")
def gate(stack: Program, issuer: Issuer) -> Connect:
    """Speaks for the author of a realm whose roster is imported."""
    opened = Connect(stack.url, issuer.token(ADMIN))
    opened.must_change("approval", "ImportRoster", {"roster": ROSTER})
    author = opened.as_(issuer.token(AUTHOR))
    until(lambda: open_incident(author).ok, "drafting has read the roster")
    return author


def open_incident(gate: Connect, **options: Any) -> Reply:
    return gate.change("drafting", "CreateIncident", {"kind": "flood", "title": "High water"},
                       **options)


def test_every_service_tells_its_health_by_name(stack: Program, gate: Connect) -> None:
    for name in ("", *SERVICES, "tocsin.drafting.v1.DraftingService"):
        assert stack.health(name) == "SERVING", name
    assert stack.health("nobody") == "NOT_FOUND"


def test_tokens_that_are_not_good_are_refused_with_their_reason(
        gate: Connect, issuer: Issuer) -> None:
    refused = {
        "": "TOKEN_MISSING",
        "a.b": "TOKEN_MALFORMED",
        "x" * 9000: "TOKEN_MALFORMED",
        issuer.expired(AUTHOR): "TOKEN_EXPIRED",
        issuer.not_yet_valid(AUTHOR): "TOKEN_NOT_YET_VALID",
        issuer.foreign(AUTHOR): "TOKEN_SIGNATURE",
        issuer.unsigned(AUTHOR): "TOKEN_SIGNATURE",
        issuer.by_public_key(AUTHOR): "TOKEN_SIGNATURE",
        issuer.tampered(AUTHOR, ["admin"]): "TOKEN_SIGNATURE",
        issuer.unknown_key(AUTHOR): "TOKEN_KEY_UNKNOWN",
        issuer.token(AUTHOR, iss="somebody"): "TOKEN_ISSUER",
        issuer.token(AUTHOR, aud="else"): "TOKEN_AUDIENCE",
        issuer.token(AUTHOR, sub="service:trigger"): "TOKEN_CLAIMS",
        issuer.token(AUTHOR, roles=["emperor"]): "TOKEN_CLAIMS",
    }
    for token, reason in refused.items():
        for reply in (open_incident(gate.as_(token)),
                      gate.as_(token).call("drafting", "ListIncidents")):
            assert (reply.code, reply.reason) == ("unauthenticated", reason), token[:80]


def test_a_role_needs_the_token_and_the_roster(gate: Connect, issuer: Issuer) -> None:
    both = Person("ana", "delta", "city", ("author", "admin"))
    reply = gate.change("approval", "ImportRoster", {"roster": ROSTER}, token=issuer.token(both))
    assert (reply.code, reply.reason) == ("permission_denied", "ROLE_MISSING")
    for person in (Person("ana", "delta", "city", ("analyst",)),  # the roster's role, not claimed
                   Person("ana", "delta", "province", ("author",)),  # of another agency
                   Person("eve", "delta", "city", ("author",))):  # not in the roster
        reply = open_incident(gate, token=issuer.token(person))
        assert reply.code == "permission_denied", person


def test_a_realm_sees_only_itself(gate: Connect, issuer: Issuer) -> None:
    incident = gate.must_change("drafting", "CreateIncident", {"kind": "flood", "title": "Ours"})
    asked = {"incidentId": incident["id"]}
    mine = gate.must("drafting", "GetIncident", asked, after=incident["position"])
    assert mine["incident"]["title"] == "Ours"
    # An admin's token is good in a realm that has no roster yet.
    elsewhere = issuer.token(Person("ana", "epsilon", "city", ("admin",)))
    assert gate.call("drafting", "GetIncident", asked, token=elsewhere).code == "not_found"
    assert "incidents" not in gate.must("drafting", "ListIncidents", token=elsewhere)


def test_keys_of_a_url_come_and_go_and_stay_while_it_is_away(
        gate: Connect, issuer: Issuer, key_set: KeySet) -> None:
    fresh = ed25519.Ed25519PrivateKey.generate()
    token = jwt.encode(issuer.claims(AUTHOR), fresh, "EdDSA", {"kid": "fresh"})
    assert open_incident(gate.as_(token)).reason == "TOKEN_KEY_UNKNOWN"
    key_set.keys = [*key_set.keys, jwk(fresh, "fresh")]
    until(lambda: open_incident(gate.as_(token)).ok, "the new key is known", 45, pause=0.5)
    key_set.away = True
    asked = key_set.asked
    stranger = jwt.encode(issuer.claims(AUTHOR), fresh, "EdDSA", {"kid": "stranger"})
    until(lambda: open_incident(gate.as_(stranger)).ok or key_set.asked > asked,
          "it is asked while it is away", 45, pause=0.2)
    # Neither a crowd of unknown keys nor the failure changes what is known, or asks more.
    asked = key_set.asked
    for _ in range(20):
        assert open_incident(gate.as_(stranger)).reason == "TOKEN_KEY_UNKNOWN"
    assert key_set.asked <= asked + 1
    assert open_incident(gate.as_(token)).ok and open_incident(gate).ok
    key_set.away = False


def test_a_call_ends_at_its_deadline(gate: Connect) -> None:
    began = time.monotonic()
    reply = gate.call("drafting", "ListIncidents", after=FAR, timeout_ms=300)
    assert reply.code in ("unavailable", "deadline_exceeded")
    assert time.monotonic() - began < 2
    bad = gate.call("drafting", "ListIncidents", after="nowhere")
    assert bad.code == "invalid_argument" and bad.fields == ["tocsin-after"]


def test_a_trace_goes_from_the_gateway_into_the_decision(
        stack: Program, gate: Connect) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reply = open_incident(gate, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert reply.ok and trace in reply.headers["traceparent"]

    def told() -> bool:
        lines = [json.loads(line) for line in stack.said().splitlines() if trace in line]
        return any(line["msg"] == "change answered" and line["service"] == "drafting"
                   and line["trace_id"] == trace and line["level"] == "debug" for line in lines)

    until(told, "the log names the trace")


def test_while_kafka_is_away_reads_go_on_and_changes_are_put_off(
        broker: Broker, stack: Program, gate: Connect, issuer: Issuer) -> None:
    before = gate.must("drafting", "ListIncidents", {"pageSize": 1})
    broker.kill()
    asked = {"requestId": new_request_id(), "kind": "flood", "title": "During the outage"}
    began = time.monotonic()
    reply = gate.call("drafting", "CreateIncident", asked, timeout_ms=2000)
    assert reply.code == "unavailable" and time.monotonic() - began < 4
    assert reply.details["RetryInfo"] and int(reply.headers["Retry-After"]) >= 1
    read = until(lambda: (r := gate.call("drafting", "ListIncidents", {"pageSize": 1})) and
                 float(r.headers.get("tocsin-stale-seconds", "0")) > 0 and r,
                 "reads say how stale they are")
    assert read.ok and read.body == before
    status = gate.must("ledger", "GetStatus", {"service": "drafting"}, token=issuer.token(OPERATOR))
    assert not status.get("kafkaConnected", False) and status["staleSeconds"] > 0
    broker.start()
    # Nobody does anything but ask again.
    made = until(lambda: (r := gate.call("drafting", "CreateIncident", asked)).ok and r,
                 "changes are decided again", 60, pause=0.2)
    again = gate.call("drafting", "CreateIncident", asked)
    assert again.ok and again.body["id"] == made.body["id"]
    fresh = gate.call("drafting", "ListIncidents", after=made.body["position"])
    assert fresh.ok and "tocsin-stale-seconds" not in fresh.headers
    titles = [one["title"] for one in fresh.body["incidents"]]
    assert titles.count("During the outage") == 1


def test_what_is_under_way_is_answered_when_the_process_ends(
        stack: Program, gate: Connect, issuer: Issuer) -> None:
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(gate.as_(gate.token).call, "drafting", "ListIncidents", after=FAR,
                               timeout_ms=2500) for _ in range(4)]
        changes = [pool.submit(open_incident, gate.as_(gate.token)) for _ in range(8)]
        until(lambda: any(change.done() for change in changes), "the calls are under way")
        assert stack.terminate() == 0
    for call in (*waiting, *changes):
        reply = call.result()
        assert reply.ok or reply.code in ("unavailable", "deadline_exceeded"), reply
    said = stack.said()
    assert '"msg":"stopped"' in said
    # All that was said is JSON, and none of it is a token.
    for line in said.splitlines():
        json.loads(line)
    assert gate.token.rsplit(".", 1)[0] not in said
    assert issuer.token(ADMIN).split(".")[0] not in said
