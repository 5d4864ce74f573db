"""The built programs as child processes, and the secrets that they share."""

import http.client
import json
import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

import grpc
import requests

from support.child import Child, clean_environment
from support.places import binary
from support.waiting import until

SERVICES = ("drafting", "approval", "publishing", "measurement", "trigger")
ISSUER = "tocsin-dev"
AUDIENCE = "tocsin"


class Secrets:
    """The world's mac key, and an issuer's key pair made by `tocsin token init`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.mac_key_file = folder / "mac.key"
        self.issuer_key = folder / "issuer.key.pem"
        self.jwks = folder / "jwks.json"
        if not self.mac_key_file.exists():
            self.mac_key_file.touch(mode=0o600)
            self.mac_key_file.write_text(secrets.token_hex(32))
        if not self.issuer_key.exists():
            subprocess.run(
                [binary("tocsin"), "token", "init", "--dir", folder],
                check=True, capture_output=True, timeout=30, env=clean_environment(),
            )

    @property
    def mac_key(self) -> bytes:
        """The newest."""
        return self.mac_keys[0]

    @property
    def mac_keys(self) -> list[bytes]:
        """The newest first."""
        return [bytes.fromhex(line) for line in self.mac_key_file.read_text().split()]


def health(address: str, service: str = "", timeout_s: float = 2) -> str:
    """What grpc.health.v1 says of a service: SERVING, NOT_SERVING, or why it cannot be asked."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        # One string field and one enum: not worth a generated stub.
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        name = service.encode()
        try:
            answer = check(b"\x0a" + bytes([len(name)]) + name if name else b"",
                           timeout=timeout_s, wait_for_ready=False)
        except grpc.RpcError as error:
            return str(error.code().name)
    return {b"\x08\x01": "SERVING", b"\x08\x02": "NOT_SERVING"}.get(answer, "UNKNOWN")


class Program:
    """One binary of $TOCSIN_BIN with its flags, log and ports file in `folder`.

    It keeps its ports over kill() and start() when the flags name them; port 0 picks new ones.
    """

    def __init__(self, name: str, folder: Path, flags: Mapping[str, str | int | bool],
                 environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.folder = folder
        self.ports_file = folder / f"{name}.ports.json"
        self.flags = dict(flags)
        command = [str(binary(name)), "--ports-file", str(self.ports_file)]
        for flag, value in self.flags.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command.append(f"--{flag}={text}")
        self._child = Child(command, folder / f"{name}.log", clean_environment(environment))

    @property
    def ports(self) -> dict[str, int]:
        return json.loads(self.ports_file.read_text())

    @property
    def address(self) -> str:
        """Where its gRPC API is."""
        return f"127.0.0.1:{self.ports['grpc']}"

    @property
    def url(self) -> str:
        """Where its gateway is."""
        return f"http://127.0.0.1:{self.ports['gateway']}"

    @property
    def metrics_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics']}/metrics"

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the lines of that name that have all these labels."""
        found = 0.0
        for line in requests.get(self.metrics_url, timeout=5).text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == name and all(
                    f'{key}="{wanted}"' in head for key, wanted in labels.items()):
                found += float(value)
        return found

    def cpu_seconds(self) -> float:
        """Processor time that it used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def flag(self, name: str) -> str:
        return str(self.flags[name])

    @property
    def services(self) -> tuple[str, ...]:
        short = self.name.removeprefix("tocsin-").removeprefix("newer-")
        return SERVICES if short == "all" else tuple(s for s in SERVICES if s == short)

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def exit_code(self) -> int | None:
        return self._child.exit_code

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self, wait_s: float = 120) -> "Program":
        self.spawn()
        self.wait_ready(wait_s)
        return self

    def spawn(self) -> None:
        """Starts it without waiting for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports_file.unlink(missing_ok=True)
        self._child.spawn()

    def wait_listening(self, wait_s: float = 120) -> None:
        """Until its ports are known; it may not serve yet."""
        until(lambda: self._lives() and self.ports_file.exists(), f"{self.name} listens", wait_s)

    def wait_ready(self, wait_s: float = 120) -> None:
        self.wait_listening(wait_s)
        for service in self.services:
            until(lambda s=service: self._lives() and self.health(s) == "SERVING",
                  f"{service} of {self.name} serves; see {self._child.log}", wait_s)
        if "gateway" in self.ports:
            until(lambda: self._lives() and self._healthz() == 200,
                  f"the gateway of {self.name} is healthy", wait_s)

    def health(self, service: str = "") -> str:
        return health(self.address, service)

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._child.freeze()

    def thaw(self) -> None:
        """SIGCONT."""
        self._child.thaw()

    def terminate(self, wait_s: float = 20) -> int:
        """SIGTERM; the exit status, within the drain time."""
        return self._child.end(wait_s)

    def wait_end(self, wait_s: float = 60) -> int:
        """The exit status of a program that ends by itself."""
        until(lambda: not self._child.running, f"{self.name} ends", wait_s)
        code = self._child.exit_code
        assert code is not None
        return code

    def said(self) -> str:
        """What it logged since it was started last."""
        return self._child.said()

    def _lives(self) -> bool:
        assert self._child.running, (
            f"{self.name} ended with {self._child.exit_code}:\n{self.said()[-4000:]}"
        )
        return True

    def _healthz(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["gateway"], timeout=3)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


def service_flags(
    bootstrap: str, keys: Secrets, instance: str = "one", partitions: int = 8, **more: str | int
) -> dict[str, str | int | bool]:
    """Flags of a program with ledgers. In `more`, underscores stand for dashes."""
    return {
        "instance": instance,
        "kafka-bootstrap": bootstrap,
        "kafka-partitions": partitions,
        "mac-key-file": str(keys.mac_key_file),
        **edge_flags(keys),
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def edge_flags(keys: Secrets) -> dict[str, str | int | bool]:
    """Flags of a program without a ledger, such as tocsin-gateway."""
    return {"jwks": str(keys.jwks), "jwt-issuer": ISSUER, "jwt-audience": AUDIENCE,
            "log-level": os.environ.get("TOCSIN_LOG_LEVEL", "info")}


def run_cli(keys: Secrets, *arguments: str, environment: Mapping[str, str] | None = None,
            timeout_s: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs `tocsin ARGUMENTS...`, with the secrets in its environment."""
    done = subprocess.run(
        [str(binary("tocsin")), *arguments], text=True, capture_output=True, timeout=timeout_s,
        env=clean_environment({
            "TOCSIN_MAC_KEY_FILE": str(keys.mac_key_file),
            "TOCSIN_ISSUER_KEY": str(keys.issuer_key),
            "TOCSIN_JWT_ISSUER": ISSUER,
            "TOCSIN_JWT_AUDIENCE": AUDIENCE,
            **(environment or {}),
        }),
    )
    assert not check or done.returncode == 0, f"tocsin {arguments}: {done}"
    return done
