"""A river gauge on loopback, whose file is what a test puts into it."""

import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HEADER = "ID,Date,Water Level (m)"


def ago(minutes: float) -> str:
    at = datetime.now(timezone.utc) - timedelta(minutes=minutes)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


class Gauge:
    """Serves whatever `body` holds at the moment."""

    def __init__(self) -> None:
        self.body = self.table()
        gauge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                data = gauge.body
                self.send_response(200)
                self.send_header("Content-Type", "text/csv")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/gauge.csv"

    @staticmethod
    def table(*rows: str, end: str = "\n") -> bytes:
        return ("\n".join((HEADER, *rows)) + end).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
