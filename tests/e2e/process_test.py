"""What a program leaves to the system: how signals end it, and what a crash leaves behind. None of
it needs Kafka, for which services wait."""

import os
import re
import resource
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


@pytest.mark.parametrize("program", PROGRAMS)
def test_production_leaves_no_core_dump_unless_it_is_asked_to(started: Callable[..., Started],
                                                              keys: Secrets, tmp_path: Path,
                                                              program: str) -> None:
    authority = Authority(tmp_path / "authority")
    authority.issue("server")
    own = {}
    for name, found in (("jwks", keys.jwks), ("mac_key_file", keys.mac_key_file)):
        own[name] = tmp_path / name
        own[name].touch(mode=0o600)
        own[name].write_text(found.read_text())
    production = {"production": "true", "jwt_issuer": "https://id.example.org",
                  "tls_ca": str(authority.file), "jwks": str(own["jwks"])}
    if program != "tocsin-gateway":
        production |= {"mac_key_file": str(own["mac_key_file"]),
                       "tls_cert": str(authority.folder / "server.pem"),
                       "tls_key": str(authority.folder / "server.key"),
                       "tls_client_ca": str(authority.file)}
    assert core_limit(started(program, **production).child.pid) == ("0", "0")
    before = core_limit(os.getpid())
    for flags in ({}, {**production, "core_dumps": "true"}):
        assert core_limit(started(program, **flags).child.pid) == before


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_limit_of_open_files_is_raised(started: Callable[..., Started], program: str) -> None:
    """A login shell gives 1,024, which as many idle connections take."""
    child = started(program, ("prlimit", "--nofile=1024:8192")).child
    assert resource.prlimit(child.pid, resource.RLIMIT_NOFILE) == (8192, 8192)
