"""Our CAP alerts and the pages of our feeds, read by programs of other makers."""

import copy
import json
import os
import re
import subprocess
from pathlib import Path

import capvalidator
import feedparser
import pytest
from lxml import etree

from support.places import ROOT, binary

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Path(tmp_path_factory.mktemp("cap"))
    subprocess.run([binary("cap-files"), made], check=True, timeout=30)
    return made


@pytest.fixture(scope="module")
def alerts(folder: Path) -> dict[str, bytes]:
    found = {file.stem: file.read_bytes() for file in sorted(folder.glob("*.cap"))}
    assert len(found) >= 25
    return found


def refusals(alerts: dict[str, bytes]) -> dict[str, str]:
    checked = {name: capvalidator.check_schema(xml) for name, xml in alerts.items()}
    return {name: one.message for name, one in checked.items() if not one.passed}


def test_capvalidator_accepts_every_alert(alerts: dict[str, bytes]) -> None:
    assert refusals(alerts) == {}
    unsigned = capvalidator.validate_cap_message(alerts["alert"], strict=False)
    assert unsigned.passed, unsigned.message


def test_it_refuses_what_is_out_of_order(alerts: dict[str, bytes]) -> None:
    broken = {}
    for name, child in (("sent", 1), ("scope", 0), ("info", 2)):
        root = etree.fromstring(alerts["alert"])
        moved = root.find(CAP + name)
        root.remove(moved)
        root.insert(child, moved)
        broken[name] = etree.tostring(root)
    for name in ("event", "expires", "area"):
        root = etree.fromstring(alerts["alert"])
        info = root.find(CAP + "info")
        info.insert(0, info.find(CAP + name))
        broken[f"info/{name}"] = etree.tostring(root)
    for name in ("identifier", "status"):
        root = copy.deepcopy(etree.fromstring(alerts["alert"]))
        root.remove(root.find(CAP + name))
        broken[f"no {name}"] = etree.tostring(root)
    assert sorted(refusals(broken)) == sorted(broken)


def test_the_schema_of_oasis_accepts_every_alert(alerts: dict[str, bytes]) -> None:
    if "TOCSIN_DATA" not in os.environ:
        pytest.skip("TOCSIN_DATA is not set")
    schema = etree.XMLSchema(file=f"{os.environ['TOCSIN_DATA']}/cap/schema/CAP-v1.2.xsd")
    bad = {name: str(schema.error_log) for name, xml in alerts.items()
           if not schema.validate(etree.fromstring(xml))}
    assert bad == {}


def texts(xml: bytes, path: str) -> list[str]:
    """Of the elements at a path such as ./info/headline."""
    found = etree.fromstring(xml).findall(path.replace("/", f"/{CAP}"))
    return [element.text or "" for element in found]


def test_what_is_said_is_what_is_read(alerts: dict[str, bytes], folder: Path) -> None:
    hostile = (folder / "hostile.txt").read_text(encoding="utf-8")
    for part in ("event", "headline", "description", "instruction", "area/areaDesc"):
        assert texts(alerts["hostile"], f"./info/{part}") == [hostile, hostile], part
    assert texts(alerts["seven-languages"], "./info/language") == [
        "fr-CA", "en-CA", "es", "pa", "zh-CN", "ar", "cr"]
    assert texts(alerts["update"], "./msgType") == ["Update"]
    assert len(texts(alerts["update"], "./references")[0].split()) == 20
    assert texts(alerts["retraction"], "./msgType") == ["Cancel"]
    assert texts(alerts["test"], "./status") == ["Test"]
    assert len(texts(alerts["shapes"], "./info/area/polygon")) == 40
    assert len(texts(alerts["shapes"], "./info/area/circle")) == 40
    assert len(texts(alerts["fifty-areas"], "./info/area")) == 100


def read_feed(body: bytes, kind: str) -> feedparser.FeedParserDict:
    """Given as a response, so that it is judged by its media type too."""
    feed = feedparser.parse(body, response_headers={"content-type": f"application/{kind}+xml"},
                            sanitize_html=False)
    assert not feed.bozo, feed.bozo_exception
    return feed


def is_marked(number: int) -> bool:
    """Whether that entry of `cap-files` is superseded, and of a joint message."""
    return number % 10 == 0


@pytest.mark.parametrize("entries", [0, 1, 200])
def test_a_feed_reader_reads_the_index(folder: Path, entries: int) -> None:
    feed = read_feed((folder / f"{entries}.atom").read_bytes(), "atom")
    assert feed.version == "atom10"
    assert feed.feed.id.endswith("fr-CA.atom") and feed.feed.language == "fr-CA"
    assert feed.feed.author == "Ville de Calgary <essai>"
    assert feed.feed.updated_parsed[:3] == (2026, 6, 20)
    assert {link.rel for link in feed.feed.links} == {"self"} | ({"next"} if entries > 1 else set())
    assert len(feed.entries) == entries
    assert len({entry.id for entry in feed.entries}) == entries
    for number, entry in enumerate(feed.entries):
        assert entry.links[0].href == f"https://alerts.example.com/{number}.xml?a=1&b=é"
        others = ["successor-version", "related", "related"] if is_marked(number) else []
        assert [(link.rel, link.type) for link in entry.links] == [
            (rel, "application/cap+xml") for rel in ["alternate", *others]]
        assert entry.updated_parsed and entry.published_parsed
        assert entry.author == "Ville de Calgary & <amis>"
        kind = "Update" if number % 2 else "Alert"
        terms = ["Met", "Actual", kind]
        if is_marked(number):
            terms.append("Update" if number % 20 else "Cancel")
            assert entry.title.startswith("Remplacée : " if number % 20 else "Annulée : ")
        assert [tag.term for tag in entry.tags] == terms


@pytest.mark.parametrize("entries", [0, 1, 200])
def test_a_feed_reader_reads_the_rss_index(folder: Path, entries: int) -> None:
    feed = read_feed((folder / f"{entries}.rss").read_bytes(), "rss")
    assert feed.version == "rss20"
    assert feed.feed.language == "fr-CA" and feed.feed.title == "Alertes & avis"
    assert feed.feed.updated_parsed[:5] == (2026, 6, 20, 18, 0)
    assert len({entry.id for entry in feed.entries}) == len(feed.entries) == entries
    for number, entry in enumerate(feed.entries):
        assert entry.link == f"https://alerts.example.com/{number}.xml?a=1&b=é"
        assert entry.published_parsed[:5] == (2026, 6, 20, 18, 0)
        assert entry.author == "Ville de Calgary & <amis>"
        rels = [link.rel for link in entry.links]
        assert rels.count("related") == (2 if is_marked(number) else 0)
        superseded = [tag.term for tag in entry.tags if tag.scheme == "tocsin:superseded"]
        assert superseded == ([["Cancel"], ["Update"]][number % 20 != 0]
                              if is_marked(number) else [])


def test_schemas_of_others_accept_the_indexes(folder: Path) -> None:
    if "TOCSIN_DATA" not in os.environ:
        pytest.skip("TOCSIN_DATA is not set")
    schema = etree.XMLSchema(file=f"{os.environ['TOCSIN_DATA']}/cap/schema/rss-2_0.xsd")
    for entries in (1, 200):  # It wants an item; RSS itself does not.
        assert schema.validate(etree.parse(folder / f"{entries}.rss")), schema.error_log


def jing(file: Path) -> subprocess.CompletedProcess[str]:
    schema = Path(ROOT) / "tests/data/atom.rnc"
    return subprocess.run(["jing", "-c", schema, file], capture_output=True, text=True, timeout=60,
                          check=False)


@pytest.mark.parametrize("entries", [0, 1, 200])
def test_the_grammar_of_rfc_4287_accepts_the_index(folder: Path, entries: int) -> None:
    checked = jing(folder / f"{entries}.atom")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_grammar_refuses_what_the_rfc_forbids(folder: Path, tmp_path: Path) -> None:
    page = (folder / "1.atom").read_text(encoding="utf-8")
    date = re.search("<updated>([^<]*)</updated>", page).group(1)
    broken = {
        "no id": re.sub("<id>[^<]*</id>", "", page, count=1),
        "a date": page.replace(date, "20 June 2026"),
        "two titles": page.replace("</title>", "</title><title>x</title>", 1),
        "an entry without updated": page.replace(
            page[page.index("<entry>"):],
            re.sub("<updated>[^<]*</updated>", "", page[page.index("<entry>"):])),
        "a link to nowhere": re.sub(' href="[^"]*"', "", page, count=1),
        "an element of its own": page.replace("<entry>", "<entry><unknown/>"),
        "a category without a term": re.sub(' term="[^"]*"', "", page, count=1),
    }
    accepted = []
    for name, text in broken.items():
        assert text != page, name
        file = tmp_path / "broken.atom"
        file.write_text(text, encoding="utf-8")
        if jing(file).returncode == 0:
            accepted.append(name)
    assert accepted == []


@pytest.mark.parametrize("entries", [0, 1, 200])
def test_the_collection_is_geojson(folder: Path, entries: int) -> None:
    page = json.loads((folder / f"{entries}.geojson").read_text(encoding="utf-8"))
    assert page["type"] == "FeatureCollection" and len(page["features"]) == entries
    assert ("next" in page) == (entries > 1)
    for number, feature in enumerate(page["features"]):
        assert feature["type"] == "Feature" and feature["id"]
        assert feature["geometry"]["type"] == "MultiPolygon"
        for polygon in feature["geometry"]["coordinates"]:
            for ring in polygon:
                assert len(ring) >= 4 and ring[0] == ring[-1]
                assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in ring)
        superseded = feature["properties"]["superseded"]
        assert bool(superseded) == is_marked(number)
        assert len(feature["properties"]["joint"]) == (2 if is_marked(number) else 0)


def test_the_index_is_as_rfc_4287_asks(folder: Path) -> None:
    atom = "{http://www.w3.org/2005/Atom}"
    date = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
    for entries in (0, 1, 200):
        feed = etree.parse(folder / f"{entries}.atom").getroot()
        assert feed.tag == atom + "feed"
        for element in [feed, *feed.findall(atom + "entry")]:
            for name in ("id", "title", "updated"):
                assert len(element.findall(atom + name)) == 1, name
            assert date.fullmatch(element.findtext(atom + "updated"))
        assert feed.findtext(f"{atom}author/{atom}name")
