#!/usr/bin/env python3
"""The outside world of the demo, on loopback: a gauge service that replays a recorded file, and two
agencies' webhook receivers that check signatures (Standard Webhooks) and show what came.

  GET  /gauge/RUN                 the file so far, in its own format (ETag, 304)
  HEAD, POST /webhooks/AGENCY     a receiver; GET /webhooks/AGENCY/ID shows one message
  POST /control/load              {run, path, format}           an empty file under /gauge/RUN
  POST /control/play              {run, seconds_per_second}      its clock starts
  GET  /control/RUN               {now}: where the replay stands, in the file's own time
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import re
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import standardwebhooks
from gauge_file import GaugeFile, Unusable, open_gauge, span

BODY_MAX = 1 << 20
RUNS_MAX = 20
KEPT_MAX = 1000


class Replay:
    """A gauge file whose readings appear as time goes by, faster than they once did."""

    def __init__(self, gauge: GaugeFile) -> None:
        self.gauge = gauge
        self.first, self.last = span(gauge)
        self._started: float | None = None
        self._speed = 0.0

    def play(self, speed: float) -> None:
        self._speed, self._started = speed, time.monotonic()

    def now(self) -> float:
        if self._started is None:
            return self.first - 1
        return min(self.first + (time.monotonic() - self._started) * self._speed, self.last)


class World:
    def __init__(self, secrets: Path) -> None:
        self._secrets = secrets
        self._lock = threading.Lock()
        self._replays: dict[str, Replay] = {}
        self._received: dict[tuple[str, str], dict] = {}

    def load(self, run: str, path: str, format_name: str) -> None:
        replay = Replay(open_gauge(path, format_name))
        with self._lock:
            self._replays[run] = replay
            while len(self._replays) > RUNS_MAX:
                self._replays.pop(next(iter(self._replays)))

    def replay(self, run: str) -> Replay | None:
        with self._lock:
            return self._replays.get(run)

    def receive(self, agency: str, body: bytes, headers: dict[str, str]) -> str:
        """Keeps one webhook; returns what is wrong, or nothing."""
        try:
            secret = (self._secrets / f"webhook-{agency}").read_text()
        except OSError:
            return "no such receiver"
        try:
            standardwebhooks.Webhook(secret).verify(body, headers)
        except (standardwebhooks.WebhookVerificationError, ValueError, KeyError):
            return "bad signature"
        with self._lock:
            key = (agency, headers["webhook-id"])
            kept = self._received.setdefault(key, {"times": 0, "body": json.loads(body)})
            kept["times"] += 1
            while len(self._received) > KEPT_MAX:
                self._received.pop(next(iter(self._received)))
        return ""

    def received(self, agency: str, message: str | None) -> object | None:
        with self._lock:
            if message is not None:
                return self._received.get((agency, message))
            return [name for owner, name in self._received if owner == agency]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    world: World

    def log_message(self, *args: object) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", media_type: str = "application/json",
               **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def tell(self, status: int, value: object) -> None:
        self.answer(status, json.dumps(value).encode())

    def do_HEAD(self) -> None:  # noqa: N802
        self.answer(204 if self.path.startswith("/webhooks/") else 404)

    def do_GET(self) -> None:  # noqa: N802
        if found := re.fullmatch(r"/gauge/([\w-]+)", self.path):
            return self.gauge(found[1])
        if found := re.fullmatch(r"/control/([\w-]+)", self.path):
            replay = self.world.replay(found[1])
            return self.tell(200, {"now": replay.now()}) if replay else self.tell(404, {})
        if found := re.fullmatch(r"/webhooks/([\w-]+)(?:/([\w-]+))?", self.path):
            return self.show(found[1], found[2])
        return self.tell(404, {"error": "no such address"})

    def gauge(self, run: str) -> None:
        replay = self.world.replay(run)
        if replay is None:
            return self.tell(404, {"error": f"no replay {run}"})
        body = replay.gauge.body(replay.now())
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        if self.headers.get("if-none-match") == etag:
            return self.answer(304, etag=etag)
        return self.answer(200, body, replay.gauge.media_type, etag=etag)

    def show(self, agency: str, message: str | None) -> None:
        found = self.world.received(agency, message)
        if not found:
            return self.tell(404, {"error": "no such webhook was received"})
        if "text/html" not in self.headers.get("accept", ""):
            return self.tell(200, found)
        text = html.escape(json.dumps(found, indent=2, ensure_ascii=False))
        page = f"<!doctype html><meta charset=utf-8><title>{agency}</title><pre>{text}</pre>"
        return self.answer(200, page.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:  # noqa: N802
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > BODY_MAX:
            self.close_connection = True
            return self.tell(413, {"error": f"the body may have at most {BODY_MAX} bytes"})
        body = self.rfile.read(int(length))
        if found := re.fullmatch(r"/webhooks/([\w-]+)", self.path):
            headers = {name.lower(): value for name, value in self.headers.items()}
            problem = self.world.receive(found[1], body, headers)
            return self.tell(401 if problem else 200, {"error": problem} if problem else {})
        try:
            return self.control(json.loads(body))
        except (ValueError, KeyError, TypeError) as error:
            return self.tell(400, {"error": f"bad request: {error!r}"})
        except Unusable as error:
            return self.tell(400, {"error": str(error)})

    def control(self, asked: dict) -> None:
        if self.path == "/control/load":
            self.world.load(asked["run"], asked["path"], asked["format"])
        elif self.path == "/control/play":
            replay = self.world.replay(asked["run"])
            if replay is None:
                return self.tell(404, {"error": "no such replay: load it first"})
            replay.play(float(asked["seconds_per_second"]))
        else:
            return self.tell(404, {"error": "no such address"})
        return self.tell(200, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secrets", type=Path, required=True)
    options = parser.parse_args()
    Handler.world = World(options.secrets)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(end, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main()
