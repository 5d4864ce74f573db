"""A real Prometheus on loopback with the project's rules: which alerts are up."""

import re
from pathlib import Path

import requests

from support.child import Child
from support.places import ROOT
from support.ports import free_port


class Prometheus(Child):
    """Scrapes and evaluates each second. What an alert waits for before it is raised is left out:
    promtool tests that."""

    def __init__(self, folder: Path, target: str) -> None:
        rules = folder / "rules"
        rules.mkdir(parents=True)
        for file in (ROOT / "monitoring" / "rules").glob("*.yml"):
            (rules / file.name).write_text(
                re.sub(r"^( +for): .*$", r"\1: 0s", file.read_text(), flags=re.MULTILINE))
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            "rule_files: [rules/*.yml]\n"
            "scrape_configs:\n"
            f"  - {{job_name: tocsin, honor_labels: true, static_configs: [{{targets: "
            f"['{target}']}}]}}\n")
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        super().__init__("prometheus", folder, [
            "prometheus", f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"])

    def wait_ready(self) -> None:
        self.wait_until(self._ready, "Prometheus is ready", 30)

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def is_up(self, alert: str, **labels: str) -> bool:
        found = requests.get(f"{self.url}/api/v1/alerts", timeout=5).json()["data"]["alerts"]
        wanted = {"alertname": alert, **labels}
        return any(wanted.items() <= one["labels"].items() and one["state"] == "firing"
                   for one in found)
