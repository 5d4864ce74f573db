"""An HTTP server on loopback that the doubles of channels are made of, and the ways in which its
answers can go wrong."""

import json
import socket
import ssl
import struct
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

# A client that waits longer than this has no deadline.
PATIENCE_S = 40


class Handler(BaseHTTPRequestHandler):
    """One connection; several requests may come by it."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S

    def log_message(self, *_: object) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
              ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status >= 200 and status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_json(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        self.reply(status, json.dumps(value).encode(),
                   {"content-type": "application/json; charset=utf-8", **(headers or {})})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_: object) -> None:
        """Clients go away as they like."""


class LoopbackServer:
    """Serves with `handler`, whose class attribute `double` is the object that owns it."""

    def __init__(self, handler: type[Handler]) -> None:
        made = type(handler.__name__, (handler,), {"double": self})
        self._server = _Server(("127.0.0.1", 0), made)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """From the next connection on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                  do_handshake_on_connect=False)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


# What becomes of one request instead of its proper answer.
Fault = Callable[[Handler], None]


def answers(status: int, headers: Mapping[str, str] | None = None, body: bytes = b'{"error":"no"}'
            ) -> Fault:
    return lambda to: to.reply(status, body, headers)


def limits(header: str, form: Callable[[float], str], seconds: float) -> Fault:
    """429, with the time at which to come back in one of the forms that servers use."""
    return lambda to: to.reply(429, b'{"error":"Too many requests"}', {header: form(seconds)})


def in_seconds(seconds: float) -> str:
    return str(round(seconds))


def as_http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds + 1, usegmt=True)


def as_unix_time(seconds: float) -> str:
    return str(round(time.time() + seconds + 1))


def as_iso_time(seconds: float) -> str:
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _end(to: Handler) -> None:
    to.wfile.flush()
    to.close_connection = True


def never_answers(to: Handler) -> None:
    """Until the client has had enough."""
    to.connection.settimeout(PATIENCE_S)
    try:
        to.connection.recv(1)
    except OSError:
        pass
    to.close_connection = True


def cut_in_body(to: Handler) -> None:
    to.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"id":"1","url":"http')
    _end(to)


def cut_in_headers(to: Handler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    _end(to)


def cut_before(to: Handler) -> None:
    _end(to)


def resets(to: Handler) -> None:
    to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    to.connection.close()
    to.close_connection = True


def is_no_http(to: Handler) -> None:
    to.wfile.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64))
    _end(to)


def has_an_endless_body(to: Handler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    _until_gone(to, b"4000\r\n" + b" " * 0x4000 + b"\r\n")


def has_an_endless_header(to: Handler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nx-much: ")
    _until_gone(to, b"y" * 0x4000)


def drips(to: Handler) -> None:
    """Each byte comes in time, and the answer never ends."""
    to.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    _until_gone(to, b" ", 0.2)


def _until_gone(to: Handler, piece: bytes, pause_s: float = 0.005) -> None:
    deadline = time.monotonic() + PATIENCE_S
    to.close_connection = True
    try:
        while time.monotonic() < deadline:
            to.wfile.write(piece)
            time.sleep(pause_s)
    except OSError:
        pass
