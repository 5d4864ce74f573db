"""Each benchmark in its smallest dose: that it still measures something, not what."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.broker import Broker
from support.child import clean_environment
from support.places import HOME, binary

APPRISE = HOME / "tools" / "apprise" / "bin" / "python"
RESTATE = HOME / "tools" / "restate" / "node_modules"


def run(broker: Broker, folder: Path, *names: str, **environment: str) -> dict[str, dict[str, Any]]:
    """The figures by their names."""
    figures = folder / "figures.json"
    subprocess.run(
        [binary("tocsin-bench"), "--smoke", "--json", figures, *names], check=True, timeout=600,
        env={**clean_environment(), "TOCSIN_KAFKA_BOOTSTRAP": broker.bootstrap,
             "TOCSIN_BIN": os.path.dirname(binary("tocsin-bench")), **environment})
    return {figure["name"]: figure for figure in json.loads(figures.read_text())}


def test_every_name_is_measured(broker: Broker, tmp_path: Path) -> None:
    figures = run(broker, tmp_path)
    assert list(figures) == [
        "command.p50", "command.p99", "command.first", "command.rate", "line.p50", "line.p99",
        "takeover", "replay", "fold.beside", "reads.beside", "release.beside",
        "fire.10", "fire.100", "fire.1000", "skew.1000", "correct.p50", "lane.overtake",
        "deliveries.cpu", "deliveries.memory", "edge.hostile", "readings.rate", "memory.message"]
    for name, figure in figures.items():
        # Differences, which may be anything in this dose.
        if name in ("replay", "deliveries.cpu", "deliveries.memory"):
            continue
        assert figure["value"] > 0 and figure["reference"] > 0, figure
    assert figures["memory.message"]["unit"] == "B"


def peer(name: str) -> pytest.MarkDecorator:
    there = {"apprise": APPRISE.exists(), "alertmanager": shutil.which("prometheus-alertmanager"),
             "nginx": shutil.which("nginx", path="/usr/sbin:/usr/bin")}[name]
    return pytest.mark.skipif(not there, reason=f"no bench that needs {name} was ever run here")


@pytest.mark.parametrize("names", [
    pytest.param(["fire.1000.apprise"], marks=peer("apprise")),
    pytest.param(["fire.1.alertmanager", "fire.1.cleared"], marks=peer("alertmanager")),
    pytest.param(["feed.full.nginx", "feed.304.nginx"], marks=peer("nginx"))])
def test_beside_programs_of_others(names: list[str], tmp_path: Path) -> None:
    # Its own: the one above holds what the others left.
    broker = Broker(tmp_path / "kafka").start()
    try:
        figures = run(broker, tmp_path, *names, TOCSIN_APPRISE=str(APPRISE))
    finally:
        broker.kill()
    assert list(figures) == names
    for figure in figures.values():
        assert figure["value"] > 0 and figure["reference"] > 0, figure


@pytest.mark.skipif(not RESTATE.is_dir(), reason="./dev bench command.restate was never run here")
def test_restate(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "kafka").start()
    try:
        figures = run(broker, tmp_path, "command.restate", TOCSIN_RESTATE=str(RESTATE),
                      TOCSIN_BENCH_DISK=str(tmp_path))
    finally:
        broker.kill()
    assert list(figures) == ["command.restate"]
    assert figures["command.restate"]["value"] > 0
