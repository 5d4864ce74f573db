"""A certificate authority for tests, and what it signs."""

import datetime
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.programs import Secrets


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey
             ) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1)))


class Authority:
    """Its certificate lies in `folder`/ca.pem."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = (_builder(name, name, self._key)
                       .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
                       .sign(self._key, hashes.SHA256()))
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> int:
        """Makes, or replaces, NAME.pem and NAME.key in the folder; the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (_builder(name, self.name, key).add_extension(hosts, False)
                       .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
                       .sign(self._key, hashes.SHA256()))
        for suffix, data in ((".key", _pem(key)),
                             (".pem", certificate.public_bytes(serialization.Encoding.PEM))):
            draft = self.folder / f"{name}{suffix}.new"
            draft.touch(mode=0o600)
            draft.write_bytes(data)
            os.rename(draft, self.folder / f"{name}{suffix}")
        return certificate.serial_number

    def files(self, name: str) -> tuple[str, str]:
        """Certificate and key."""
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")


def production_flags(keys: Secrets, folder: Path, edge_only: bool = False) -> dict[str, str]:
    """What a program needs that runs with --production; `edge_only`: one that has no ledger."""
    authority = Authority(folder / "authority")
    authority.issue("server")
    own = {}
    for name, found in (("jwks", keys.jwks), ("mac_key_file", keys.mac_key_file)):
        own[name] = folder / name
        own[name].touch(mode=0o600)
        own[name].write_text(found.read_text())
    flags = {"production": "true", "jwt_issuer": "https://id.example.org",
             "tls_ca": str(authority.file), "jwks": str(own["jwks"])}
    if not edge_only:
        flags |= {"mac_key_file": str(own["mac_key_file"]),
                  "tls_cert": str(authority.folder / "server.pem"),
                  "tls_key": str(authority.folder / "server.key"),
                  "tls_client_ca": str(authority.file)}
    return flags
