"""A private Kafka broker, run by deploy/kafka/broker.sh in a folder of its own."""

import os
from pathlib import Path

from support.child import Child
from support.places import HOME, ROOT
from support.ports import free_ports

_STARTED = "Kafka Server started"


class Broker(Child):
    """Durable over kill() and restart(): port and data stay the same."""

    def __init__(self, folder: Path, heap: str = "400m", settings: dict[str, str] | None = None,
                 ports: tuple[int, int] | None = None,
                 environment: dict[str, str] | None = None, proxy_port: int = 0):
        self.port, controller = ports or free_ports(2)
        self._proxy_port = proxy_port  # where clients are sent instead
        if proxy_port:
            settings = {**(settings or {}),
                        "advertised.listeners": f"CLIENT://127.0.0.1:{proxy_port}"}
        lib = os.environ.get("TOCSIN_KAFKA_LIB") or str(HOME / "kafka" / "lib")
        command = [
            str(ROOT / "deploy" / "kafka" / "broker.sh"), "run", "--lib", lib, "--heap", heap,
            "--dir", str(folder), "--port", str(self.port), "--controller-port", str(controller),
        ]
        for key, value in (settings or {}).items():
            command += ["--set", f"{key}={value}"]
        super().__init__("kafka", folder, command, environment)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._proxy_port or self.port}"

    def wait_ready(self, wait_s: float = 300) -> None:
        self.wait_until(lambda: _STARTED in self.said(), "a Kafka broker starts", wait_s, pause=0.1)

    def restart(self) -> None:
        """A crash and a start on the same data."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """A clean end."""
        self.terminate(wait_s=40)

    def segment(self, topic: str, partition: int) -> Path:
        """The one file that holds the records of a partition."""
        [file] = (self.folder / "data" / f"{topic}-{partition}").glob("*.log")
        return file


def batches(segment: bytes) -> list[tuple[int, int]]:
    """Where each batch of records begins and ends. See Kafka's record batch format."""
    found, at = [], 0
    while at + 12 <= len(segment) and (
            length := int.from_bytes(segment[at + 8:at + 12], "big", signed=True)) > 0:
        found.append((at, at + 12 + length))
        at += 12 + length
    return found
