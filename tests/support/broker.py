"""A private Kafka broker, run by deploy/kafka/broker.sh in a folder of its own."""

import os
from pathlib import Path

from support.child import Child, clean_environment
from support.places import HOME, ROOT
from support.ports import free_ports
from support.waiting import until

_STARTED = "Kafka Server started"


class Broker:
    """Durable over kill() and restart(): port and data stay the same."""

    def __init__(self, folder: Path, heap: str = "400m", settings: dict[str, str] | None = None,
                 ports: tuple[int, int] | None = None,
                 environment: dict[str, str] | None = None, proxy_port: int = 0):
        self.folder = folder
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
        self._child = Child(command, folder / "kafka.log", clean_environment(environment))

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._proxy_port or self.port}"

    @property
    def running(self) -> bool:
        return self._child.running

    def start(self, wait_s: float = 300) -> "Broker":
        self.spawn()
        self.wait_ready(wait_s)
        return self

    def spawn(self) -> None:
        """Starts it without waiting for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child.spawn()

    def wait_ready(self, wait_s: float = 300) -> None:
        def started() -> bool:
            assert self._child.running, f"the broker ended:\n{self.said()[-4000:]}"
            return _STARTED in self.said()

        until(started, f"a Kafka broker in {self.folder}", wait_s, pause=0.1)

    def kill(self) -> None:
        """SIGKILL, as a crash of the machine's power."""
        self._child.kill()

    def freeze(self) -> None:
        self._child.freeze()

    def thaw(self) -> None:
        self._child.thaw()

    def restart(self, wait_s: float = 300) -> None:
        """A crash and a start on the same data."""
        self.kill()
        self.start(wait_s)

    def stop(self, wait_s: float = 40) -> None:
        """A clean end."""
        self._child.end(wait_s)

    def said(self) -> str:
        return self._child.said()
