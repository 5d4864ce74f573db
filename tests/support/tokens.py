"""Bearer tokens: good ones, and every kind that must be refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.programs import AUDIENCE, ISSUER, Secrets


@dataclass(frozen=True)
class Person:
    subject: str
    realm: str
    agency: str
    roles: tuple[str, ...]


def roster(people: Iterable[Person], **names: str) -> dict[str, Any]:
    """Of these people and their agencies; `names`: of agencies that are not called by their id."""
    people = list(people)
    return {
        "agencies": [{"agencyId": agency, "names": {"en-CA": names.get(agency, agency)},
                      "capSender": f"{agency}.example"}
                     for agency in sorted({person.agency for person in people})],
        "people": [{"subject": person.subject, "name": person.subject,
                    "agencyId": person.agency, "roles": list(person.roles)} for person in people],
    }


# Runs the installation; belongs to no realm and stands on no roster.
OPERATOR = Person("olga@ops.example", "", "", ("operator",))


class Issuer:
    """Signs with the generated key what the built programs accept."""

    def __init__(self, keys: Secrets) -> None:
        self._key = serialization.load_pem_private_key(keys.issuer_key.read_bytes(), None)
        self._jwks = keys.jwks.read_bytes()
        self.kid: str = json.loads(self._jwks)["keys"][0]["kid"]

    def token(self, person: Person, ttl_s: int = 3600, **changed: Any) -> str:
        """Claims in `changed` replace the usual ones; None leaves a claim out."""
        return jwt.encode(self.claims(person, ttl_s, **changed), self._key, algorithm="ES256",
                          headers={"kid": self.kid})

    def claims(self, person: Person, ttl_s: int = 3600, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": person.subject, "realm": person.realm or None,
            "agency": person.agency or None, "roles": list(person.roles), "iat": now,
            "exp": now + ttl_s,
        }
        claims.update(changed)
        return {name: value for name, value in claims.items() if value is not None}

    # --- each of these must be refused ---

    def expired(self, person: Person) -> str:
        now = int(time.time())
        return self.token(person, iat=now - 7200, exp=now - 3600)

    def not_yet_valid(self, person: Person) -> str:
        now = int(time.time())
        return self.token(person, nbf=now + 1800, exp=now + 3600)

    def foreign(self, person: Person) -> str:
        """Signed by a stranger who names our key."""
        stranger = ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(self.claims(person), stranger, algorithm="ES256",
                          headers={"kid": self.kid})

    def unknown_key(self, person: Person) -> str:
        stranger = ec.generate_private_key(ec.SECP256R1())
        return jwt.encode(self.claims(person), stranger, algorithm="ES256",
                          headers={"kid": "somebody-else"})

    def unsigned(self, person: Person) -> str:
        """alg=none."""
        return f'{_part({"alg": "none", "typ": "JWT", "kid": self.kid})}.' \
               f"{_part(self.claims(person))}."

    def by_public_key(self, person: Person) -> str:
        """HS256 with the public key set as the shared secret."""
        text = f'{_part({"alg": "HS256", "typ": "JWT", "kid": self.kid})}.' \
               f"{_part(self.claims(person))}"
        return f"{text}.{_base64url(hmac.digest(self._jwks, text.encode(), hashlib.sha256))}"

    def tampered(self, person: Person, roles: Sequence[str]) -> str:
        """Good signature over other roles."""
        header, _, signature = self.token(person).split(".")
        return f"{header}.{_part(self.claims(person, roles=list(roles)))}.{signature}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value).encode())
