"""A wall clock that is wrong, or jumps while a program runs (clock.c)."""

import subprocess
import time
from functools import cache
from pathlib import Path

from support.places import HOME

SOURCE = Path(__file__).with_name("clock.c")
DAY_S = 24 * 3600


@cache
def _library() -> Path:
    library = HOME / "bin" / "clock.so"
    library.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library),
                    str(SOURCE), "-ldl"], check=True, timeout=60)
    return library


class Clock:
    """Of all programs that are started with its environment()."""

    def __init__(self, file: Path, ahead_s: int = 0) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(8))
        self.set(ahead_s)

    def set(self, ahead_s: int) -> None:
        """The programs see it at once."""
        self.ahead_s = ahead_s
        with self._file.open("r+b", buffering=0) as file:  # not replaced: they have it mapped
            file.write(ahead_s.to_bytes(8, "little", signed=True))

    def now(self) -> float:
        """Seconds since 1970, as the programs have it."""
        return time.time() + self.ahead_s

    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(_library()), "TEST_CLOCK": str(self._file)}
