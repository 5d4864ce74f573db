"""What a program leaves to the system: how signals end it, and what a crash leaves behind. None of
it needs Kafka, for which services wait."""

import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from e2e.certificates import Authority
from support.child import Child, clean_environment
from support.places import binary
from support.programs import Secrets, edge_flags, service_flags
from support.waiting import until

PROGRAMS = ("tocsin-measurement", "tocsin-gateway", "tocsin-all")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Started:
    """A program that listens."""

    def __init__(self, program: str, folder: Path, keys: Secrets, prefix: tuple[str, ...] = (),
                 **flags: str) -> None:
        folder.mkdir(exist_ok=True)
        self.ports = folder / "ports.json"
        self.child = Child([*prefix, str(binary(program)),
                            *arguments(program, keys, self.ports, flags)], folder / "log",
                           clean_environment())
        self.child.spawn()
        until(lambda: self.ports.exists() or not self.child.running, f"{program} listens")
        assert self.child.running, self.child.said()

    def end(self, how: signal.Signals) -> int:
        os.kill(self.child.pid, how)
        until(lambda: not self.child.running, f"it ends by {how.name}", 20)
        code = self.child.exit_code
        assert code is not None
        return code


def arguments(program: str, keys: Secrets, ports: Path, own: Mapping[str, str]) -> list[str]:
    """The usual settings of `program`, of which those in `own` take another value."""
    flags = service_flags("127.0.0.1:1", keys)
    if program == "tocsin-gateway":
        flags = {**edge_flags(keys), "gateway-listen": "127.0.0.1:0"}
    flags = {**flags, **{name.replace("_", "-"): value for name, value in own.items()}}
    return [*(f"--{name}={value}" for name, value in flags.items()), f"--ports-file={ports}"]


@pytest.fixture
def started(tmp_path: Path, keys: Secrets) -> Iterator[Callable[..., Started]]:
    programs: list[Started] = []

    def start(program: str, prefix: tuple[str, ...] = (), **flags: str) -> Started:
        programs.append(Started(program, tmp_path / str(len(programs)), keys, prefix, **flags))
        return programs[-1]

    yield start
    for one in programs:
        one.child.kill()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_a_signal_drains_it(started: Callable[..., Started], program: str,
                            how: signal.Signals) -> None:
    running = started(program)
    assert running.end(how) == 0, running.child.said()
    assert '"msg":"stopped"' in running.child.said()


@pytest.mark.parametrize("program", ["tocsin-measurement", "tocsin-gateway"])
def test_under_nohup_a_hang_up_is_ignored(started: Callable[..., Started], program: str) -> None:
    running = started(program, ("nohup",))
    os.kill(running.child.pid, signal.SIGHUP)
    assert running.end(signal.SIGTERM) == 0
    assert running.child.said().count('"msg":"stopping"') == 1


def core_limit(pid: int) -> tuple[str, str]:
    found = re.search(r"^Max core file size +(\w+) +(\w+)", Path(f"/proc/{pid}/limits").read_text(),
                      re.MULTILINE)
    assert found
    return found.group(1), found.group(2)


def test_production_leaves_no_core_dump_unless_it_is_asked_to(started: Callable[..., Started],
                                                              keys: Secrets,
                                                              tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    key_set = tmp_path / "jwks.json"
    key_set.write_text(keys.jwks.read_text())
    production = {"production": "true", "tls_ca": str(authority.file), "jwks": str(key_set),
                  "jwt_issuer": "https://id.example.org"}
    secured = started("tocsin-gateway", **production)
    assert core_limit(secured.child.pid) == ("0", "0")
    before = core_limit(os.getpid())
    for flags in ({}, {**production, "core_dumps": "true"}):
        assert core_limit(started("tocsin-gateway", **flags).child.pid) == before
