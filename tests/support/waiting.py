"""Waiting for a condition, with a deadline. No test sleeps for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = 30, pause: float = 0.02) -> T:
    """The first true value of `condition`; a TimeoutError that names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what} (last: {value!r})")
        time.sleep(pause)
