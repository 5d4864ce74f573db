"""Calls to the gateway as the people of the demo make them: Connect protocol, JSON, a token
each."""

from __future__ import annotations

import subprocess
import time
import uuid
from datetime import datetime, timedelta, timezone

import requests

RETRIED = ("unavailable", "aborted")


class Refused(Exception):
    """A call that was answered with an error; the text is the service's own."""


class Api:
    def __init__(self, gateway: str, tocsin: str) -> None:
        self._gateway = gateway
        self._tocsin = tocsin
        self._session = requests.Session()
        self._session.trust_env = False
        self._tokens: dict[str, tuple[str, float]] = {}

    def _token(self, person: str) -> str:
        token, since = self._tokens.get(person, ("", 0.0))
        if not token or time.monotonic() - since > 120:
            made = subprocess.run(
                [self._tocsin, "token", "--as", person, "--ttl", "5m"],
                check=True, capture_output=True, text=True, timeout=20,
            )
            token = made.stdout.strip()
            self._tokens[person] = (token, time.monotonic())
        return token

    def read(self, person: str, service: str, method: str, **request: object) -> dict:
        return self._call(person, service, method, request, time.monotonic() + 20)

    def change(self, person: str, service: str, method: str, **request: object) -> dict:
        """One request, however often it takes: the id makes the repeats harmless."""
        request["requestId"] = str(uuid.uuid4())
        # Fixed here and kept by every repeat: decided later than this it is refused, not executed.
        expires = datetime.now(timezone.utc) + timedelta(minutes=10)
        request["expiresAt"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._call(person, service, method, request, time.monotonic() + 30)

    def _call(self, person: str, service: str, method: str, request: dict, deadline: float) -> dict:
        url = f"{self._gateway}/tocsin.{service}.v1.{service.capitalize()}Service/{method}"
        for attempt in range(1000):
            answer = self._session.post(
                url, json=request, timeout=10,
                headers={"authorization": f"Bearer {self._token(person)}"},
            )
            if answer.status_code == 200:
                return answer.json()
            try:
                error = answer.json()
            except ValueError:
                error = {"code": "unknown", "message": answer.text[:200]}
            if error.get("code") not in RETRIED or time.monotonic() > deadline:
                raise Refused(f"{service} {method} as {person}: {error.get('code')}: "
                              f"{error.get('message')}")
            time.sleep(min(0.05 * 2**min(attempt, 5), 1.0))
        raise Refused(f"{service} {method} as {person}: no answer")
