"""One child process with its output in a file: started, crashed, frozen, ended, by its own pid.

Start children from the main thread: they die with the thread that started them, so that a test
that was killed leaves nothing behind.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

from support.waiting import until

T = TypeVar("T")


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of a stack that may run beside the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TOCSIN_") and name != "KAFKA_BOOTSTRAP_SERVERS"
    }
    return {**kept, **(extra or {})}


class Child:
    """Its log, NAME.log in `folder`, is appended to, so that what earlier runs said stays.

    In a `with` statement it is killed at the end of the block.
    """

    def __init__(self, name: str, folder: Path, command: Sequence[str],
                 environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to the clean one."""
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._command = list(command)
        self._environment = clean_environment(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._frozen = False
        self._log_start = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def start(self) -> Self:
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self) -> None:
        """Starts it without waiting for it."""
        assert not self.running, f"{self.name} runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._frozen = False
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self._environment, start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Until it does what it was started for."""
        raise NotImplementedError(f"nobody can tell when {self.name} is ready")

    def wait_until(self, condition: Callable[[], T], what: str, seconds: float,
                   pause: float = 0.02) -> T:
        """As until(), with an AssertionError that shows its log as soon as it has ended."""
        def holds() -> T:
            assert self.running, f"{self.name} ended with {self.exit_code}:\n{self.said()[-4000:]}"
            return condition()

        return until(holds, f"{what}; see {self.log}", seconds, pause)

    def wait_end(self, wait_s: float = 60) -> int:
        """The exit status of one that ends by itself."""
        until(lambda: not self.running, f"{self.name} ends", wait_s)
        assert self.exit_code is not None, f"{self.name} was not started"
        return self.exit_code

    def said(self) -> str:
        """What it wrote since it was started last."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
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

    def terminate(self, wait_s: float = 20, how: signal.Signals = signal.SIGTERM) -> int:
        """The exit status. Killed, with an AssertionError, when that takes too long."""
        if self._process is None:
            return 0
        if self._frozen and self.running:
            self.thaw()
        if self.running:
            os.kill(self.pid, how)
        try:
            return self._process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {wait_s:g} s") from None
