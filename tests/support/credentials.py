"""A world's sealed file of credentials, changed as operators do it."""

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

from support.child import clean_environment
from support.places import binary

WEBHOOK_SECRET = "whsec_q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA="


def webhook(realm: str, origin: str, agency: str = "city", secret: str = WEBHOOK_SECRET
            ) -> dict[str, Any]:
    return {"kind": "webhook", "realm": realm, "agency": agency, "origins": [origin],
            "secrets": [secret]}


class Credentials:
    def __init__(self, folder: Path, world: str = "live") -> None:
        self.world = world
        self.file = folder / "credentials"
        self.key_file = folder / "credentials.key"
        if not self.key_file.exists():
            self.key_file.touch(mode=0o600)
            self.key_file.write_text(secrets.token_hex(32) + "\n")

    @property
    def flags(self) -> dict[str, str | int | bool]:
        """Settings of publishing, with underscores for dashes."""
        return {"publishing_credentials_file": str(self.file),
                "publishing_credentials_key_file": str(self.key_file)}

    def run(self, verb: str, *arguments: str, entry: Any = None, check: bool = True
            ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(binary("tocsin")), "credential", verb, *arguments, "--file", str(self.file),
             "--key-file", str(self.key_file), "--world", self.world],
            input="" if entry is None else json.dumps(entry), text=True, capture_output=True,
            timeout=60, env=clean_environment({}))
        assert not check or done.returncode == 0, done
        return done

    def put(self, name: str, entry: dict[str, Any]) -> None:
        self.run("put", name, entry=entry)

    def remove(self, name: str) -> None:
        self.run("remove", name)
