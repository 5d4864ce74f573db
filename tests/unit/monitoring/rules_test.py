"""The rules of Prometheus: sound by promtool, each alert complete, explained and tested."""

import re
import shutil
import subprocess

import pytest
from unit.monitoring import files

RUNBOOKS = files.MONITORING / "runbooks"


def promtool(*arguments: object) -> None:
    assert shutil.which("promtool"), "promtool is missing: ./dev test installs it (prometheus)"
    ran = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                         check=False, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_finds_no_fault_with_the_rules() -> None:
    assert files.RULES
    promtool("check", "rules", "--lint=all", "--lint-fatal", *files.RULES)


def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert files.RULE_TESTS
    promtool("test", "rules", *files.RULE_TESTS)


def test_promtool_finds_no_fault_with_the_configuration() -> None:
    promtool("check", "config", files.MONITORING / "prometheus.yml")


def test_the_configuration_reads_the_files_that_the_stack_rewrites() -> None:
    # deploy/local/configuration.sh makes these two absolute.
    text = (files.MONITORING / "prometheus.yml").read_text()
    assert "[../.tocsin/exercise/prometheus/targets.json]" in text
    assert "- rules/*.yml" in text


@pytest.mark.parametrize("alert", files.alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_what_it_means_and_where_to_read_on(alert: files.Alert) -> None:
    assert re.fullmatch(r"Tocsin[A-Z]\w+", alert.name)
    assert {"expr", "for", "severity", "summary", "description", "runbook_url"} <= set(alert.keys)
    assert alert.keys["severity"] in {"critical", "warning", "info"}
    assert alert.keys["runbook_url"] == f"monitoring/runbooks/{alert.name}.md"
    runbook = (RUNBOOKS / f"{alert.name}.md").read_text()
    assert runbook.startswith(f"# {alert.name}\n")
    assert "\n## Do\n\n1. " in runbook


def test_every_runbook_is_that_of_an_alert() -> None:
    names = {alert.name for alert in files.alerts()}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == names
    for path in RUNBOOKS.glob("*.md"):
        named = set(re.findall(r"\bTocsin[A-Z]\w+", path.read_text()))
        assert named <= names, f"{path.name} names {named - names}"


def test_every_alert_is_tested_to_fire_and_to_be_quiet() -> None:
    tested = {one for path in files.RULE_TESTS for one in files.tested(path)}
    for alert in files.alerts():
        assert (alert.name, True) in tested, f"{alert.name} is never seen to fire"
        if alert.name != "TocsinWatchdog":
            assert (alert.name, False) in tested, f"{alert.name} is never seen to be quiet"


def test_every_series_in_the_rules_is_made_somewhere() -> None:
    expressions = files.rule_expressions()
    assert len(expressions) >= len(files.alerts())
    used = set().union(*map(files.series_in, expressions))
    assert "tocsin_deliveries" in used and "up" in used
    unknown = used - files.exported() - files.recorded()
    assert not unknown, f"no source makes {sorted(unknown)}"
