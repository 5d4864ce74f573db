"""One child process with its output in a file: started, crashed, frozen, ended, by its own pid.

Start children from the main thread: they die with the thread that started them, so that a test
that was killed leaves nothing behind.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of a stack that may run beside the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TOCSIN_") and name != "KAFKA_BOOTSTRAP_SERVERS"
    }
    return {**kept, **(extra or {})}


class Child:
    """`log` is appended to, so that what earlier runs said stays."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.command = list(command)
        self.log = log
        self.environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self.log_start = 0

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.command[0]} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def spawn(self) -> None:
        assert not self.running, f"{self.command[0]} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._frozen = False
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment, start_new_session=True,
            )

    def said(self) -> str:
        """What this run wrote so far."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL: a crash."""
        if self._process is None:
            return
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
        self._process.wait(timeout=30)

    def freeze(self) -> None:
        """SIGSTOP: a machine that stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """SIGCONT after freeze()."""
        os.kill(self.pid, signal.SIGCONT)
        self._frozen = False

    def end(self, seconds: float) -> int:
        """SIGTERM; the exit status. Killed, with an AssertionError, when that takes too long."""
        if self._process is None:
            return 0
        if self._frozen and self.running:
            self.thaw()
        if self.running:
            os.kill(self.pid, signal.SIGTERM)
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not end within {seconds:g} s") from None
