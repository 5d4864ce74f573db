"""The tests' own tools, on the smallest stack: what they say must be so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.broker import Broker
from support.connect import Connect, new_request_id
from support.programs import Program, Secrets, health, run_cli, service_flags
from support.tokens import Issuer, Person
from support.waiting import until

ADMIN = Person("ada@city.example", "calgary", "city", ("admin",))


@pytest.fixture(scope="module")
def everything(broker: Broker, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
               ) -> Iterator[Program]:
    folder = Path(tmp_path_factory.mktemp("all"))
    flags = service_flags(broker.bootstrap, keys, publishing_credentials_dir=str(folder))
    program = Program("tocsin-all", folder, flags).start()
    yield program
    program.kill()


@pytest.fixture
def gateway(everything: Program) -> Connect:
    return Connect(everything.url)


def roster(*people: Person) -> dict[str, object]:
    agencies = sorted({person.agency for person in people})
    return {
        "agencies": [{"agencyId": agency, "names": {"en-CA": agency},
                      "capSender": f"{agency}.example"} for agency in agencies],
        "people": [{"subject": person.subject, "name": person.subject,
                    "agencyId": person.agency, "roles": list(person.roles)} for person in people],
    }


def test_a_change_and_its_repeat_get_one_answer(gateway: Connect, issuer: Issuer) -> None:
    request = {"requestId": new_request_id(), "roster": roster(ADMIN)}
    first = gateway.must_change("approval", "ImportRoster", request, token=issuer.token(ADMIN))
    again = gateway.must_change("approval", "ImportRoster", request, token=issuer.token(ADMIN))
    assert first == again
    assert gateway.must("approval", "GetRoster", token=issuer.token(ADMIN),
                        after=first["position"])["roster"]["people"]


@pytest.mark.parametrize(("kind", "reason"), [
    ("expired", "TOKEN_EXPIRED"), ("not_yet_valid", "TOKEN_NOT_YET_VALID"),
    ("foreign", "TOKEN_SIGNATURE"), ("unknown_key", "TOKEN_KEY_UNKNOWN"),
    ("unsigned", "TOKEN_SIGNATURE"), ("by_public_key", "TOKEN_SIGNATURE"),
])
def test_a_bad_token_is_refused_for_its_own_reason(
        gateway: Connect, issuer: Issuer, kind: str, reason: str) -> None:
    reply = gateway.call("approval", "GetRoster", token=getattr(issuer, kind)(ADMIN))
    assert (reply.http_status, reply.code, reply.reason) == (401, "unauthenticated", reason)


def test_tampering_and_a_missing_token_are_refused(gateway: Connect, issuer: Issuer) -> None:
    tampered = gateway.call("approval", "GetRoster", token=issuer.tampered(ADMIN, ["approver"]))
    assert tampered.reason == "TOKEN_SIGNATURE"
    assert gateway.call("approval", "GetRoster").reason == "TOKEN_MISSING"


def test_a_bad_field_is_named(gateway: Connect, issuer: Issuer) -> None:
    reply = gateway.change("approval", "ImportRoster", {}, token=issuer.token(ADMIN))
    assert (reply.code, reply.fields) == ("invalid_argument", ["roster"])


def test_freeze_kill_and_restart(everything: Program, broker: Broker, keys: Secrets) -> None:
    address = everything.address
    assert health(address, "approval") == "SERVING"
    everything.freeze()
    assert health(address, "approval", timeout_s=0.3) == "DEADLINE_EXCEEDED"
    everything.thaw()
    until(lambda: health(address, "approval") == "SERVING", "it goes on")
    everything.kill()
    assert everything.exit_code == -9
    assert health(address, "approval") == "UNAVAILABLE"
    everything.start()
    broker.restart()
    until(lambda: run_cli(keys, "ledger", "verify", "--kafka-bootstrap", broker.bootstrap,
                          check=False).returncode == 0, "the ledgers verify after a crash", 60)
    assert everything.terminate() == 0


