"""The table: what is sent, and what must come back. docs/ERRORS.md explains the reasons."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e.bad_inputs_world import INCOMPLETE, LISTS, PEOPLE, World
from support.connect import Reply, new_request_id
from support.protos import path_of
from support.sample_message import area, draft, in_hours, text

Send = Callable[[World], Reply]

CREATE = path_of("drafting", "CreateIncident")
GOOD = {"kind": "flood", "title": "Another"}


@dataclass(frozen=True)
class Case:
    name: str
    send: Send
    code: str
    reason: str
    field: str = ""  # path of the field at fault
    http: int = 0  # where it is not that of the code
    ledger: str = ""  # the service whose ledger records the refusal; none: refused at the edge


def raw(body: bytes | str, path: str = CREATE, **headers: str) -> Send:
    data = body.encode() if isinstance(body, str) else body
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda world: world.post(path, data, headers=sent)


def ask(who: str, service: str, method: str, /, **request: Any) -> Send:
    """Values that are functions are given the world."""
    def send(world: World) -> Reply:
        filled = {name: value(world) if callable(value) else value
                  for name, value in request.items()}
        return world.gateway.call(service, method, filled, token=world.tokens[who])
    return send


def change(who: str, service: str, method: str, /, **request: Any) -> Send:
    return lambda world: ask(who, service, method,
                             **{"requestId": new_request_id(), **request})(world)


def the(name: str) -> Callable[[World], str]:
    return lambda world: world.ids[name]


def etag(name: str) -> Callable[[World], str]:
    return lambda world: world.etags[name]


def digest(name: str) -> Callable[[World], str]:
    return lambda world: world.digests[name]


def token(make: Callable[[World], str]) -> Send:
    return lambda world: world.gateway.call("drafting", "ListMessages", token=make(world))


def claims(**changed: Any) -> Send:
    return token(lambda world: world.issuer.token(PEOPLE["ana"], **changed))


def incident(**changed: Any) -> Send:
    return change("ana", "drafting", "CreateIncident", **{**GOOD, **changed})


def create(**changed: Any) -> Send:
    return change("ana", "drafting", "CreateMessage",
                  **{"incidentId": the("incident"), "draft": draft(), **changed})


def drafted(**changed: Any) -> Send:
    return create(draft=draft(**changed))


def channel(**changed: Any) -> Send:
    wanted = {"channelId": "hook", "kind": "webhook", "name": "Hook", "credential": "hook",
              "url": "https://hook.example/in"}
    return change("dan", "publishing", "PutChannel", **{**wanted, **changed})


def source(**changed: Any) -> Send:
    return change("dan", "trigger", "PutSource", **{
        "sourceId": "other", "format": "usgs-json", "url": "https://usgs.example/iv",
        "pollSeconds": 60, **changed})


def rule(**changed: Any) -> Send:
    return change("dan", "trigger", "PutRule", **{
        "ruleId": "other", "sourceId": "gauge", "series": "05BH004:level", "threshold": 4,
        "templateId": "by-gauge", "incidentId": the("incident"), **changed})


def roster(agencies: list[str], *people: tuple[str, str, str]) -> Send:
    return change("dan", "approval", "ImportRoster", roster={
        "agencies": [{"agencyId": one, "names": {"en-CA": one}, "capSender": one}
                     for one in agencies],
        "people": [{"subject": subject, "name": subject, "agencyId": agency, "roles": [role]}
                   for subject, agency, role in people]})


def with_word(word: str) -> str:
    """A good request with one JSON word in it that is not good."""
    return f'{{"requestId": "{new_request_id()}", "kind": "flood", "title": {word}}}'


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


BAD = "invalid_argument"
NOT_NOW = "failed_precondition"

HTTP = [
    Case("no such address", raw("{}", "/nothing/here"), "unimplemented", "NOT_FOUND", http=404),
    Case("no such service", raw("{}", "/tocsin.nope.v1.NopeService/Get"), "unimplemented",
         "NO_SUCH_METHOD", http=404),
    Case("no such method", raw("{}", path_of("drafting", "Obliterate")), "unimplemented",
         "NO_SUCH_METHOD", http=404),
    Case("another version", raw("{}", "/tocsin.drafting.v9.DraftingService/GetMessage"),
         "unimplemented", "NO_SUCH_METHOD", http=404),
    Case("a stream", raw("{}", path_of("drafting", "WatchMessages")), "unimplemented", "STREAM"),
    Case("plain text", raw("{}", Content_Type="text/plain"), BAD, "UNKNOWN_MEDIA_TYPE", http=415),
    Case("no content type", raw("{}", Content_Type=""), BAD, "UNKNOWN_MEDIA_TYPE", http=415),
    Case("gRPC's content type", raw("{}", Content_Type="application/grpc"), BAD,
         "UNKNOWN_MEDIA_TYPE", http=415),
    Case("compressed", raw("{}", Content_Encoding="gzip"), "unimplemented", "UNKNOWN_ENCODING"),
    Case("a timeout in words", raw("{}", Connect_Timeout_Ms="soon"), BAD, "BAD_TIMEOUT",
         "connect-timeout-ms"),
    Case("a negative timeout", raw("{}", Connect_Timeout_Ms="-1"), BAD, "BAD_TIMEOUT",
         "connect-timeout-ms"),
    Case("a timeout of 11 digits", raw("{}", Connect_Timeout_Ms="10000000000"), BAD, "BAD_TIMEOUT",
         "connect-timeout-ms"),
    Case("another protocol version", raw("{}", Connect_Protocol_Version="2"), BAD,
         "BAD_PROTOCOL_VERSION", "connect-protocol-version"),
    Case("a token of bytes", raw("{}", Authorization="Bearer \xff"), BAD, "BAD_HEADER",
         "authorization"),
    Case("a body over the limit", raw("{" + " " * 2 * 1024 * 1024 + "}"), "resource_exhausted",
         "BAD_REQUEST", "content-length", http=413),
    Case("headers over the limit", raw("{}", X_Long="x" * 20_000), BAD, "BAD_REQUEST", http=431),
    Case("a ledger of no service", raw("{}", path_of("ledger", "GetStatus") + "?service=nope"), BAD,
         "UNKNOWN_SERVICE", "service"),
    Case("a ledger without its service", raw("{}", path_of("ledger", "OverrideClock")), BAD,
         "INVALID_ARGUMENT", "service"),
]

JSON = [
    Case("no body", raw(""), BAD, "BAD_JSON"),
    Case("a list", raw("[]"), BAD, "BAD_JSON"),
    Case("a cut object", raw('{"kind": "flo'), BAD, "BAD_JSON"),
    Case("two objects", raw("{} {}"), BAD, "BAD_JSON"),
    Case("a comma too many", raw('{"kind": "flood",}'), BAD, "BAD_JSON"),
    Case("single quotes", raw("{'kind': 'flood'}"), BAD, "BAD_JSON"),
    Case("a comment", raw('{"kind": "flood" /* really */}'), BAD, "BAD_JSON"),
    Case("a key twice", raw('{"kind": "flood", "kind": "fire"}'), BAD, "BAD_JSON"),
    Case("a key twice, once escaped", raw('{"kind": "flood", "k\\u0069nd": "fire"}'), BAD,
         "BAD_JSON"),
    Case("one field under both its names", raw('{"request_id": "a", "requestId": "b"}'), BAD,
         "BAD_JSON", "request_id"),
    Case("NaN", raw(with_word("NaN")), BAD, "BAD_JSON"),
    Case("a number for a text", raw(with_word("{}")), BAD, "BAD_JSON", "title"),
    Case("a list for a text", raw(with_word("[1]")), BAD, "BAD_JSON", "title"),
    Case("a text for a list", raw('{"agencies": "city"}'), BAD, "BAD_JSON", "agencies"),
    Case("a text for a time", raw('{"expiresAt": "tomorrow"}'), BAD, "BAD_JSON", "expires_at"),
    Case("a day that does not exist", raw('{"expiresAt": "2026-02-30T00:00:00Z"}'), BAD,
         "BAD_JSON", "expires_at"),
    Case("an unknown field", raw('{"colour": "red"}'), BAD, "BAD_JSON", "colour"),
    Case("an unknown field inside", ask("ana", "drafting", "PreviewMessage", draft={
        "texts": [{"colour": "red"}]}), BAD, "BAD_JSON", "draft.texts[0].colour"),
    Case("an unknown word of a list of words", ask(
        "ana", "drafting", "PreviewMessage", draft={"severity": "DREADFUL"}), BAD, "BAD_JSON",
        "draft.severity"),
    Case("a number out of range", ask("ana", "drafting", "ListMessages", pageSize=2**40), BAD,
         "BAD_JSON", "page_size"),
    Case("half a number", ask("ana", "drafting", "ListMessages", pageSize=1.5), BAD, "BAD_JSON",
         "page_size"),
    Case("Latin-1", raw('{"title": "rivi\xe8re"}'.encode("latin-1")), BAD, "BAD_JSON"),
    Case("an overlong encoding", raw(b'{"title": "\xc0\xaf"}'), BAD, "BAD_JSON"),
    Case("half a surrogate pair", raw('{"title": "\\ud800"}'), BAD, "BAD_JSON"),
    Case("a raw control character", raw('{"title": "a\x01b"}'), BAD, "BAD_JSON"),
    Case("UTF-16", raw('{"title": "a"}'.encode("utf-16")), BAD, "BAD_JSON"),
    Case("1000 levels", raw(nested(1000)), BAD, "BAD_JSON"),
    Case("100000 open brackets", raw("[" * 100_000), BAD, "BAD_JSON"),
    Case("cut protobuf", raw(b"\x0a\xff", Content_Type="application/proto"), BAD, "BAD_PROTO"),
    Case("protobuf of no UTF-8", raw(b"\x0a\x02\xff\xfe", Content_Type="application/proto"), BAD,
         "BAD_PROTO"),
    Case("JSON said to be protobuf", raw("{}", Content_Type="application/proto"), BAD, "BAD_PROTO"),
    Case("protobuf said to be JSON", raw(b"\x0a\x01a"), BAD, "BAD_JSON"),
]

_WHO = PEOPLE["ana"]
TOKENS = [
    Case("no token", token(lambda world: ""), "unauthenticated", "TOKEN_MISSING"),
    Case("no token and no good field", raw("{}", Authorization=""), "unauthenticated",
         "TOKEN_MISSING"),
    Case("a password", raw("{}", Authorization="Basic YW5hOmFuYQ=="), "unauthenticated",
         "TOKEN_MALFORMED"),
    Case("a token of words", token(lambda world: "let me in"), "unauthenticated",
         "TOKEN_MALFORMED"),
    Case("a token of four parts", token(lambda world: world.tokens["ana"] + ".x"),
         "unauthenticated", "TOKEN_MALFORMED"),
    Case("a token of 9 kB", token(lambda world: "a" * 9000), "unauthenticated", "TOKEN_MALFORMED"),
    Case("expired", token(lambda world: world.issuer.expired(_WHO)), "unauthenticated",
         "TOKEN_EXPIRED"),
    Case("not yet valid", token(lambda world: world.issuer.not_yet_valid(_WHO)), "unauthenticated",
         "TOKEN_NOT_YET_VALID"),
    Case("signed by a stranger", token(lambda world: world.issuer.foreign(_WHO)),
         "unauthenticated", "TOKEN_SIGNATURE"),
    Case("an unknown key", token(lambda world: world.issuer.unknown_key(_WHO)), "unauthenticated",
         "TOKEN_KEY_UNKNOWN"),
    Case("alg none", token(lambda world: world.issuer.unsigned(_WHO)), "unauthenticated",
         "TOKEN_SIGNATURE"),
    Case("signed with the public key", token(lambda world: world.issuer.by_public_key(_WHO)),
         "unauthenticated", "TOKEN_SIGNATURE"),
    Case("roles added", token(lambda world: world.issuer.tampered(_WHO, ["admin"])),
         "unauthenticated", "TOKEN_SIGNATURE"),
    Case("another issuer", claims(iss="https://elsewhere.example"), "unauthenticated",
         "TOKEN_ISSUER"),
    Case("another audience", claims(aud="elsewhere"), "unauthenticated", "TOKEN_AUDIENCE"),
    Case("no audience", claims(aud=None), "unauthenticated", "TOKEN_AUDIENCE"),
    Case("no expiry", claims(exp=None), "unauthenticated", "TOKEN_CLAIMS"),
    Case("an expiry in words", claims(exp="tomorrow"), "unauthenticated", "TOKEN_CLAIMS"),
    Case("good for a year", claims(exp=int(time.time()) + 365 * 86400), "unauthenticated",
         "TOKEN_CLAIMS"),
    Case("no realm", claims(realm=None), "unauthenticated", "TOKEN_CLAIMS"),
    Case("a realm with a slash", claims(realm="calgary/../banff"), "unauthenticated",
         "TOKEN_CLAIMS"),
    Case("the name of a service", claims(sub="service:publishing"), "unauthenticated",
         "TOKEN_CLAIMS"),
    Case("a role that there is not", claims(roles=["emperor"]), "unauthenticated", "TOKEN_CLAIMS"),
    Case("roles in one text", claims(roles="author"), "unauthenticated", "TOKEN_CLAIMS"),
]

FORBIDDEN = "permission_denied"

EDGE = [
    Case("no request id", ask("ana", "drafting", "CreateIncident", **GOOD), BAD,
         "INVALID_ARGUMENT", "request_id"),
    Case("a request id without a time", incident(requestId=str(uuid.uuid4())), BAD,
         "INVALID_ARGUMENT", "expires_at"),
    Case("a blank instruction", drafted(texts=[text("fr-CA"), text("en-CA", instruction=" ")]), BAD,
         "INVALID_ARGUMENT", "draft.texts[1].instruction"),
    Case("an expiry in two days", incident(expiresAt=in_hours(48)), BAD, "INVALID_ARGUMENT",
         "expires_at"),
    Case("an id of tomorrow", incident(requestId=new_request_id(time.time() + 2 * 86400)), BAD,
         "INVALID_ARGUMENT", "expires_at"),
    Case("no title", incident(title=""), BAD, "INVALID_ARGUMENT", "title"),
    Case("a title of blanks", incident(title=" \r\n\u00a0"), BAD, "INVALID_ARGUMENT", "title"),
    Case("a title of 201 bytes", incident(title="é" * 100 + "x"), BAD, "INVALID_ARGUMENT",
         "title"),
    Case("a kind in capitals", incident(kind="FLOOD"), BAD, "INVALID_ARGUMENT", "kind"),
    Case("a title that reads otherwise than it is", incident(title="a\u202eb"), BAD,
         "INVALID_ARGUMENT", "title"),
    Case("21 agencies", incident(agencies=[f"a{i}" for i in range(21)]), BAD, "INVALID_ARGUMENT",
         "agencies"),
    Case("an agency without a name", incident(agencies=["city", ""]), BAD, "INVALID_ARGUMENT",
         "agencies[1]"),
    Case("a bad language", drafted(texts=[text("french")]), BAD, "INVALID_ARGUMENT",
         "draft.texts[0].language"),
    Case("a missing part", drafted(texts=[text("en-CA", instruction="")]), BAD, "INVALID_ARGUMENT",
         "draft.texts[0].instruction"),
    Case("a headline of 641 bytes", drafted(texts=[text("en-CA", headline="x" * 641)]), BAD,
         "INVALID_ARGUMENT", "draft.texts[0].headline"),
    Case("no severity", drafted(severity="SEVERITY_UNSPECIFIED"), BAD, "INVALID_ARGUMENT",
         "draft.severity"),
    Case("an unknown number of a severity", drafted(severity=99), BAD, "INVALID_ARGUMENT",
         "draft.severity"),
    Case("no area", drafted(areas=[]), BAD, "INVALID_ARGUMENT", "draft.areas"),
    Case("21 polygons", drafted(areas=[area(polygons=["x"] * 21)]), BAD, "INVALID_ARGUMENT",
         "draft.areas[0].polygons"),
    Case("a web address of another kind", drafted(web="javascript:alert(1)"), BAD,
         "INVALID_ARGUMENT", "draft.web"),
    Case("a digest that is none", change("ben", "approval", "Approve", messageId=the("review"),
                                         digest="abc"), BAD, "INVALID_ARGUMENT", "digest"),
    Case("a refusal without a reason", change("ben", "approval", "Reject",
                                              messageId=the("review")), BAD, "INVALID_ARGUMENT",
         "reason"),
    Case("a quorum of -1", change("dan", "approval", "SetPolicy", severity="SEVERITY_SEVERE",
                                  quorum=-1, roles=["approver"]), BAD, "INVALID_ARGUMENT",
         "quorum"),
    Case("a policy of authors", change("dan", "approval", "SetPolicy", severity="SEVERITY_SEVERE",
                                       quorum=1, roles=["author"]), BAD, "INVALID_ARGUMENT",
         "roles[0]"),
    Case("a channel's file above", channel(credential="../../etc/passwd"), BAD, "INVALID_ARGUMENT",
         "credential"),
    Case("a channel's URL of a file", channel(url="file:///etc/passwd"), BAD, "INVALID_ARGUMENT",
         "url"),
    Case("a source's URL of a file", source(url="file:///etc/passwd"), BAD, "INVALID_ARGUMENT",
         "url"),
    Case("a poll every millisecond", source(pollSeconds=0.001), BAD, "INVALID_ARGUMENT",
         "poll_seconds"),
    Case("two polls a second", source(pollSeconds=0.5), BAD, "POLLS_TOO_OFTEN", "poll_seconds"),
    Case("an infinite threshold", rule(threshold="Infinity"), BAD, "INVALID_ARGUMENT",
         "threshold"),
    Case("a negative hysteresis", rule(hysteresis=-0.1), BAD, "INVALID_ARGUMENT", "hysteresis"),
    Case("a threshold below all rivers", rule(threshold=-1e13), BAD, "INVALID_ARGUMENT",
         "threshold"),
    Case("no threshold", rule(threshold=None), BAD, "INVALID_ARGUMENT", "threshold"),
    Case("a time zone with a typo", rule(timeZone="America/Toronot"), BAD, "INVALID_ARGUMENT",
         "time_zone"),
    Case("an offset for a time zone", rule(timeZone="GMT-7"), BAD, "INVALID_ARGUMENT", "time_zone"),
    Case("a language that nobody speaks", drafted(texts=[text("fx-CA"), text("en-CA")]), BAD,
         "INVALID_ARGUMENT", "draft.texts[0].language"),
    Case("a country that is not there", channel(languages=["en-CA", "en-UK"]), BAD,
         "INVALID_ARGUMENT", "languages[1]"),
    Case("an area in a language of no kind", drafted(areas=[area(descriptions={
        "fr-CA": "x", "English": "y"})]), BAD, "INVALID_ARGUMENT",
         'draft.areas[0].descriptions["English"]'),
    Case("a state that is none", ask("ana", "drafting", "ListMessages", state="in-review"), BAD,
         "BAD_JSON", "state"),
    Case("a review's state that is none", ask(
        "ana", "approval", "ListReviews", state="MESSAGE_STATE_DRAFT"), BAD, "BAD_JSON", "state"),
    Case("the number of no state", ask("ana", "drafting", "ListMessages", state=99), BAD,
         "INVALID_ARGUMENT", "state"),
    Case("a series without a parameter", rule(series="05BH004"), BAD, "INVALID_ARGUMENT",
         "series"),
    Case("a made-up page token", ask("ana", "drafting", "ListMessages", pageToken="NTAuMTIz"), BAD,
         "INVALID_ARGUMENT", "page_token"),
    Case("a page token of words", ask("ana", "trigger", "ListCrossings", pageToken="next!"), BAD,
         "INVALID_ARGUMENT", "page_token"),
    Case("a page of -1", ask("ana", "approval", "ListReviews", pageSize=-1), BAD,
         "INVALID_ARGUMENT", "page_size"),
    Case("a page of 501", ask("ana", "publishing", "ListReleases", pageSize=501), BAD,
         "INVALID_ARGUMENT", "page_size"),
    Case("a position of words", raw("{}", path_of("drafting", "ListMessages"),
                                    tocsin_after="yesterday"), BAD, "INVALID_ARGUMENT",
         "tocsin-after"),
    Case("a position of a ledger that it does not follow",
         raw("{}", path_of("approval", "GetRoster"), tocsin_after="measurement/0/0"), BAD,
         "INVALID_ARGUMENT", "tocsin-after"),
    Case("a position of no partition", raw("{}", path_of("drafting", "ListMessages"),
                                           tocsin_after="drafting/4096/0"), BAD,
         "INVALID_ARGUMENT", "tocsin-after"),
    Case("no such message", ask("ana", "drafting", "GetMessage", messageId="msg-0"), "not_found",
         "NOT_FOUND", "message_id"),
    Case("no such scorecard", ask("hal", "measurement", "GetScorecard", messageId="msg-0"),
         "not_found", "NOT_FOUND", "message_id"),
    Case("a role missing", change("hal", "drafting", "CreateIncident", **GOOD), FORBIDDEN,
         "ROLE_MISSING"),
    Case("a token with roles, and not on the roster", change(
        "stranger", "drafting", "CreateIncident", **GOOD), FORBIDDEN, "ROLE_MISSING"),
    *(Case(f"a stranger who reads {method}", ask("stranger", service, method), FORBIDDEN,
           "ROLE_MISSING") for service, method in LISTS),
    *(Case(f"a token without roles that reads {method}", ask("nobody", service, method), FORBIDDEN,
           "ROLE_MISSING") for service, method in LISTS),
    Case("another agency's credential", change(
        "eve", "publishing", "PutChannel", channelId="mine", kind="webhook", name="Mine",
        credential="hook", url="https://hook.example/in"), NOT_NOW, "CREDENTIAL_REFUSED",
         "credential"),
    Case("a credential sent elsewhere", channel(url="https://elsewhere.example/in"), NOT_NOW,
         "CREDENTIAL_REFUSED", "credential"),
    Case("a credential of another kind", channel(kind="mastodon"), NOT_NOW, "CREDENTIAL_REFUSED",
         "credential"),
    Case("a credential that there is not", channel(credential="none"), NOT_NOW,
         "CREDENTIAL_REFUSED", "credential"),
    Case("an author who approves", change("ana", "publishing", "StopRelease", reason="no",
                                          releaseId=the("release public")), FORBIDDEN,
         "ROLE_MISSING"),
    Case("an approver who sets a rule", change("ben", "trigger", "RemoveRule", ruleId="high"),
         FORBIDDEN, "ROLE_MISSING"),
    Case("an operator who is none", ask("ana", "ledger", "RestartInput", service="drafting",
                                        reason="why not"), FORBIDDEN, "ROLE_MISSING"),
    Case("an admin of a realm who looks at all of them", ask(
        "dan", "ledger", "GetStatus", service="drafting"), FORBIDDEN, "ROLE_MISSING"),
    Case("an admin of a realm who sets the clock back", ask(
        "dan", "ledger", "OverrideClock", service="drafting", reason="why not"), FORBIDDEN,
         "ROLE_MISSING"),
    Case("an operator who writes a warning", change("operator", "drafting", "CreateIncident",
                                                    **GOOD), FORBIDDEN, "ROLE_MISSING"),
    Case("an operator who reads a realm", ask("operator", "drafting", "ListMessages"), FORBIDDEN,
         "ROLE_MISSING"),
    Case("a restart of what is not halted", ask("operator", "ledger", "RestartInput",
                                                service="drafting", partition=0,
                                                reason="why not"),
         "failed_precondition", "NOT_HALTED"),
    Case("a restart of no partition", ask("operator", "ledger", "RestartInput",
                                          service="drafting", reason="why not"),
         BAD, "INVALID_ARGUMENT", "partition"),
    Case("a restart of a partition that is not there", ask("operator", "ledger", "RestartInput",
                                                           service="drafting", partition=99,
                                                           reason="why not"),
         BAD, "INVALID_ARGUMENT", "partition"),
    Case("a clock set back that is right", ask("operator", "ledger", "OverrideClock",
                                               service="drafting", partition=0,
                                               reason="why not"),
         "failed_precondition", "NOT_HALTED"),
    Case("a public read that waits", raw(
        json.dumps({"realm": "calgary"}), path_of("publishing", "GetFeed"),
        tocsin_after="publishing/0/0"), BAD, "INVALID_ARGUMENT", "tocsin-after"),
    Case("a draft of 1.1 MB", change(
        "ana", "drafting", "CreateMessage", incidentId=the("incident"),
        draft=draft(areas=[area(polygons=[" ".join(["51.00,-114.20"] * 1400)] * 19)] * 3)), BAD,
         "COMMAND_TOO_LARGE", "draft.areas"),
]



def refused(service: str, name: str, send: Send, code: str, reason: str, field: str = "") -> Case:
    return Case(name, send, code, reason, field, ledger=service)


def drafting(name: str, send: Send, code: str, reason: str, field: str = "") -> Case:
    return refused("drafting", name, send, code, reason, field)


def submit(name: str) -> Send:
    return change("ana", "drafting", "SubmitMessage", messageId=the(name), etag=etag(name))


def revise(who: str, name: str, version: Any) -> Send:
    return change(who, "drafting", "ReviseMessage", messageId=the(name), etag=version,
                  draft=draft())


DRAFTING = [
    drafting("a request id used before", lambda world: incident(
        requestId=world.used_request, title="Elbow River")(world), "already_exists",
        "REQUEST_ID_REUSED", "request_id"),
    drafting("an expiry an hour ago", incident(expiresAt=in_hours(-1)), NOT_NOW, "EXPIRED",
             "expires_at"),
    drafting("an id of yesterday", incident(requestId=new_request_id(time.time() - 86400)),
             NOT_NOW, "EXPIRED", "expires_at"),
    drafting("no such incident", create(incidentId="inc-0"), "not_found", "NOT_FOUND",
             "incident_id"),
    drafting("evidence of one's own", drafted(evidence=[{
        "sourceId": "gauge", "series": "X:level", "value": 9.9, "unit": "m",
        "readAt": in_hours(-1)}]), BAD,
        "OWN_EVIDENCE", "draft.evidence"),
    drafting("a template with a broken placeholder", change(
        "ana", "drafting", "PutTemplate", templateId="river", expiresAfterSeconds=3600,
        draft={"title": "Bow at {station}"}), BAD, "BROKEN_PLACEHOLDER", "draft.title"),
    drafting("a template with a mistyped code list", change(
        "ana", "drafting", "PutTemplate", templateId="river", expiresAfterSeconds=3600,
        draft=draft(areas=[area(geocodes=[{"valueName": "same", "value": "048000"}])])), BAD,
        "TEMPLATE_UNUSABLE", "draft.areas[0].geocodes[0].value_name"),
    drafting("neither draft nor template", create(draft=None), BAD, "DRAFT_OR_TEMPLATE", "draft"),
    drafting("draft and template", create(templateId="flood"), BAD, "DRAFT_OR_TEMPLATE",
             "template_id"),
    drafting("values for a draft", create(values={"level": "4"}), BAD, "VALUES_WITHOUT_TEMPLATE",
             "values"),
    drafting("no such template", create(draft=None, templateId="fire"), "not_found", "NOT_FOUND",
             "template_id"),
    drafting("a placeholder without a value", create(draft=None, templateId="flood"), BAD,
             "UNFILLED_PLACEHOLDERS", "values"),
    drafting("an agency that takes no part", drafted(agencies=["city", "harbour"]), NOT_NOW,
             "AGENCY_NOT_IN_INCIDENT", "draft.agencies[1]"),
    drafting("not in one's own name", drafted(agencies=["harbour"]), FORBIDDEN, "OTHER_AGENCY",
             "draft.agencies"),
    drafting("references of an alert", create(references=[{"sender": "a", "identifier": "b"}]), BAD,
             "REFERENCES_NOT_ALLOWED", "references"),
    drafting("an update of nothing", create(messageType="MESSAGE_TYPE_UPDATE"), BAD,
             "REFERENCES_NEEDED", "references"),
    drafting("a bad reference", create(messageType="MESSAGE_TYPE_UPDATE", references=[
        {"sender": "a", "identifier": "b", "sent": "yesterday"}]), BAD, "BAD_REFERENCE",
        "references[0].sent"),
    drafting("a template that exists", change("ana", "drafting", "PutTemplate", templateId="flood",
                                              draft=draft(), expiresAfterSeconds=60),
             "already_exists", "ALREADY_EXISTS", "template_id"),
    drafting("a template of another agency", change(
        "eve", "drafting", "PutTemplate", templateId="flood", draft=draft(), etag="1",
        expiresAfterSeconds=60), FORBIDDEN, "OTHER_AGENCY", "template_id"),
    drafting("a stale etag", revise("ana", "draft", "7"), "aborted", "STALE_ETAG", "etag"),
    drafting("another agency's message", revise("eve", "draft", "1"), FORBIDDEN, "OTHER_AGENCY",
             "message_id"),
    drafting("a text under review", revise("ana", "review", etag("review")), NOT_NOW, "SUBMITTED",
             "message_id"),
    drafting("a message that was withdrawn", revise("ana", "gone", "2"), NOT_NOW, "WITHDRAWN",
             "message_id"),
    drafting("no such message to revise", change(
        "ana", "drafting", "ReviseMessage", messageId="msg-0", etag="1", draft=draft()),
        "not_found", "NOT_FOUND", "message_id"),
    drafting("no retraction, and nobody saw it", submit("unprepared"), NOT_NOW,
             "UNACKNOWLEDGED_WARNINGS", "acknowledged_warnings"),
    drafting("an update of what was never published", submit("update"), NOT_NOW,
             "INCOMPLETE", "references[0]"),
    drafting("an update of a message that was never published", create(
        messageType="MESSAGE_TYPE_UPDATE", earlierMessages=["msg_none"]), NOT_NOW,
        "NOT_IN_FORCE", "earlier_messages[0]"),
    *(drafting(f"submitted with {name}", submit(name), NOT_NOW, "INCOMPLETE", field)
      for name, (field, _) in INCOMPLETE.items()),
]


def approve(who: str, name: str, sha: Any = None) -> Send:
    return change(who, "approval", "Approve", messageId=the(name), digest=sha or digest(name))


def approval(name: str, send: Send, code: str, reason: str, field: str = "") -> Case:
    return refused("approval", name, send, code, reason, field)


APPROVAL = [
    approval("one's own text, as editor", approve("kim", "kim's"), FORBIDDEN, "OWN_TEXT"),
    approval("without the policy's role", approve("dan", "review"), FORBIDDEN, "ROLE_MISSING"),
    approval("for another agency's message", approve("eve", "review"), FORBIDDEN, "OTHER_AGENCY",
             "message_id"),
    approval("last minute's text", approve("ben", "review", "0" * 64), NOT_NOW, "STALE_DIGEST",
             "digest"),
    approval("another text's digest", approve("ben", "review", digest("kim's")), NOT_NOW,
             "STALE_DIGEST", "digest"),
    approval("what is cleared", approve("cleo", "public"), NOT_NOW, "NOT_IN_REVIEW", "message_id"),
    approval("what was not submitted", approve("ben", "draft", "0" * 64), "not_found", "NOT_FOUND",
             "message_id"),
    approval("changes of what is cleared", change(
        "ben", "approval", "RequestChanges", messageId=the("public"), reason="oops"), NOT_NOW,
        "NOT_IN_REVIEW", "message_id"),
    approval("taken back once cleared", change(
        "ana", "approval", "TakeBack", messageId=the("public"), reason="oops"), NOT_NOW, "CLEARED",
        "message_id"),
    approval("a roster without an admin", roster(["city"], ("ana", "city", "author")), BAD,
             "NO_ADMIN", "roster.people"),
    approval("another agency's people", roster(["harbour"], ("mal", "harbour", "admin")),
             FORBIDDEN, "OTHER_AGENCY", "roster.agencies[0].agency_id"),
    approval("a person twice", roster(["city"], ("a", "city", "admin"), ("a", "city", "author")),
             BAD, "DUPLICATE_PERSON", "roster.people[1].subject"),
    approval("an agency twice", roster(["city", "city"], ("a", "city", "admin")), BAD,
             "DUPLICATE_AGENCY", "roster.agencies[1].agency_id"),
    approval("a person of no agency", roster(["city"], ("a", "port", "admin")), BAD,
             "UNKNOWN_AGENCY", "roster.people[0].agency_id"),
]


def publishing(name: str, send: Send, code: str, reason: str, field: str = "") -> Case:
    return refused("publishing", name, send, code, reason, field)


def release(method: str, who: str, name: str) -> Send:
    return change(who, "publishing", method, releaseId=the(f"release {name}"), reason="a mistake")


def delivery(method: str, name: str, **more: object) -> Send:
    return change("cleo", "publishing", method, releaseId=the(f"release {name}"),
                  deliveryId="city-feed", reason="a mistake", **more)


PUBLISHING = [
    publishing("tried again though it is there", delivery("RetryDelivery", "public"), NOT_NOW,
               "NOT_REFUSED", "delivery_id"),
    publishing("resolved though nobody doubts it",
               delivery("ResolveDelivery", "public", found="FINDING_ABSENT"), NOT_NOW,
               "NOT_IN_DOUBT", "delivery_id"),
    publishing("left out though it is there",
               change("cleo", "publishing", "ProceedRelease", releaseId=the("release public"),
                      reason="it is slow"), NOT_NOW, "NOT_UNDER_WAY", "release_id"),
    publishing("a delivery that there is not, left out",
               change("cleo", "publishing", "ProceedRelease", releaseId=the("release later"),
                      deliveryIds=["nobody"], reason="it is slow"), "not_found", "NOT_FOUND",
               "delivery_ids"),
    publishing("all that there is, left out",
               change("cleo", "publishing", "ProceedRelease", releaseId=the("release later"),
                      deliveryIds=["city-feed"], reason="it is slow"), NOT_NOW, "NOTHING_LEFT",
               "delivery_ids"),
    publishing("another agency's release", release("StopRelease", "eve", "later"), FORBIDDEN,
               "OTHER_AGENCY", "release_id"),
    publishing("no such release", change("ben", "publishing", "StopRelease", releaseId="rel-0",
                                         reason="a mistake"), "not_found", "NOT_FOUND",
               "release_id"),
    publishing("a kind that there is not", channel(kind="pigeon"), BAD, "UNKNOWN_KIND", "kind"),
    publishing("a webhook without a URL", channel(url=""), BAD, "URL_MISSING", "url"),
    publishing("a password in the URL", channel(url="https://a:b@hook.example/"), BAD,
               "URL_WITH_SECRET", "url"),
    publishing("a webhook without a credential", channel(credential=""), BAD,
               "CREDENTIAL_MISSING", "credential"),
    publishing("a feed with a URL", channel(kind="feed", credential=""), BAD, "URL_NOT_WANTED",
               "url"),
    publishing("a second feed", channel(kind="feed", credential="", url=""), NOT_NOW,
               "KIND_TAKEN", "kind"),
    publishing("another agency's channel", channel(channelId="harbour-feed"), FORBIDDEN,
               "OTHER_AGENCY", "channel_id"),
    publishing("no such channel", change("dan", "publishing", "RemoveChannel", channelId="none"),
               "not_found", "NOT_FOUND", "channel_id"),
]

OTHERS = [
    refused("trigger", "a parameter with a typo", rule(series="05BH004:dischrge"), BAD,
            "UNKNOWN_SERIES", "series"),
    Case("a rule with a template's typo", rule(templateId="by-guage"), "not_found",
         "NOT_FOUND", "template_id"),
    Case("a rule whose template a reading does not fill", rule(templateId="flood"), NOT_NOW,
         "TEMPLATE_NEEDS_MORE", "template_id"),
    Case("a rule for no incident", rule(incidentId="inc-0"), "not_found", "NOT_FOUND",
         "incident_id"),
    refused("trigger", "a station in small letters", rule(series="05bh004:level"), BAD,
            "UNKNOWN_SERIES", "series"),
    refused("trigger", "a format that there is not", source(format="shef"), BAD,
            "UNKNOWN_FORMAT", "format"),
    refused("trigger", "a password in a source's URL", source(url="https://a:b@usgs.example/iv"),
            BAD, "URL_WITH_SECRET", "url"),
    refused("trigger", "another agency's source", change(
        "eve", "trigger", "PutSource", sourceId="gauge", format="eccc-csv",
        url="https://x.example", pollSeconds=60), FORBIDDEN, "OTHER_AGENCY", "source_id"),
    Case("a rule on no source", rule(sourceId="none"), "not_found", "NOT_FOUND",
         "source_id"),
    refused("trigger", "a source that a rule reads", change(
        "dan", "trigger", "RemoveSource", sourceId="gauge"), NOT_NOW, "SOURCE_IN_USE",
        "source_id"),
    refused("trigger", "another agency's rule", change("eve", "trigger", "RemoveRule",
                                                       ruleId="high"), FORBIDDEN, "OTHER_AGENCY",
            "rule_id"),
    refused("trigger", "no such rule", change("dan", "trigger", "RemoveRule", ruleId="none"),
            "not_found", "NOT_FOUND", "rule_id"),
    refused("measurement", "a remark on nothing", change(
        "hal", "measurement", "AddRemark", messageId="msg-0", text="hm"), "not_found",
        "NOT_FOUND", "message_id"),
]

ALL = [*HTTP, *JSON, *TOKENS, *EDGE, *DRAFTING, *APPROVAL, *PUBLISHING, *OTHERS]
