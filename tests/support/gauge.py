"""A river gauge on loopback, whose file is what a test puts into it, and which answers as badly as
the test wants."""

import gzip
import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEADER = "ID,Date,Water Level (m)"


def ago(minutes: float) -> str:
    at = datetime.now(timezone.utc) - timedelta(minutes=minutes)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Manner:
    """How it answers. As it is: with 200 and the whole body."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    tagged: bool = False  # with an ETag, and with 304 to whoever has it already
    claims: int = 0  # so many bytes more, or fewer, in Content-Length than there are
    cut_at: int | None = None  # after so many bytes the connection ends
    gzipped: bool = False
    hangs: bool = False  # says nothing until the manner is another


@dataclass(frozen=True)
class Seen:
    """A request, and how it was answered."""

    path: str
    at: float  # by the monotonic clock
    status: int


class Gauge:
    """Serves whatever `body` holds at the moment, in the `manner` of the moment."""

    def __init__(self) -> None:
        self.body = self.table()
        self.seen: list[Seen] = []
        self._manner = Manner()
        self._changed = threading.Condition()
        gauge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                try:
                    gauge._answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # whoever asked has had enough

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/gauge.csv"

    @property
    def manner(self) -> Manner:
        return self._manner

    @manner.setter
    def manner(self, manner: Manner) -> None:
        with self._changed:
            self._manner = manner
            self._changed.notify_all()

    def answered(self, status: int) -> int:
        """How often."""
        return sum(one.status == status for one in list(self.seen))

    @staticmethod
    def table(*rows: str, end: str = "\n") -> bytes:
        return ("\n".join((HEADER, *rows)) + end).encode()

    @staticmethod
    def usgs(sensors: Mapping[str, Mapping[str, float]], unit: str = "ft") -> bytes:
        """A file of USGS for the series 01646500:00065: by method id, values by time."""
        return json.dumps({"value": {"timeSeries": [{
            "sourceInfo": {"siteCode": [{"value": "01646500"}]},
            "variable": {"variableCode": [{"value": "00065"}], "unit": {"unitCode": unit},
                         "noDataValue": -999999.0},
            "values": [{"method": [{"methodID": int(method)}],
                        "value": [{"value": str(value), "qualifiers": ["P"], "dateTime": at}
                                  for at, value in rows.items()]}
                       for method, rows in sensors.items()]}]}}).encode()

    def close(self) -> None:
        self.manner = Manner()
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        manner, data = self._manner, self.body
        if manner.hangs:
            self.seen.append(Seen(request.path, time.monotonic(), 0))
            with self._changed:
                self._changed.wait_for(lambda: self._manner is not manner, 60)
            return
        headers = {"Content-Type": "text/csv", **manner.headers}
        status = manner.status
        if manner.tagged:
            headers["ETag"] = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
            if request.headers["If-None-Match"] == headers["ETag"]:
                status, data = 304, b""
        if manner.gzipped:
            headers["Content-Encoding"] = "gzip"
            data = gzip.compress(data)
        headers["Content-Length"] = str(len(data) + manner.claims)
        self.seen.append(Seen(request.path, time.monotonic(), status))
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(data[:manner.cut_at])
