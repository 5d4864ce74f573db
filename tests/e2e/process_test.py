"""What a program leaves to the system: how signals end it, and what a crash leaves behind. None of
it needs Kafka, for which services wait."""

import os
import re
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.certificates import production_flags
from support.programs import Program, Secrets, edge_flags, service_flags

PROGRAMS = ("tocsin-measurement", "tocsin-gateway", "tocsin-all")
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture
def started(tmp_path: Path, keys: Secrets) -> Iterator[Callable[..., Program]]:
    """Starts programs that listen, with the usual settings but for those that are named."""
    programs: list[Program] = []

    def start(name: str, prefix: tuple[str, ...] = (), **own: str) -> Program:
        flags = (edge_flags(keys, **{"gateway_listen": "127.0.0.1:0", **own})
                 if name == "tocsin-gateway" else service_flags("127.0.0.1:1", keys, **own))
        programs.append(Program(name, tmp_path / str(len(programs)), flags, prefix=prefix))
        programs[-1].spawn()
        programs[-1].wait_listening()
        return programs[-1]

    yield start
    for one in programs:
        one.kill()


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("how", SIGNALS, ids=lambda how: how.name)
def test_a_signal_drains_it(started: Callable[..., Program], program: str,
                            how: signal.Signals) -> None:
    running = started(program)
    assert running.terminate(how=how) == 0, running.said()
    assert '"msg":"stopped"' in running.said()


@pytest.mark.parametrize("program", ["tocsin-measurement", "tocsin-gateway"])
def test_under_nohup_a_hang_up_is_ignored(started: Callable[..., Program], program: str) -> None:
    running = started(program, ("nohup",))
    os.kill(running.pid, signal.SIGHUP)
    assert running.terminate() == 0
    assert running.said().count('"msg":"stopping"') == 1


def core_limit(pid: int) -> tuple[str, str]:
    found = re.search(r"^Max core file size +(\w+) +(\w+)", Path(f"/proc/{pid}/limits").read_text(),
                      re.MULTILINE)
    assert found
    return found.group(1), found.group(2)


@pytest.mark.parametrize("program", PROGRAMS)
def test_production_leaves_no_core_dump_unless_it_is_asked_to(started: Callable[..., Program],
                                                              keys: Secrets, tmp_path: Path,
                                                              program: str) -> None:
    production = production_flags(keys, tmp_path, edge_only=program == "tocsin-gateway")
    assert core_limit(started(program, **production).pid) == ("0", "0")
    before = core_limit(os.getpid())
    for flags in ({}, {**production, "core_dumps": "true"}):
        assert core_limit(started(program, **flags).pid) == before


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_limit_of_open_files_is_raised(started: Callable[..., Program], program: str) -> None:
    """A login shell gives 1,024, which as many idle connections take."""
    running = started(program, ("prlimit", "--nofile=1024:8192"))
    assert resource.prlimit(running.pid, resource.RLIMIT_NOFILE) == (8192, 8192)
