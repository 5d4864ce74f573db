"""Notifies many webhooks at once by apprise; when it began goes to a file."""

import sys
import time
from pathlib import Path

import apprise


def main() -> int:
    receivers, count, begun, title, body = sys.argv[1:]
    every = apprise.Apprise()
    for number in range(int(count)):
        if not every.add(f"{receivers}/{number}"):
            return 1
    start = time.time()
    sent = every.notify(title=title, body=body)
    Path(begun).write_text(f"{start:.6f}\n")
    return 0 if sent else 1


if __name__ == "__main__":
    sys.exit(main())
