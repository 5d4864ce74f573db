"""The tests' own tools, on the smallest stack: what they say must be so."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from history import History, check_history, put_of
from support.broker import Broker
from support.calls import Answer
from support.child import clean_environment
from support.clock import DAY_S, Clock
from support.connect import Connect, new_request_id
from support.programs import Program, Secrets, health, run_cli, service_flags
from support.tokens import Issuer, Person, roster
from support.waiting import until

ADMIN = Person("ada@city.example", "calgary", "city", ("admin",))


@pytest.fixture(scope="module")
def everything(broker: Broker, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
               ) -> Iterator[Program]:
    folder = Path(tmp_path_factory.mktemp("all"))
    flags = service_flags(broker.bootstrap, keys)
    with Program("tocsin-all", folder, flags).start() as program:
        yield program


@pytest.fixture
def gateway(everything: Program) -> Connect:
    return Connect(everything.url)


def test_a_change_and_its_repeat_get_one_answer(gateway: Connect, issuer: Issuer) -> None:
    request = {"requestId": new_request_id(), "roster": roster([ADMIN])}
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
    until(lambda: health(address, "approval", timeout_s=0.3) == "DEADLINE_EXCEEDED",
          "it stands still")
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


def test_a_history_is_checked_and_a_stale_read_is_found_and_drawn(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    name = "calgary/template/river"
    for version, title in ((1, "first"), (2, "second")):
        request = {"requestId": new_request_id(), "templateId": "river",
                   "etag": str(version - 1) if version > 1 else "", "draft": {"title": title}}
        called = time.monotonic_ns()
        for answer in (Answer("UNAVAILABLE"), Answer("OK", {"etag": str(version)})):
            history.put(0, "ann", put_of("calgary", "PutTemplate", request), called, answer)
    history.get(1, "bob", name, time.monotonic_ns(), Answer("OK"), "2", "second")
    check_history(history)
    history.get(1, "bob", name, time.monotonic_ns(), Answer("OK"), "1", "first")
    with pytest.raises(AssertionError, match="no order explains its 4 operations"):
        check_history(history)
    assert (tmp_path / "history.html").stat().st_size > 0


def test_a_clock_is_wrong_and_jumps_while_a_program_runs(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", 30 * DAY_S)
    shell = subprocess.Popen(
        ["bash", "-c", "while read -r; do printf '%(%s)T\\n' -1; done"], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(clock.environment()))
    with shell:
        assert shell.stdin and shell.stdout
        for ahead_s in (30 * DAY_S, 0, -DAY_S):
            clock.set(ahead_s)
            shell.stdin.write("\n")
            shell.stdin.flush()
            assert abs(int(shell.stdout.readline()) - time.time() - ahead_s) < 60
        shell.stdin.close()
