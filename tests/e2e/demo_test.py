"""./dev demo as a newcomer runs it: cold with --once, then other gauge files on a running stack of
separate processes with monitoring, a retraction from the command line, and a killed service."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import capvalidator
import pytest
import requests

from support.child import clean_environment
from support.places import HOME, ROOT
from support.ports import is_open
from support.waiting import until

DEV = ROOT / "dev"
BOW = ROOT / "tests/data/gauges/bow-calgary-2013.csv"
USGS_SHAPES = ROOT / "tests/data/gauges/usgs-shapes.json"
DATA = os.environ.get("TOCSIN_DATA")


class Stack:
    """A `.tocsin` of its own, with the tools of the one in use."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "kafka").mkdir(parents=True)
        (home / "kafka" / "lib").symlink_to((HOME / "kafka" / "lib").resolve())
        (home / "venv").symlink_to((HOME / "venv").resolve())

    def dev(self, *arguments: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        environment = clean_environment({"TOCSIN_HOME": str(self.home)})
        for name in ("TOCSIN_PRESET", "TOCSIN_DATA"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return subprocess.run([DEV, *arguments], env=environment, timeout=seconds, check=False,
                              capture_output=True, text=True)

    def demo(self, *arguments: str) -> dict:
        outcome = self.home / "outcome.json"
        outcome.unlink(missing_ok=True)
        ran = self.dev("demo", *arguments, "--json", str(outcome))
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]
        self.shown = ran.stdout
        return json.loads(outcome.read_text())

    def tocsin(self, *arguments: str) -> dict:
        ran = self.dev("tocsin", *arguments, "--json")
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    def environment(self) -> dict[str, str]:
        lines = (self.home / "exercise" / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def check_outcome(outcome: dict) -> None:
    times = [outcome[key] for key in
             ("crossed_at", "drafted_at", "cleared_at", "fired_at", "last_confirmed_at")]
    assert all(times), outcome
    assert [moment(one) for one in times] == sorted(moment(one) for one in times)
    assert outcome["skew_ms"] >= 0
    assert {one["agency"] for one in outcome["deliveries"]} == {"calgary", "alberta"}
    # A feed and a webhook per agency, and a post in each language.
    assert len(outcome["deliveries"]) == 8
    assert {one["state"] for one in outcome["deliveries"]} == {"confirmed"}
    assert all(one["url"].startswith("http") for one in outcome["deliveries"])
    assert outcome["ledger"]["verified"] and outcome["ledger"]["decisions"] > 20


def first_discharge_at_or_above(path: Path, threshold: float) -> tuple[float, datetime]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [(moment(row[1]), float(row[6])) for row in list(csv.reader(file))[1:] if row[6]]
    at, value = next((at, value) for at, value in sorted(rows) if value >= threshold)
    return value, at


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory):
    stack = Stack(tmp_path_factory.mktemp("cold") / "home")
    yield stack
    stack.dev("down")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory):
    stack = Stack(tmp_path_factory.mktemp("apart") / "home")
    started = stack.dev("up", "--processes", "--monitoring")
    assert started.returncode == 0, started.stderr[-4000:]
    yield stack
    assert stack.dev("down").returncode == 0


def test_bad_arguments_start_nothing(cold: Stack) -> None:
    for arguments, wanted in (
        (["--gauge", "missing.csv", "--format", "eccc-csv", "--threshold", "1"], "cannot be read"),
        (["--gauge", str(BOW), "--format", "eccc-csv"], "--threshold"),
        (["--gauge", str(BOW), "--format", "usgs-json", "--threshold", "1"], "usgs-json"),
        (["--gauge", str(BOW), "--format", "eccc-csv", "--threshold", "1e9"], "never reaches"),
        (["--gauge", str(BOW), "--format", "eccc-csv", "--threshold", "1", "--series", "X:y"],
         "05BH004:level"),
        (["--gauge", str(BOW), "--format", "eccc-csv", "--threshold", "nan"], "--threshold"),
        (["--speed", "0"], "--speed"),
    ):
        ran = cold.dev("demo", "--once", *arguments)
        assert ran.returncode not in (0, None), arguments
        assert wanted in ran.stderr, (arguments, ran.stderr)
        assert "Tocsin is up" not in ran.stderr
    assert cold.dev("status").returncode == 3


def test_the_bow_in_june_2013_from_nothing_and_back(cold: Stack) -> None:
    outcome = cold.demo("--once")
    check_outcome(outcome)
    value, at = first_discharge_at_or_above(BOW, 1000)
    assert outcome["reading"]["value"] == pytest.approx(value)
    assert moment(outcome["reading"]["at"]) == at
    # Those on duty would have seen where it stood: state and why, what was read, what came of it.
    assert re.search(r"rule +crossed: .*; last \d+\S* m3/s of 2013-06-", cold.shown), cold.shown
    assert re.search(r"source +\d+ polls, \d+ readings, skipped: ", cold.shown), cold.shown
    assert re.search(rf"crossing +crx\S+ at {value:g}: msg", cold.shown), cold.shown
    # Nothing that it started is left.
    assert cold.dev("status").returncode == 3
    ports = (cold.home / "exercise" / "ports.env").read_text().split()
    for name, port in (line.split("=") for line in ports):
        assert not is_open(int(port)), name


def test_another_file_on_a_running_stack(apart: Stack) -> None:
    outcome = apart.demo("--gauge", str(USGS_SHAPES), "--format", "usgs-json", "--threshold", "1")
    check_outcome(outcome)
    assert outcome["reading"]["value"] >= 1


def test_a_first_reading_above_crosses_and_series_is_obeyed(apart: Stack) -> None:
    outcome = apart.demo("--gauge", str(BOW), "--format", "eccc-csv", "--threshold", "1",
                         "--series", "05BH004:level", "--speed", "1e6")
    check_outcome(outcome)
    assert outcome["reading"] == {"value": 1.649, "at": "2013-06-17T07:00:00Z"}


@pytest.mark.skipif(not DATA, reason="TOCSIN_DATA is unset: no real gauge files")
@pytest.mark.parametrize(("file", "format_name", "threshold", "series", "value", "at"), [
    ("usgs/iv-02489500-02492000-2019-02-25.json", "usgs-json", "0.1", "", 0.2,
     "2019-02-27T06:30:00Z"),
    ("eccc-datamart/BC_hourly_hydrometric.csv", "eccc-csv", "0.5", "08GA043:level", 0.864,
     "2020-01-19T12:45:00Z"),
    ("usgs/nwis-iv-latest-wa.json", "usgs-json", "300", "", 316.0, "2020-05-14T14:30:00Z"),
])
def test_real_files(apart: Stack, file: str, format_name: str, threshold: str, series: str,
                    value: float, at: str) -> None:
    more = ["--series", series] if series else []
    outcome = apart.demo("--gauge", f"{DATA}/gauges/{file}", "--format", format_name,
                         "--threshold", threshold, "--speed", "1e6", *more)
    check_outcome(outcome)
    assert outcome["reading"]["value"] == pytest.approx(value)
    assert moment(outcome["reading"]["at"]) == moment(at)


def test_what_is_public_is_valid_and_there_once(apart: Stack) -> None:
    outcome = apart.demo("--speed", "1e6")
    settings = apart.environment()
    alert = next(one["url"] for one in outcome["deliveries"] if one["channel"] == "calgary-feed")
    checked = capvalidator.validate_cap_message(requests.get(alert, timeout=10).content)
    assert checked.passed, checked.message
    atom = requests.get(f"{settings['TOCSIN_GATEWAY']}/feeds/bow-river/fr-CA.atom", timeout=10)
    assert atom.status_code == 200 and alert in atom.text
    for agency in ("calgary", "alberta"):
        posts = requests.get(f"{settings['TOCSIN_DEMO_MASTODON']}/api/v1/accounts/lookup",
                             params={"acct": agency}, timeout=10).json()
        statuses = requests.get(
            f"{settings['TOCSIN_DEMO_MASTODON']}/api/v1/accounts/{posts['id']}/statuses",
            params={"limit": 40}, timeout=10).json()
        texts = [re.sub("<[^>]+>", "", one["content"]) for one in statuses]
        assert len(texts) == len(set(texts)), "a post is there twice"
        received = next(one["url"] for one in outcome["deliveries"]
                        if one["channel"] == f"{agency}-webhook")
        assert requests.get(received, timeout=10).json()["times"] == 1


def test_a_retraction_reaches_every_channel(apart: Stack) -> None:
    apart.demo("--speed", "1e6")
    release = apart.tocsin("release", "list", "--as", "calgary-duty")["releases"][0]["releaseId"]
    assert apart.dev("tocsin", "--as", "calgary-duty", "release", "stop", release,
                     "--reason", "sent in error").returncode == 0

    def retracted() -> bool:
        whole = apart.tocsin("release", "get", release, "--as", "calgary-duty")["release"]
        purposes = [one["purpose"] for one in whole["deliveries"]
                    if one["state"] == "DELIVERY_STATE_CONFIRMED"]
        return (whole["state"] == "RELEASE_STATE_RETRACTED"
                and purposes.count("PURPOSE_RETRACTION") == 8)

    until(retracted, "all eight channels corrected", 60)


def test_a_killed_service_comes_back_and_the_line_works(apart: Stack) -> None:
    shown = apart.dev("status").stdout
    pids = re.findall(r"services:tocsin-(?:drafting|publishing)\s+RUNNING\s+pid (\d+)", shown)
    assert len(pids) == 2, shown
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    check_outcome(apart.demo("--speed", "1e6"))


def test_the_live_world_runs_beside_the_exercise(apart: Stack) -> None:
    started = apart.dev("up", "--world", "live")
    assert started.returncode == 0 and "LIVE" in started.stderr, started.stderr[-4000:]
    try:
        ports = {world: set(re.findall(r"=(\d+)$", (apart.home / world / "ports.env").read_text(),
                                       re.MULTILINE)) for world in ("live", "exercise")}
        assert ports["live"] and not ports["live"] & ports["exercise"]
        # What happened years ago goes out as a test there, and as an exercise here.
        for world, status in (("live", "Test"), ("exercise", "Exercise")):
            outcome = apart.demo("--world", world, "--speed", "1e6")
            check_outcome(outcome)
            alert = next(one["url"] for one in outcome["deliveries"]
                         if one["channel"] == "calgary-feed")
            assert f"<status>{status}</status>" in requests.get(alert, timeout=10).text
        until(lambda: any(f'{port}' in (apart.home / "live-hosts.json").read_text()
                          for port in ports["live"]), "the exercise knows the live hosts", 60)
    finally:
        assert apart.dev("down", "--world", "live").returncode == 0
    assert apart.dev("status").returncode == 0


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its files on a free port of this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def listed(apart: Stack, kind: str) -> dict:
    """One of those that the demo left."""
    return apart.tocsin("--as", "calgary-admin", kind, "list")[f"{kind}s"][0]


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed")
def test_every_panel_has_data_after_a_demo(apart: Stack) -> None:
    check = ROOT / "monitoring" / "check_panels.py"
    apart.demo("--speed", "1e6")
    # Its source is gone with the demo, and the series of the source with it.
    with serving(BOW.parent) as url:
        apart.tocsin("--as", "calgary-admin", "source", "put", "beside", "--format", "eccc-csv",
                     "--url", f"{url}/{BOW.name}", "--poll-seconds", "5")
        apart.tocsin("--as", "calgary-admin", "rule", "put", "beside", "--source", "beside",
                     "--series", "05BH004:discharge", "--threshold", "9000",
                     "--template", listed(apart, "template")["templateId"],
                     "--incident", listed(apart, "incident")["incidentId"])
        ran = subprocess.run(
            [sys.executable, check, "--prometheus", apart.environment()["TOCSIN_PROMETHEUS"]],
            capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
