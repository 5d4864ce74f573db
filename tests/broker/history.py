"""What clients called and were answered, one line per attempt, and the check that one register per
object explains it (tests/linearizability).

A read counts from the call of the change whose position it carries: that change was decided after
its call, so the log as the read saw it had its turn between there and the read's answer.
"""

import json
import subprocess
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from support.calls import Answer
from support.places import HOME, ROOT

SOURCES = ROOT / "tests" / "linearizability"


@dataclass(frozen=True)
class Put:
    """A change of one object, named by its request; `etag` is the version that it replaces."""

    object: str
    request_id: str
    etag: str
    value: str


def put_of(realm: str, method: str, request: dict[str, Any]) -> Put:
    if method == "PutTemplate":
        return Put(f"{realm}/template/{request['templateId']}", request["requestId"],
                   request["etag"], request["draft"]["title"])
    assert method == "CreateIncident", method
    # The id derives from the request; the object is there under it, or not yet.
    return Put(f"{realm}/incident/{request['requestId']}", request["requestId"], "",
               request["title"])


class History:
    """Any number of loads write it, each from its own thread."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines = file.open("a", buffering=1)

    def put(self, client: int, actor: str, put: Put, call: int, answer: Answer) -> None:
        self._write(answer, client=client, actor=actor, object=put.object, op="put",
                    request_id=put.request_id, etag=put.etag, value=put.value, call=call,
                    got_etag=answer.body.get("etag", ""))

    def get(self, client: int, actor: str, name: str, call: int, answer: Answer,
            etag: str, value: str) -> None:
        self._write(answer, client=client, actor=actor, object=name, op="get", call=call,
                    got_etag=etag, got_value=value)

    def _write(self, answer: Answer, **line: Any) -> None:
        line["return"] = time.monotonic_ns()
        line["outcome"] = "ok" if answer.ok else "unknown" if answer.again else "refused"
        line["reason"] = "" if answer.again else answer.reason
        self._lines.write(json.dumps(line) + "\n")


@cache
def checker() -> Path:
    binary = HOME / "bin" / "linearizability"
    binary.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=SOURCES, check=True, timeout=300)
    return binary


def check_history(history: History) -> None:
    page = history.file.with_suffix(".html")
    done = subprocess.run([checker(), "-html", str(page), str(history.file)], text=True,
                          capture_output=True, timeout=600)
    assert done.returncode == 0, f"{history.file}, {page}:\n{done.stdout}{done.stderr}"
    print(f"\nhistory: {done.stdout.strip()}")
