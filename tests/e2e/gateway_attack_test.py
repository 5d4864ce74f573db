"""Strangers without a token take nothing from those who have one: no memory, no thread, no place,
and not the last file descriptors."""

import json
import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import requests

from support.broker import Broker
from support.connect import Connect
from support.programs import Program, Secrets, service_flags
from support.protos import path_of
from support.tokens import Issuer, Person, roster
from support.waiting import until

ADMIN = Person("dan@city.example", "calgary", "city", ("admin",))
PREVIEW = path_of("drafting", "PreviewMessage")


@pytest.fixture(scope="module")
def flags(broker: Broker, keys: Secrets) -> dict[str, str | int | bool]:
    return service_flags(broker.bootstrap, keys, partitions=2, gateway_listen="127.0.0.1:0")


@pytest.fixture(scope="module")
def program(flags: dict[str, str | int | bool], tmp_path_factory: pytest.TempPathFactory
            ) -> Iterator[Program]:
    with Program("tocsin-all", Path(tmp_path_factory.mktemp("all")), flags).start() as running:
        yield running


def connect(program: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", program.ports["gateway"]), timeout=10)


def resident_mb(program: Program) -> float:
    for line in Path(f"/proc/{program.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


@pytest.mark.parametrize("begin", [b"1;", b"0\r\nX: "], ids=["chunk extension", "trailer"])
def test_what_frames_a_body_takes_no_memory(program: Program, begin: bytes) -> None:
    before = resident_mb(program)
    sent = 0
    with connect(program) as wire:
        wire.sendall(b"POST /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.sendall(begin)
        try:
            while sent < 100:
                wire.sendall(b"a" * (1 << 20))
                sent += 1
        except OSError:
            pass  # Cut off.
    assert sent < 20
    assert resident_mb(program) - before < 30


def test_bodies_without_a_token_hold_nobody_up(program: Program) -> None:
    body = b'{"draft":{"texts":[' + b",".join([b"{}"] * 340_000) + b"]}}"
    waits: list[float] = []
    over = threading.Event()

    def probe() -> None:
        while not over.is_set():
            begin = time.monotonic()
            requests.get(program.url + "/livez", timeout=30)
            waits.append(time.monotonic() - begin)

    def attack() -> None:
        for _ in range(6):
            answer = requests.post(program.url + PREVIEW, data=body, timeout=30,
                                   headers={"content-type": "application/json"})
            assert answer.status_code == 401

    probing = threading.Thread(target=probe)
    probing.start()
    attacks = [threading.Thread(target=attack) for _ in range(4)]
    for one in attacks:
        one.start()
    for one in attacks:
        one.join()
    over.set()
    probing.join()
    # Each of these bodies took the one thread 0.8 s; 24 of them, 20 s.
    assert sorted(waits)[len(waits) // 2] < 0.3, waits


def test_a_large_body_with_a_token_holds_nobody_up(program: Program, issuer: Issuer) -> None:
    body = b'{"draft":{"texts":[' + b",".join([b'{"event":"%s"}' % (b"a" * 20)] * 28_000) + b"]}}"
    headers = {"content-type": "application/json",
               "authorization": f"Bearer {issuer.token(ADMIN)}"}
    answers: list[int] = []
    attack = threading.Thread(target=lambda: answers.extend(
        requests.post(program.url + PREVIEW, data=body, timeout=60, headers=headers).status_code
        for _ in range(4)))
    attack.start()
    waits = []
    while attack.is_alive():
        begin = time.monotonic()
        requests.get(program.url + "/livez", timeout=30)
        waits.append(time.monotonic() - begin)
    assert len(answers) == 4 and sorted(waits)[len(waits) // 2] < 0.3, (answers, waits)


def test_metrics_are_told_beside_silent_connections(program: Program) -> None:
    silent = [socket.create_connection(("127.0.0.1", program.ports["metrics"])) for _ in range(6)]
    begin = time.monotonic()
    assert program.metric("tocsin_build_info") == 1
    assert time.monotonic() - begin < 4
    for one in silent:
        one.close()


def test_places_of_callers_that_left_are_free_again(program: Program, issuer: Issuer) -> None:
    token = issuer.token(ADMIN)
    done = Connect(program.url).must_change("approval", "ImportRoster", {
        "roster": roster([ADMIN])}, token=token)
    service, partition, _ = done["position"].split("/")
    request = (f"POST {path_of('approval', 'GetRoster')} HTTP/1.1\r\nHost: x\r\n"
               f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
               f"tocsin-after: {service}/{partition}/99999999\r\nConnect-Timeout-Ms: 30000\r\n"
               "Content-Length: 2\r\n\r\n{}").encode()
    waiting = [connect(program) for _ in range(40)]
    for one in waiting:
        one.sendall(request)
    until(lambda: program.metric("tocsin_gateway_connections") >= 40, "they wait", 10)
    for one in waiting:
        one.close()
    until(lambda: program.metric("tocsin_gateway_connections") < 5, "their places are free", 8)


def test_forged_tokens_are_checked_only_so_often(program: Program, issuer: Issuer) -> None:
    good = issuer.token(ADMIN)
    Connect(program.url).must("drafting", "ListMessages", token=good)
    answers = []
    for number in range(300):
        forged = good[:-40] + f"{number:03}" + good[-37:]
        answers.append(requests.post(program.url + PREVIEW, data=b"{}", timeout=10, headers={
            "content-type": "application/json", "authorization": f"Bearer {forged}"}))
    assert {one.status_code for one in answers} == {401, 429}
    assert all(one.headers["connection"] == "close" for one in answers if one.status_code == 429)
    assert program.metric("tocsin_gateway_limited_total") > 0
    Connect(program.url).must("drafting", "ListMessages", token=good)


def test_answers_that_nobody_reads_end(program: Program) -> None:
    request = b"GET /feeds/calgary/en-CA.atom HTTP/1.1\r\nHost: x\r\n\r\n" * 5000
    before = resident_mb(program)
    silent = [connect(program) for _ in range(20)]
    for one in silent:
        one.setblocking(False)
        try:
            one.send(request)
        except BlockingIOError:
            pass
    until(lambda: program.metric("tocsin_gateway_connections") < 5, "they were closed", 40)
    assert resident_mb(program) - before < 30
    for one in silent:
        one.close()


def test_idle_connections_leave_grpc_its_descriptors(program: Program) -> None:
    """As many as a limit of 60 more files has room for, and 50 more."""
    used = len(os.listdir(f"/proc/{program.pid}/fd"))
    before = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
    assert before[0] == min(before[1], 1 << 20), "the limit was not raised at the start"
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (used + 60, before[1]))
    idle = []
    try:
        for _ in range(110):
            idle.append(connect(program))
        assert requests.get(program.url + "/livez", timeout=6).status_code == 200
        until(lambda: program.health() == "SERVING", "a new gRPC connection is accepted", 6)
    finally:
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, before)
        for one in idle:
            one.close()
    until(lambda: "idle connections closed" in program.said(), "it says that some were shed", 5)


def test_it_all_still_works(program: Program, issuer: Issuer) -> None:
    listed = Connect(program.url).must("drafting", "ListMessages", token=issuer.token(ADMIN))
    assert listed is not None
    said = program.said()
    assert '"level":"error"' not in said, said[-4000:]


def test_a_process_that_has_gone_deaf_ends(flags: dict[str, str | int | bool], tmp_path: Path
                                           ) -> None:
    """Without a single descriptor for a moment, gRPC 1.51 accepts nobody ever after. Until it ends,
    who is connected already hears that it serves nobody."""
    serving, not_serving = b"\x08\x01", b"\x08\x02"  # grpc.health.v1.HealthCheckResponse
    program = Program("tocsin-drafting", tmp_path,
                      {name: value for name, value in flags.items() if name != "gateway-listen"})
    program.start()
    channel = grpc.insecure_channel(program.address)
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    try:
        until(lambda: check(b"", timeout=5) == serving, "it serves", 30)
        used = len(os.listdir(f"/proc/{program.pid}/fd"))
        before = resource.prlimit(program.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (min(used, 8), before[1]))
        host, port = program.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=5):
            until(lambda: "Failed accept" in program.said(), "gRPC's accept fails", 10)
        resource.prlimit(program.pid, resource.RLIMIT_NOFILE, before)
        until(lambda: check(b"", timeout=5) == not_serving, "it says that it serves nobody", 30)
        assert program.wait_end(120) == 1
        lines = [json.loads(line) for line in program.said().splitlines() if line.startswith("{")]
        assert any("no new connection reaches" in str(line) for line in lines), lines[-5:]
    finally:
        channel.close()
        program.kill()
