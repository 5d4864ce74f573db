"""More of the table of bad_inputs_cases.py: what somebody sends who wants more than an error."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e.bad_inputs_cases import (BAD, FORBIDDEN, NOT_NOW, Case, Send, ask, change, channel,
                                  claims, drafted, incident, publishing, raw, rule, source, token,
                                  with_word)
from e2e.bad_inputs_world import PEOPLE, World
from support.protos import path_of
from support.sample_message import text

UNKNOWN = "unauthenticated"
EDGE = "INVALID_ARGUMENT"


@dataclass(frozen=True)
class Wire:
    """Bytes that are no request, or could be two."""
    name: str
    data: bytes
    field: str = ""


def post(*headers: bytes, line: bytes = b"POST /livez HTTP/1.1", host: bytes = b"Host: a\r\n",
         body: bytes = b"") -> bytes:
    return line + b"\r\n" + host + b"".join(one + b"\r\n" for one in headers) + b"\r\n" + body


TE = b"Transfer-Encoding: "
CHUNKED = TE + b"chunked"
WIRE = [
    Wire("an unknown transfer coding", post(TE + b"xchunked", body=b"0\r\n\r\n"),
         "transfer-encoding"),
    Wire("a coding before the chunks", post(TE + b"gzip, chunked", body=b"0\r\n\r\n"),
         "transfer-encoding"),
    Wire("chunks in quotes", post(TE + b'"chunked"', body=b"0\r\n\r\n"), "transfer-encoding"),
    Wire("chunks and then none", post(TE + b"chunked, identity"), "transfer-encoding"),
    Wire("chunks twice", post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), "transfer-encoding"),
    Wire("chunks before HTTP had them", post(CHUNKED, line=b"POST /livez HTTP/1.0",
                                             body=b"0\r\n\r\n"), "transfer-encoding"),
    Wire("chunks after a length", post(b"Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
         "content-length"),
    Wire("a length with a sign", post(b"Content-Length: +0"), "content-length"),
    Wire("a length in hexadecimal", post(b"Content-Length: 0x0"), "content-length"),
    Wire("one length that says two", post(b"Content-Length: 0, 0"), "content-length"),
    Wire("the same length twice", post(b"Content-Length: 0", b"content-length: 0"),
         "content-length"),
    Wire("a length of 19 digits", post(b"Content-Length: 1000000000000000000"), "content-length"),
    Wire("an empty length", post(b"Content-Length:"), "content-length"),
    Wire("no host", post(host=b""), "host"),
    Wire("two hosts", post(b"Host: b"), "host"),
    Wire("a host of two", post(host=b"Host: a, b\r\n"), "host"),
    Wire("a host with a user", post(host=b"Host: user@a\r\n"), "host"),
    Wire("two tokens", post(b"Authorization: Bearer a", b"Authorization: Bearer b"),
         "authorization"),
    Wire("two content types", post(b"Content-Type: application/json", b"Content-Type: text/plain"),
         "content-type"),
    Wire("a folded line", post(b"X: a", b" b")),
    Wire("a line that ends with a line feed alone", post(b"X: a\nContent-Length: 5")),
    Wire("a carriage return alone", post(b"X: a\rContent-Length: 5")),
    Wire("a NUL in a header", post(b"X: a\0b")),
    Wire("a DEL in a header", post(b"X: a\x7f")),
    Wire("a header without a name", post(b": a")),
    Wire("a header that is a word", post(b"Content-Length")),
    Wire("a name with a bracket", post(b"X(: a")),
    Wire("a blank in the target", post(line=b"POST /livez /b HTTP/1.1")),
    Wire("a tab in the target", post(line=b"POST /livez\t HTTP/1.1")),
    Wire("HTTP/2 without asking", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Wire("HTTP in small letters", post(line=b"POST /livez http/1.1")),
    Wire("a chunk of more digits than a number has", post(
        CHUNKED, body=b"11111111111111111\r\n")),
    Wire("a chunk with a sign", post(CHUNKED, body=b"+1\r\na\r\n0\r\n\r\n")),
    Wire("a chunk that is longer than it says", post(CHUNKED, body=b"1\r\nab\r\n0\r\n\r\n")),
]

_WHO = PEOPLE["ana"]


def encoded(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(change_parts: Callable[[list[str]], list[str]]) -> Send:
    """A good token whose three parts are changed."""
    return token(lambda world: ".".join(change_parts(world.issuer.token(_WHO).split("."))))


def headed(**header: Any) -> Send:
    """A good token under another header."""
    def make(world: World) -> str:
        _, claim, signature = world.issuer.token(_WHO).split(".")
        return f"{encoded({'alg': 'ES256', 'kid': world.issuer.kid, **header})}.{claim}.{signature}"
    return token(make)


def signed(make: Callable[[bytes], bytes]) -> Send:
    def change_signature(three: list[str]) -> list[str]:
        signature = base64.urlsafe_b64decode(three[2] + "==")
        return [*three[:2], encoded(make(signature))]
    return parts(change_signature)


TOKENS = [
    Case("a token with a key of its own", headed(jwk={"kty": "oct", "k": "AA"}), UNKNOWN,
         "TOKEN_SIGNATURE"),
    Case("a token that says where its key is", headed(jku="https://evil.example/keys"), UNKNOWN,
         "TOKEN_SIGNATURE"),
    Case("a key by a path", headed(kid="../../../../dev/null"), UNKNOWN, "TOKEN_KEY_UNKNOWN"),
    Case("a key of another kind", headed(alg="EdDSA"), UNKNOWN, "TOKEN_KEY_UNKNOWN"),
    Case("an algorithm in small letters", headed(alg="es256"), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("a list of algorithms", headed(alg=["ES256", "none"]), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("an algorithm that was not allowed", headed(alg="RS256"), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("an extension that must be understood", headed(crit=["b64"], b64=False), UNKNOWN,
         "TOKEN_MALFORMED"),
    Case("a signature of zeros", signed(lambda it: bytes(64)), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("a signature with a byte more", signed(lambda it: it + b"\0"), UNKNOWN,
         "TOKEN_SIGNATURE"),
    Case("a signature in DER", signed(
        lambda it: b"0D\x02\x20" + it[:32] + b"\x02\x20" + it[32:]), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("no signature", parts(lambda it: [*it[:2], ""]), UNKNOWN, "TOKEN_SIGNATURE"),
    Case("an encrypted token", parts(lambda it: [*it, "AA", "AA"]), UNKNOWN, "TOKEN_MALFORMED"),
    Case("a token with padding", parts(lambda it: [*it[:2], it[2] + "=="]), UNKNOWN,
         "TOKEN_MALFORMED"),
    Case("claims that are a list", parts(lambda it: [it[0], encoded([1]), it[2]]), UNKNOWN,
         "TOKEN_MALFORMED"),
    Case("a header that is a list", parts(lambda it: [encoded([1]), *it[1:]]), UNKNOWN,
         "TOKEN_MALFORMED"),
    Case("an expiry before all time", claims(exp=-1), UNKNOWN, "TOKEN_CLAIMS"),
    Case("an expiry at the end of all time", claims(exp=1e300), UNKNOWN, "TOKEN_CLAIMS"),
    Case("an expiry that is true", claims(exp=True), UNKNOWN, "TOKEN_CLAIMS"),
    Case("a beginning that is no time", claims(nbf="now"), UNKNOWN, "TOKEN_CLAIMS"),
    Case("many audiences and not ours", claims(aud=["a", "b"]), UNKNOWN, "TOKEN_AUDIENCE"),
    Case("an audience that is a number", claims(aud=7), UNKNOWN, "TOKEN_AUDIENCE"),
    Case("a subject with a line break", claims(sub="ana@city.example\nben@city.example"), UNKNOWN,
         "TOKEN_CLAIMS"),
    Case("a subject of 129 letters", claims(sub="a" * 129), UNKNOWN, "TOKEN_CLAIMS"),
    Case("a realm in a list", claims(realm=["calgary"]), UNKNOWN, "TOKEN_CLAIMS"),
    Case("a role that is null", claims(roles=["author", None]), UNKNOWN, "TOKEN_CLAIMS"),
    Case("an operator on the side", claims(realm=None, agency=None, roles=["admin"]), UNKNOWN,
         "TOKEN_CLAIMS"),
]

JSON = [
    Case("a byte-order mark", raw(b"\xef\xbb\xbf{}"), BAD, "BAD_JSON"),
    Case("a NUL after the object", raw(b"{}\0"), BAD, "BAD_JSON"),
    Case("a key that ends with a NUL", raw('{"kind\\u0000": "flood"}'), BAD, "BAD_JSON",
         "kind\0"),
    Case("the prototype of JavaScript", raw('{"__proto__": {"admin": true}}'), BAD, "BAD_JSON",
         "__proto__"),
    Case("the second half of a pair", raw('{"title": "\\udc00"}'), BAD, "BAD_JSON"),
    Case("a number with a zero before it", raw('{"pageSize": 01}', path_of("drafting",
                                                                           "ListMessages")), BAD,
         "BAD_JSON"),
    Case("a hexadecimal number", raw('{"pageSize": 0x10}', path_of("drafting", "ListMessages")),
         BAD, "BAD_JSON"),
    Case("true for a text", raw(with_word("true")), BAD, "BAD_JSON", "title"),
    Case("null in a list", raw('{"agencies": ["city", null]}'), BAD, "BAD_JSON", "agencies[1]"),
    Case("a time without a zone", raw('{"expiresAt": "2026-06-20T00:00:00"}'), BAD, "BAD_JSON",
         "expires_at"),
    Case("a year of five digits", raw('{"expiresAt": "12026-06-20T00:00:00Z"}'), BAD, "BAD_JSON",
         "expires_at"),
    Case("one list under both its names", raw(
        '{"draft": {"texts": [{"channel_texts": [], "channelTexts": [{}]}]}}',
        path_of("drafting", "CreateMessage")), BAD, "BAD_JSON", "draft.texts[0].channel_texts"),
]

FIELDS = [
    Case("a NUL in a title", incident(title="a\0b"), BAD, EDGE, "title"),
    Case("a terminal's escape in a title", incident(title="\x1b[2Jb"), BAD, EDGE, "title"),
    Case("a language with a path", drafted(texts=[text("../en")]), BAD, EDGE,
         "draft.texts[0].language"),
    Case("a web address with a line break", drafted(web="https://a.example/\r\nX: y"), BAD, EDGE,
         "draft.web"),
    Case("data for a web address", drafted(web="data:text/html,x"), BAD, EDGE, "draft.web"),
    Case("a channel's id above", channel(channelId="../hook"), BAD, EDGE, "channel_id"),
    Case("a channel's URL with a line break", channel(url="https://hook.example/\r\nX: y"), BAD,
         EDGE, "url"),
    Case("a source of gopher", source(url="gopher://usgs.example/"), BAD, EDGE, "url"),
    Case("a source that is never polled", source(pollSeconds=0), BAD, EDGE, "poll_seconds"),
    Case("a source polled before it is asked", source(pollSeconds=-60), BAD, EDGE, "poll_seconds"),
    Case("a source polled at no time", source(pollSeconds="NaN"), BAD, EDGE, "poll_seconds"),
    Case("a threshold that is no number", rule(threshold="NaN"), BAD, EDGE, "threshold"),
    Case("a hysteresis without end", rule(hysteresis="Infinity"), BAD, EDGE, "hysteresis"),
    Case("a series with a path", rule(series="../05BH004:level"), BAD, EDGE, "series"),
    Case("a rule's id with a slash", rule(ruleId="a/b"), BAD, EDGE, "rule_id"),
    Case("a digest in capitals", change("ben", "approval", "Approve", messageId="msg-0",
                                        digest="A" * 64), BAD, EDGE, "digest"),
    Case("a message's id with a path", ask("ana", "drafting", "GetMessage",
                                           messageId="../../etc/passwd"), "not_found",
         "NOT_FOUND", "message_id"),
    Case("another realm's operator", ask("dan", "ledger", "RestartInput", service="drafting",
                                         partition=1, reason="mine"), FORBIDDEN, "ROLE_MISSING"),
]

# The credential may be sent to https://hook.example and nowhere else.
CREDENTIALS = [
    Case(f"a credential sent to {name}", channel(url=url), NOT_NOW, "CREDENTIAL_REFUSED",
         "credential") for name, url in (
        ("another port", "https://hook.example:8443/in"),
        ("plain text", "http://hook.example/in"),
        ("a host that begins so", "https://hook.example.evil.example/in"),
        ("a host that ends so", "https://evil-hook.example/in"),
        ("a host with a dot more", "https://hook.example./in"),
        ("an address", "https://127.0.0.1/in"))
]
PUBLISHING = [
    publishing("a user that looks like the host", channel(url="https://hook.example@evil.example/"),
               BAD, "URL_WITH_SECRET", "url"),
]

HOSTILE = [*TOKENS, *JSON, *FIELDS, *CREDENTIALS, *PUBLISHING]
