"""The bugs that are planted for the simulator cannot be switched on in any program that ships."""

import subprocess

import pytest

from support.places import BIN, binary
from support.programs import SERVICES

SWITCH = "_ZN6tocsin7runtime11planted_bugE"  # tocsin::runtime::planted_bug
SHIPPED = {"tocsin", "tocsin-all", "tocsin-gateway", *(f"tocsin-{one}" for one in SERVICES)}
# Those of the benchmarks and of the rolling upgrades do not ship, and have no use for bugs either.
PROGRAMS = sorted(SHIPPED | {path.name for path in BIN.glob("tocsin*")} - {"tocsin-sim"})


def symbols(program: str) -> set[str]:
    listed = subprocess.run(["nm", "--format=just-symbols", binary(program)],
                            check=True, capture_output=True, text=True, timeout=60)
    return set(listed.stdout.splitlines())


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_bug_is_planted(program: str) -> None:
    found = symbols(program)
    assert "main" in found, "it has no symbols: nothing can be told"
    assert SWITCH not in found


def test_the_simulator_has_them() -> None:
    assert SWITCH in symbols("tocsin-sim")
