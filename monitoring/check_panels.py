#!/usr/bin/env python3
"""Asks a Prometheus every query of every dashboard, as Grafana would with all variables at "All".
A query that finds nothing is an error: a panel nobody can read. So are a rule that does not
evaluate and metrics that promtool finds fault with. Meant for a stack through which something was
published, such as after ./dev demo."""

import argparse
import json
import math
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"
# What Grafana puts in; the range is the dashboard's own, the interval that of 5 s scrapes.
VARIABLES = {"$__rate_interval": "1m", "$__interval": "15s", "$__range": "1h", "$realm": ".*",
             "$agency": ".*", "$channel": ".*"}
ANSWER_BYTES_MAX = 16 << 20


@dataclass(frozen=True)
class Query:
    where: str
    expr: str


def fill(expr: str) -> str:
    for name in sorted(VARIABLES, key=len, reverse=True):
        expr = expr.replace(name, VARIABLES[name])
    return expr


def panels(dashboard: dict) -> Iterator[dict]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries(dashboard: dict) -> Iterator[Query]:
    """Those that must find something; an annotation marks what may not have happened."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            where = f"{dashboard['title']} / {panel['title']} / {target['refId']}"
            yield Query(where, fill(target["expr"]))


class Prometheus:
    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        # Loopback is not reached through a proxy.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def read(self, url: str) -> bytes:
        with self.opener.open(url, timeout=10) as answer:
            return answer.read(ANSWER_BYTES_MAX)

    def get(self, path: str, **arguments: str) -> dict:
        try:
            said = self.read(f"{self.address}{path}?{urllib.parse.urlencode(arguments)}")
        except urllib.error.HTTPError as error:
            refusal = error.read(10_000).decode(errors="replace")
            raise ValueError(f"Prometheus refuses it: {refusal}") from error
        return json.loads(said)["data"]

    def finds(self, expr: str) -> bool:
        """Something that can be shown: a series whose value is a number."""
        found = self.get("/api/v1/query", query=expr)["result"]
        return any(math.isfinite(float(series["value"][1])) for series in found)

    def sick_rules(self) -> list[str]:
        groups = self.get("/api/v1/rules")["groups"]
        if not groups:
            return ["rules: Prometheus has none"]
        return [f"rule {rule['name']}: {rule.get('lastError') or 'not evaluated yet'}"
                for group in groups for rule in group["rules"] if rule["health"] != "ok"]

    def sick_targets(self) -> list[str]:
        targets = self.get("/api/v1/targets", state="active")["activeTargets"]
        if not targets:
            return ["targets: Prometheus has none"]
        return [f"target {target['scrapeUrl']}: {fault}"
                for target in targets for fault in self.faults(target)]

    def faults(self, target: dict) -> list[str]:
        if target["health"] != "up":
            return [target["lastError"] or "not scraped yet"]
        metrics = self.read(target["scrapeUrl"])
        checked = subprocess.run(["promtool", "check", "metrics"], input=metrics, check=False,
                                 capture_output=True, timeout=30)
        return [] if checked.returncode == 0 else checked.stderr.decode().splitlines()


def look(prometheus: Prometheus, wanted: list[Query]) -> list[str]:
    """What is wrong now, a line each."""
    wrong = []
    for query in wanted:
        try:
            if not prometheus.finds(query.expr):
                wrong.append(f"{query.where}: finds nothing: {query.expr}")
        except ValueError as error:
            wrong.append(f"{query.where}: {error}: {query.expr}")
    return wrong + prometheus.sick_rules() + prometheus.sick_targets()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prometheus", required=True, metavar="URL",
                        help="such as http://127.0.0.1:9090")
    parser.add_argument("--dashboard", type=Path, action="append", metavar="FILE",
                        help="default: all in monitoring/dashboards")
    parser.add_argument("--wait", type=float, default=60, metavar="SECONDS",
                        help="how long it may take until scrapes have caught up (default: 60)")
    options = parser.parse_args()
    files = options.dashboard or sorted(DASHBOARDS.glob("*.json"))
    wanted = [query for file in files for query in queries(json.loads(file.read_text()))]
    if not wanted:
        print("there is no query to ask", file=sys.stderr)
        return 2
    prometheus = Prometheus(options.prometheus)
    deadline = time.monotonic() + options.wait
    while True:
        try:
            wrong = look(prometheus, wanted)
        except OSError as error:
            wrong = [f"{options.prometheus} cannot be reached: {error}"]
        if not wrong or time.monotonic() >= deadline:
            break
        time.sleep(0.5)
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(wanted)} queries asked, {len(wrong)} findings")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
