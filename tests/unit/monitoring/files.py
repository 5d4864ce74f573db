"""Reads the files of monitoring/ as far as the tests need it. promtool is the judge of their YAML;
what is read here is of the one form in which they are written."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from support.places import ROOT

MONITORING = ROOT / "monitoring"
RULES = sorted((MONITORING / "rules").glob("*.yml"))
RULE_TESTS = sorted((MONITORING / "tests").glob("*.yml"))
SOURCES = sorted((ROOT / "services").rglob("*.[ch]pp"))
DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))

# Where a metric is made: metrics.counter("tocsin_...", and where /proc is read: add(families, ...
MADE = re.compile(r"\b(counter|gauge|histogram)\(\s*\"(\w+)\"")
# The same with a name that cannot be read here.
UNNAMED = re.compile(r"(?:\.|->)(?:counter|gauge|histogram)\((?!\s*\")")
PROCESS = re.compile(r"add\(families, \"(process_\w+)\"")
SERIES = re.compile(r"(?<![\w:$\"])([a-z]+(?:[_:][a-z0-9_:]+)+|up)\b(?!\s*\()")
# Words of PromQL and label names that look like series.
BY_LABELS = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right) *\([^)]*\)")
BRACES = re.compile(r"\{[^}]*\}")
STRINGS = re.compile(r"\"[^\"]*\"")


@dataclass
class Alert:
    name: str
    keys: dict[str, str] = field(default_factory=dict)


def alerts() -> list[Alert]:
    found: list[Alert] = []
    for path in RULES:
        for block in re.split(r"(?m)^      - (?=alert:|record:)", path.read_text())[1:]:
            if block.startswith("alert:"):
                found.append(alert_of(block))
    return found


def alert_of(block: str) -> Alert:
    lines = re.findall(r"(?m)^(?:alert| +[a-z_]+): .*$", block)
    keys = dict(line.strip().split(": ", 1) for line in lines)
    return Alert(keys.pop("alert"), keys)


def rule_expressions() -> list[str]:
    """`expr: one line`, or `expr: |` and the lines below it."""
    pattern = re.compile(r"(?m)^        expr: (?:\|\n((?:          .*\n)+)|(.*))")
    return [block or line for path in RULES for block, line in pattern.findall(path.read_text())]


def recorded() -> set[str]:
    return {name for path in RULES for name in re.findall(r"- record: (\S+)", path.read_text())}


def panels(dashboard: dict) -> list[dict]:
    return [inner for panel in dashboard["panels"] for inner in (panel, *panel.get("panels", []))]


def dashboards() -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in DASHBOARDS}


def dashboard_expressions(dashboard: dict) -> list[str]:
    asked = [target["expr"] for panel in panels(dashboard) for target in panel.get("targets", [])]
    asked += [one["target"]["expr"] for one in dashboard["annotations"]["list"]]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            asked += re.findall(r"label_values\((\w+),", variable["query"]["query"])
    return asked


def series_in(expression: str) -> set[str]:
    bare = BY_LABELS.sub(" ", BRACES.sub(" ", STRINGS.sub(" ", expression)))
    return set(SERIES.findall(bare))


def made() -> dict[str, set[str]]:
    """Every metric that the sources make, with its series: those of histograms have three names."""
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        text = path.read_text()
        found.update({name: {name} for name in PROCESS.findall(text)})
        for kind, name in MADE.findall(text):
            found[name] = ({f"{name}_{part}" for part in ("bucket", "sum", "count")}
                           if kind == "histogram" else {name})
    return found


def unnamed() -> list[str]:
    """Where a metric is made whose name is no literal, by file and line."""
    texts = {path: path.read_text() for path in SOURCES}
    return [f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}"
            for path, text in texts.items() for hit in UNNAMED.finditer(text)]


def exported() -> set[str]:
    """Every series that there can be, Prometheus's own `up` included."""
    return {"up"}.union(*made().values())


def tested(path: Path) -> set[tuple[str, bool]]:
    """Alerts and whether they fire, of each `alert_rule_test` in a file."""
    pattern = re.compile(r"alertname: (\w+)\n +exp_alerts:( \[\])?")
    return {(name, not quiet) for name, quiet in pattern.findall(path.read_text())}
