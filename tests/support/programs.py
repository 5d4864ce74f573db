"""The built programs as child processes, and the secrets that they share."""

import http.client
import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import grpc
import requests

from support.child import Child, clean_environment
from support.places import ROOT, binary

# A service is a folder with a decider, as in cmake/services.cmake.
SERVICES = tuple(sorted(one.parent.name for one in (ROOT / "services").glob("*/decider.hpp")))
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
            write_mac_keys(self.mac_key_file, secrets.token_bytes(32))
        if not self.issuer_key.exists():
            made = run("tocsin", "token", "init", "--dir", str(folder), timeout_s=30)
            assert made.returncode == 0, made

    @property
    def mac_key(self) -> bytes:
        """The newest."""
        return self.mac_keys[0]

    @property
    def mac_keys(self) -> list[bytes]:
        """The newest first."""
        return [bytes.fromhex(line) for line in self.mac_key_file.read_text().split()]


def write_mac_keys(file: Path, *keys: bytes) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{key.hex()}\n" for key in keys))


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


class Program(Child):
    """One binary of $TOCSIN_BIN with its flags, log and ports file in `folder`.

    It keeps its ports over kill() and start() when the flags name them; port 0 picks new ones.
    """

    def __init__(self, name: str, folder: Path, flags: Mapping[str, str | int | bool],
                 environment: Mapping[str, str] | None = None,
                 prefix: Sequence[str] = ()) -> None:
        """`prefix`: a command that runs it in its own place, such as nohup."""
        self.ports_file = folder / f"{name}.ports.json"
        self.flags = dict(flags)
        command = [*prefix, str(binary(name)), "--ports-file", str(self.ports_file)]
        for flag, value in self.flags.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            command.append(f"--{flag}={text}")
        super().__init__(name, folder, command, environment)

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

    def spawn(self) -> None:
        self.ports_file.unlink(missing_ok=True)
        super().spawn()

    def wait_listening(self, wait_s: float = 120) -> None:
        """Until its ports are known; it may not serve yet."""
        self.wait_until(self.ports_file.exists, f"{self.name} listens", wait_s)

    def wait_ready(self, wait_s: float = 120) -> None:
        self.wait_listening(wait_s)
        for service in self.services:
            self.wait_until(lambda s=service: self.health(s) == "SERVING",
                            f"{service} of {self.name} serves", wait_s)
        if "gateway" in self.ports:
            self.wait_until(lambda: self._healthz() == 200,
                            f"the gateway of {self.name} is healthy", wait_s)

    def cannot_run(self) -> str:
        """Starts it; the reason that it gives for ending by itself."""
        self.spawn()
        assert self.wait_end() == 1, self.said()
        last = json.loads(self.said().splitlines()[-1])
        assert last["msg"] == "cannot run", last
        return str(last["why"])

    def health(self, service: str = "") -> str:
        return health(self.address, service)

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
        **edge_flags(keys, **more),
    }


def edge_flags(keys: Secrets, **more: str | int) -> dict[str, str | int | bool]:
    """Flags of a program without a ledger, such as tocsin-gateway. Underscores as above."""
    return {"jwks": str(keys.jwks), "jwt-issuer": ISSUER, "jwt-audience": AUDIENCE,
            "log-level": os.environ.get("TOCSIN_LOG_LEVEL", "info"),
            **{name.replace("_", "-"): value for name, value in more.items()}}


def run(name: str, *arguments: str, environment: Mapping[str, str] | None = None,
        timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """One binary of $TOCSIN_BIN, until it ends; `environment` is added to the clean one."""
    return subprocess.run([str(binary(name)), *arguments], text=True, capture_output=True,
                          timeout=timeout_s, env=clean_environment(environment))


def run_cli(keys: Secrets, *arguments: str, environment: Mapping[str, str] | None = None,
            check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs `tocsin ARGUMENTS...`, with the secrets in its environment."""
    done = run("tocsin", *arguments, environment={
        "TOCSIN_MAC_KEY_FILE": str(keys.mac_key_file),
        "TOCSIN_ISSUER_KEY": str(keys.issuer_key),
        "TOCSIN_JWT_ISSUER": ISSUER,
        "TOCSIN_JWT_AUDIENCE": AUDIENCE,
        **(environment or {}),
    })
    assert not check or done.returncode == 0, f"tocsin {arguments}: {done}"
    return done
