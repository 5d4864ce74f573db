"""TLS everywhere: a Kafka with TLS and passwords, services with certificates of both sides, the
gateway by HTTPS, the client; and certificates that are replaced while all of it runs."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography import x509

from e2e.certificates import Authority
from support.broker import Broker
from support.programs import SERVICES, Program, Secrets, run, run_cli
from support.protos import path_of
from support.tokens import Issuer, Person
from support.waiting import until

ISSUER = "https://id.example.org"
ADMIN = Person("ada", "delta", "city", ("admin",))
PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("tls"))
    for name in ("kafka", "service", "web", "person"):
        made.issue(name)
    return made


@pytest.fixture(scope="module")
def guarded_broker(authority: Authority,
                   tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """TLS and a password; only the controller, which is in the same process, is without."""
    folder = tmp_path_factory.mktemp("kafka")
    certificate, key = authority.files("kafka")
    store = folder / "kafka.store.pem"
    store.write_text(Path(key).read_text() + Path(certificate).read_text())
    with Broker(folder, settings={
        "listener.security.protocol.map": "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "ssl.keystore.type": "PEM", "ssl.keystore.location": str(store),
        "ssl.truststore.type": "PEM", "ssl.truststore.location": str(authority.file),
        "sasl.enabled.mechanisms": "PLAIN", "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config":
            f'{PLAIN_LOGIN} required username="tocsin" password="very" user_tocsin="very";',
    }).start() as running:
        yield running


def kafka_properties(authority: Authority, folder: Path, password: str) -> str:
    file = folder / f"kafka-{password}.properties"
    file.write_text(f"security.protocol=SASL_SSL\nssl.ca.location={authority.file}\n"
                    f"sasl.mechanisms=PLAIN\nsasl.username=tocsin\nsasl.password={password}\n")
    file.chmod(0o600)
    return str(file)


def secured_flags(broker: Broker, authority: Authority, keys: Secrets, folder: Path
                  ) -> dict[str, str | int | bool]:
    certificate, key = authority.files("service")
    web, web_key = authority.files("web")
    return {
        "production": True, "instance": "one", "kafka-partitions": 1,
        "kafka-bootstrap": broker.bootstrap,
        "kafka-properties": kafka_properties(authority, folder, "very"),
        "mac-key-file": str(keys.mac_key_file), "jwks": str(keys.jwks), "jwt-issuer": ISSUER,
        "jwt-audience": "tocsin", "tls-cert": certificate, "tls-key": key,
        "tls-client-ca": str(authority.file), "tls-ca": str(authority.file),
        "gateway-tls-cert": web, "gateway-tls-key": web_key,
    }


@pytest.fixture(scope="module")
def stack(guarded_broker: Broker, authority: Authority, keys: Secrets,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("stack")
    with Program("tocsin-all", folder,
                 secured_flags(guarded_broker, authority, keys, folder)) as program:
        program.spawn()
        program.wait_listening()
        program.wait_until(lambda: get(program, authority, "/healthz").status_code == 200,
                           "the gateway reaches every service by TLS", 90, pause=0.2)
        yield program


def get(stack: Program, authority: Authority, path: str, scheme: str = "https"
        ) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{scheme}://127.0.0.1:{stack.ports['gateway']}{path}",
                           verify=str(authority.file), timeout=10)


def list_incidents(stack: Program, authority: Authority, token: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(
            f"https://127.0.0.1:{stack.ports['gateway']}{path_of('drafting', 'ListIncidents')}",
            json={}, timeout=10, verify=str(authority.file),
            headers={"Authorization": f"Bearer {token}"})


def test_the_gateway_serves_https_and_calls_the_services_by_tls(
        stack: Program, authority: Authority, issuer: Issuer) -> None:
    assert get(stack, authority, "/healthz").json()["services"] == dict.fromkeys(
        SERVICES, "serving")
    with pytest.raises(requests.ConnectionError):
        get(stack, authority, "/healthz", scheme="http")
    answer = list_incidents(stack, authority, issuer.token(ADMIN, iss=ISSUER))
    assert answer.status_code == 200, answer.text
    assert list_incidents(stack, authority, issuer.token(ADMIN)).status_code == 401


def cli(stack: Program, token: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("tocsin", "--drafting", stack.address, "--token-file", str(token), "--timeout", "3s",
               *arguments, timeout_s=30)


def test_the_client_shows_its_certificate(
        stack: Program, authority: Authority, issuer: Issuer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(issuer.token(ADMIN, iss=ISSUER))
    certificate, key = authority.files("person")
    trusting = ("--ca", str(authority.file))
    shown = (*trusting, "--cert", certificate, "--key", key)
    listed = cli(stack, token, *shown, "incident", "list", "--json")
    assert listed.returncode == 0, listed
    assert json.loads(listed.stdout) is not None and not listed.stderr
    # Without one, with that of a stranger, in plain text, or where a stranger answers: nobody.
    stranger = Authority(tmp_path / "stranger", "stranger")
    stranger.issue("person")
    other, other_key = stranger.files("person")
    for flags in (trusting, (*trusting, "--cert", other, "--key", other_key), (),
                  ("--ca", str(stranger.file), "--cert", certificate, "--key", key)):
        refused = cli(stack, token, *flags, "incident", "list")
        assert refused.returncode == 1, (flags, refused)
        # Words for a person, not a library's log.
        assert refused.stderr.startswith("tocsin: "), refused.stderr


def serial_at(port: int, authority: Authority, protocol: str | None) -> int:
    """The serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if protocol:
        context.set_alpn_protocols([protocol])
        context.load_cert_chain(*authority.files("person"))
    with (socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
          context.wrap_socket(plain, server_hostname="127.0.0.1") as secured):
        shown = secured.getpeercert(binary_form=True)
        assert shown is not None
        return x509.load_der_x509_certificate(shown).serial_number


def test_replaced_certificates_are_shown_to_new_connections(
        stack: Program, authority: Authority) -> None:
    for port, name, protocol in ((stack.ports["grpc"], "service", "h2"),
                                 (stack.ports["gateway"], "web", None)):
        before = serial_at(port, authority, protocol)
        after = authority.issue(name)
        assert before != after
        until(lambda p=port, a=after, h=protocol: serial_at(p, authority, h) == a,
              f"{name} shows its new certificate", 30, pause=0.2)
    # Half a replacement changes nothing, and is taken back without a restart.
    key = Path(authority.files("web")[1])
    good = key.read_text()
    key.write_text("half a key")
    until(lambda: serial_at(stack.ports["gateway"], authority, None)
          and "certificate cannot be used" in stack.said(), "the bad key is noticed", 30)
    assert serial_at(stack.ports["gateway"], authority, None) == after
    key.write_text(good)
    assert get(stack, authority, "/healthz").status_code == 200


def test_certificates_that_cannot_be_used_end_the_start(
        guarded_broker: Broker, authority: Authority, keys: Secrets, tmp_path: Path) -> None:
    flags = secured_flags(guarded_broker, authority, keys, tmp_path)
    empty = tmp_path / "empty.pem"
    empty.touch(mode=0o600)
    for flag in ("tls-cert", "tls-key", "tls-client-ca", "gateway-tls-key"):
        why = Program("tocsin-all", tmp_path, {**flags, flag: str(empty)}).cannot_run()
        assert str(empty) in why


def test_a_wrong_password_of_kafka_is_said(
        guarded_broker: Broker, authority: Authority, keys: Secrets, tmp_path: Path) -> None:
    flags = secured_flags(guarded_broker, authority, keys, tmp_path)
    flags["kafka-properties"] = kafka_properties(authority, tmp_path, "wrong")
    program = Program("tocsin-all", tmp_path, flags)
    program.spawn()
    try:
        until(lambda: "waiting for kafka" in program.said()
              and "Authentication failed" in program.said(), "it says what is wrong", 30)
        assert '"wrong"' not in program.said()
    finally:
        assert program.terminate() == 0


def test_the_ledger_is_read_from_a_guarded_kafka(
        stack: Program, guarded_broker: Broker, authority: Authority, keys: Secrets,
        tmp_path: Path) -> None:
    verified = run_cli(
        keys, "ledger", "verify", "drafting", "--json", "--partitions", "1",
        "--kafka-bootstrap", guarded_broker.bootstrap,
        "--kafka-properties", kafka_properties(authority, tmp_path, "very"))
    assert json.loads(verified.stdout)["verified"] is True
