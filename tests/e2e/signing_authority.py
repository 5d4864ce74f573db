"""An authority that vouches for the keys by which tests sign alerts: RSA, as the alerts need."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


def _certificate(name: str, key: rsa.RSAPrivateKey, issuer: str, issuer_key: rsa.RSAPrivateKey,
                 days: float) -> bytes:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                          data_encipherment=False, key_agreement=False,
                          key_cert_sign=name == issuer, crl_sign=name == issuer,
                          encipher_only=False, decipher_only=False)
    made = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), True)
            .add_extension(usage, True).sign(issuer_key, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM)


class SigningAuthority:
    """Its certificate is in `file`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._own = _certificate("authority", self._key, "authority", self._key, 30)
        file.write_bytes(self._own)

    def credential(self, realm: str, agency: str, days: float = 30) -> dict[str, str]:
        """What the credential of a feed says."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
        chain = _certificate(agency, key, "authority", self._key, days) + self._own
        return {"kind": "feed", "realm": realm, "agency": agency, "key": pem.decode(),
                "certificates": chain.decode()}
