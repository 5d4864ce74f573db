"""convert.py DATA: writes the vectors beside it from the crate's folder src/data.

One line per key, `key<TAB>JWK`, and below it one per vector: number, verdict, message and signature
in base64url, comment.
"""

import base64
import json
import sys
from pathlib import Path

# Which file, for which algorithm of a token, and whether that algorithm allows its parameters: PS256
# means a salt of 32 bytes and SHA-256 twice, so what is valid with others must be refused.
FILES = (
    ("ecdsa_secp256r1_sha256_p1363_test", "ES256", True),
    ("ed25519_test", "EdDSA", True),
    ("rsa_signature_2048_sha256_test", "RS256", True),
    ("rsa_pss_2048_sha256_mgf1_32_test", "PS256", True),
    ("rsa_pss_2048_sha256_mgf1_0_test", "PS256", False),
    ("rsa_pss_2048_sha256_mgf1sha1_20_test", "PS256", False),
)


def base64url(number: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(number)).decode().rstrip("=")


def key_of(group: dict) -> dict:
    """As a JWK, which not every group has."""
    key = dict(group.get("publicKeyJwk") or group.get("keyJwk") or {})
    public = group["publicKey"]
    if not key and "wx" in public:
        x, y = (base64url(public[name][-64:].zfill(64)) for name in ("wx", "wy"))
        key = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    elif not key:
        n, e = (base64url(public[name].removeprefix("00"))
                for name in ("modulus", "publicExponent"))
        key = {"kty": "RSA", "n": n, "e": e}
    key.pop("kid", None)
    return key


def lines_of(document: dict, allowed: bool) -> list[str]:
    lines = []
    for group in document["testGroups"]:
        # Of parameters that are not allowed only the good ones say something.
        tests = [one for one in group["tests"] if allowed or one["result"] == "valid"]
        if tests:
            lines.append("key\t" + json.dumps(key_of(group), separators=(",", ":")))
        for one in tests:
            # `acceptable` is what a lenient reader may take; a token is not read leniently.
            verdict = "valid" if allowed and one["result"] == "valid" else "invalid"
            lines.append("\t".join((str(one["tcId"]), verdict, base64url(one["msg"]),
                                    base64url(one["sig"]), one["comment"])))
    return lines


def main() -> None:
    source, here = Path(sys.argv[1]), Path(__file__).parent
    for name, algorithm, allowed in FILES:
        document = json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
        target = here / f"{algorithm}.{name.removesuffix('_test')}.tsv"
        target.write_text("\n".join(lines_of(document, allowed)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
