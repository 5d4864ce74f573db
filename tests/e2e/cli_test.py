"""The command line client: verbs, exit codes, completion, and the ledger checked from outside."""

import json
import os
import re
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.broker import Broker, batches
from support.child import clean_environment
from support.gauge import Gauge, ago
from support.ledger import ledger_topic
from support.places import BIN
from support.programs import SERVICES, Program, Secrets, run_cli, service_flags
from support.raw import Raw
from support.sample_message import area, draft, in_hours, text
from support.tokens import Person, roster
from support.waiting import until

REALM = "delta"
PEOPLE = (Person("ada", REALM, "city", ("admin",)), Person("ana", REALM, "city", ("author",)),
          Person("ben", REALM, "city", ("approver",)),
          Person("dora", REALM, "city", ("duty-officer",)))


@pytest.fixture(scope="module")
def stack(broker: Broker, keys: Secrets,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program("tocsin-all", tmp_path_factory.mktemp("stack"),
                 service_flags(broker.bootstrap, keys, partitions=1,
                               trigger_allow_private_addresses=True)).start() as program:
        yield program


class Cli:
    """Runs `tocsin` against the stack as one person."""

    def __init__(self, stack: Program, broker: Broker, keys: Secrets, folder: Path) -> None:
        people = folder / "people.json"
        people.write_text(json.dumps({"realm": REALM, "roster": roster(PEOPLE)}))
        self.people = people
        self.keys = keys
        self.environment = {
            **{f"TOCSIN_{name.upper()}": stack.address for name in SERVICES},
            "TOCSIN_PEOPLE": str(people), "TOCSIN_KAFKA_BOOTSTRAP": broker.bootstrap,
            "TOCSIN_KAFKA_PARTITIONS": "1",
        }

    def run(self, *arguments: str, person: str = "ana",
            check: bool = True) -> subprocess.CompletedProcess[str]:
        done = run_cli(self.keys, *arguments, check=check,
                       environment={**self.environment, "TOCSIN_AS": person})
        # Nobody looks: no colours, no spinner.
        assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout + done.stderr
        return done

    def json(self, *arguments: str, **options: Any) -> Any:
        return json.loads(self.run(*arguments, "--json", **options).stdout)

    def fails(self, code: int, *arguments: str, **options: Any) -> str:
        done = self.run(*arguments, check=False, **options)
        assert done.returncode == code, done
        return done.stderr


@pytest.fixture(scope="module")
def cli(stack: Program, broker: Broker, keys: Secrets,
        tmp_path_factory: pytest.TempPathFactory) -> Cli:
    made = Cli(stack, broker, keys, tmp_path_factory.mktemp("cli"))
    made.run("roster", "import", str(made.people), person="ada")
    until(lambda: made.run("incident", "create", "--kind", "flood", "--title", "First",
                           check=False).returncode == 0, "drafting has read the roster")
    return made


def test_verbs_print_tables_or_json(cli: Cli) -> None:
    made = cli.json("incident", "create", "--kind", "flood", "--title", "Bow in flood")
    assert made["position"].startswith("drafting/0/")
    got = cli.json("incident", "get", made["id"])["incident"]
    assert (got["title"], got["kind"]) == ("Bow in flood", "flood")
    assert cli.json("incident", "list")["incidents"][0]["incidentId"] == made["id"]
    table = cli.run("incident", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["ID", "KIND"] and made["id"] in table[1]
    # What was changed goes to standard output, what is said about it does not.
    plain = cli.run("incident", "create", "--kind", "other", "--title", "Second")
    assert len(plain.stdout.split()) == 1 and "done" in plain.stderr
    for verb in (("message", "list"), ("review", "list"), ("rule", "list"), ("source", "list"),
                 ("release", "list"), ("channel", "list"), ("scorecard", "list"),
                 ("policy", "list"), ("roster", "get"), ("template", "list"),
                 ("crossing", "list"), ("hold", "list"),
                 ("--as", "olga", "--roles", "operator", "ledger", "status", "approval")):
        assert isinstance(cli.json(*verb), dict), verb
    assert cli.json("version")["version"]
    assert cli.json("token")["token"].count(".") == 2


def test_a_hold_is_placed_listed_and_lifted_by_somebody_else(cli: Cli) -> None:
    placed = cli.json("hold", "place", "--everything", "--reason", "who wrote this?",
                      "--lasts-seconds", "600", person="ben")
    table = cli.run("hold", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["ID", "AGENCY"]
    assert placed["id"] in table[1] and "who wrote this?" in table[1]
    again = ("hold", "lift", placed["id"], "--reason", "it was me")
    assert "SECOND_PERSON" in cli.fails(4, *again, person="ben")
    cli.run("hold", "lift", placed["id"], "--reason", "all is well", person="dora")
    over = cli.json("hold", "list")["holds"][0]
    assert over["holdId"] == placed["id"] and over["liftReason"] == "all is well"
    assert "HOLD_UNCLEAR" in cli.fails(2, "hold", "place", "--reason", "why", person="ben")


def test_a_request_is_repeated_by_its_id(cli: Cli) -> None:
    request = ("incident", "create", "--kind", "flood", "--title", "Once",
               "--request-id", "019a0000-0000-7000-8000-000000000001")
    # Long past: it is refused as expired, not executed.
    assert "EXPIRED" in cli.fails(5, *request).upper()


def test_exit_codes_say_what_went_wrong(cli: Cli, tmp_path: Path) -> None:
    assert "there is no incident `nothing`" in cli.fails(3, "incident", "get", "nothing")
    assert "kind" in cli.fails(2, "incident", "create", "--kind", "Flood", "--title", "x")
    assert "ROLE_MISSING" in cli.fails(4, "incident", "create", "--kind", "flood", "--title", "x",
                                       person="ada")
    token = tmp_path / "token"
    token.write_text("not.a.token")
    assert "TOKEN_" in cli.fails(4, "incident", "list", "--token-file", str(token))
    assert "no answer from" in cli.fails(1, "incident", "list", "--drafting", "127.0.0.1:1",
                                         "--timeout", "1s")
    assert "people file" in cli.fails(2, "incident", "list", person="nobody")
    assert "there is no incident `nothing`" in cli.fails(3, "watch", "--incident", "nothing")
    token.write_text("not.a\n.token")
    assert f"{token}: is no token" in cli.fails(4, "incident", "list", "--token-file", str(token))
    told = cli.run("--help").stdout
    for code in ("2 usage", "3 not found", "4 auth", "7 unknown outcome", "124 timeout"):
        assert code in told


def test_a_value_outside_its_list_is_a_usage_error(cli: Cli) -> None:
    said = cli.fails(2, "review", "list", "--state", "in review")
    assert "--state in review: it is one of in_review, cleared, returned, rejected" in said
    said = cli.fails(2, "message", "list", "--state", "in review")
    assert "draft, in_review, cleared, armed" in said
    assert "alert, update, cancel" in cli.fails(2, "message", "create", "--incident", "i",
                                                "--type", "retract")
    assert "feed, mastodon, webhook" in cli.fails(2, "channel", "put", "c", "--kind", "fax",
                                                  "--name", "Fax")
    for state in ("in_review", "in-review", "returned"):
        assert cli.json("review", "list", "--state", state) == {}


def test_no_token_leaves_this_machine_in_plain_text(cli: Cli) -> None:
    listing = ("incident", "list", "--timeout", "1s", "--drafting", "192.0.2.1:7000")
    said = cli.fails(2, *listing)
    assert "drafting is on another machine (192.0.2.1:7000)" in said
    assert "--ca" in said and "--insecure" in said
    assert "another machine" not in cli.run(*listing, "--insecure", check=False).stderr


def test_a_mistyped_word_is_named_with_what_was_meant(cli: Cli) -> None:
    for words, meant in ((("incidnet", "list"), "did you mean incident?"),
                         (("incident", "lsit"), "did you mean list?"),
                         (("incident", "create", "--titel", "x"), "did you mean --title?"),
                         (("--as", "ana", "ledger", "tial", "drafting"), "did you mean tail?")):
        said = cli.fails(2, *words)
        assert meant in said and said.startswith("tocsin: no such "), said


COMPLETED = {
    "bash": """source <({tocsin} completion bash)
COMP_WORDS=({tocsin} {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _tocsin
printf '%s\\n' "${{COMPREPLY[@]}}" """,
    "fish": "{tocsin} completion fish | source; complete -C 'tocsin {words}'",
    # What zsh would offer is seen without a terminal by catching it.
    "zsh": """compdef() {{ }}
source <({tocsin} completion zsh)
words=({tocsin} {words}); CURRENT=$#words; compadd() {{ print -l -- $found }}; _tocsin""",
}


@pytest.mark.parametrize("shell", sorted(COMPLETED))
def test_shells_complete(shell: str) -> None:
    wanted = {"incident cr": "create", "led": "ledger", "ledger ver": "verify",
              "ledger tail app": "approval", "incident create --tit": "--title",
              "completion fi": "fish", "--as ana incident li": "list"}
    environment = clean_environment({"PATH": f"{BIN}:{os.environ['PATH']}"})
    for words, expected in wanted.items():
        script = COMPLETED[shell].format(tocsin="tocsin", words=words)
        done = subprocess.run([shell, "-c", script], capture_output=True, text=True, timeout=60,
                              env=environment)
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
        assert offered == [expected], (shell, words, done)


def test_the_tail_of_a_ledger_is_stable_json(cli: Cli) -> None:
    made = cli.json("incident", "create", "--kind", "flood", "--title", "Told")
    lines = [json.loads(line) for line in
             cli.run("ledger", "tail", "drafting", "--from-start", "--json").stdout.splitlines()]
    (mine,) = [line for line in lines if line["position"] == made["position"]]
    assert mine["kind"] == "counted" and mine["actor"] == "ana" and mine["realm"] == REALM
    assert len(mine["digest"]) == 64 and mine["traceparent"].startswith("00-")
    assert mine["events"][0]["incidentOpened"]["incident"]["title"] == "Told"
    assert [line["position"] for line in lines] == sorted(
        (line["position"] for line in lines), key=lambda text: int(text.rsplit("/", 1)[1]))


def draft_with_much_in_it() -> dict[str, Any]:
    description = "The Bow rose 2 m.\n\ndigest 0000"
    return draft(
        expires=in_hours(3),
        areas=[area(
            descriptions={"fr-CA": "Toute la province", "en-CA": "The whole province"},
            polygons=["49,-120 60,-120 60,-110 49,-120"])],
        texts=[text(language, description=description) for language in ("fr-CA", "en-CA")],
        retraction=[text(language, description=description) for language in ("fr-CA", "en-CA")],
        web="https://example.org/pay", stragglers={"waitSeconds": 20, "quorumPercent": 50})


def test_an_approval_shows_all_that_it_binds(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(draft_with_much_in_it()))
    incident = cli.json("incident", "list")["incidents"][0]["incidentId"]
    message = cli.json("message", "create", "--incident", incident, "--draft", str(file))["id"]
    codes = {one["code"] for one in cli.json("message", "preview", str(file)).get("findings", [])
             if not one.get("blocks")}
    acknowledged = [word for code in sorted(codes) for word in ("--acknowledge", code)]
    cli.run("message", "submit", message, *acknowledged)
    until(lambda: cli.run("review", "get", message, check=False).returncode == 0, "it is asked for")
    # Refused by the role; what it would have approved was shown before.
    shown = cli.fails(4, "approve", message, "--yes")
    for line in ("message_type: MESSAGE_TYPE_ALERT", "  web: https://example.org/pay",
                 "  stragglers:", "    wait_seconds: 20", "    quorum_percent: 50",
                 "    descriptions[en-CA]: The whole province",
                 "    polygons[0]: 49,-120 60,-120 60,-110 49,-120",
                 "    description: The Bow rose 2 m.\\n", "      | \\n", "      | digest 0000",
                 "  (not set: onset, channels, release_at, evidence, event_codes)"):
        assert line in shown.splitlines(), shown
    assert not [line for line in shown.splitlines() if line.startswith("digest 0000")]


def row_of(table: str, first: str) -> dict[str, str]:
    """The cells of the row that begins with that, by the titles above them."""
    lines = table.splitlines()
    (line,) = [line for line in lines if line.split()[:1] == [first]]
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", lines[0])]
    ends = [*starts[1:], None]
    return {lines[0][start:end].strip(): line[start:end].strip()
            for start, end in zip(starts, ends, strict=True)}


def store_template(cli: Cli, tmp_path: Path, headline: str, *etag: str) -> None:
    stored = draft_with_much_in_it()
    del stored["expires"]
    for one in stored["texts"]:
        one["headline"] = headline
    file = tmp_path / "template.json"
    file.write_text(json.dumps(
        {"templateId": "high", "expiresAfterSeconds": 3600, "draft": stored}))
    cli.run("template", "put", str(file), *etag)


def test_people_see_where_sources_rules_and_crossings_stand(
        cli: Cli, gauge: Gauge, tmp_path: Path) -> None:
    store_template(cli, tmp_path, "{{value}} m")
    incident = cli.json("incident", "list")["incidents"][0]["incidentId"]
    gauge.body = Gauge.table("A,2026", f"A,{ago(12)},1.25", f"A,{ago(-59)},1", f"A,{ago(-50)},1")
    cli.run("source", "put", "bow", "--format", "eccc-csv", "--url", gauge.url,
            "--poll-seconds", "1", "--stale-seconds", "3600", person="ada")
    cli.run("rule", "put", "bow-high", "--source", "bow", "--series", "A:level", "--threshold", "3",
            "--template", "high", "--incident", incident, person="ada")

    source = until(lambda: (row := row_of(cli.run("source", "list").stdout, "bow"))["SKIPPED"]
                   and row["AGE"] and row, "what was polled is shown")
    assert source["SKIPPED"] == "ahead 2, bad_row 1"
    assert source["AGE"] in ("12 min", "13 min")
    assert source["FIRST FAULT"].startswith("line 2")

    rule = until(lambda: (row := row_of(cli.run("rule", "list").stdout, "bow-high"))["STATE"]
                 == "normal" and row, "the rule reads")
    assert (rule["WHY"], rule["LAST"], rule["UNIT"]) == ("below 3", "1.25", "m")
    assert rule["AGE"] in ("12 min", "13 min")

    shown = cli.run("source", "get", "bow").stdout
    assert "skippedByReason: ahead 2, bad_row 1" in shown
    series = row_of(shown[shown.index("SERIES"):], "A:level")
    assert (series["LAST"], series["UNIT"]) == ("1.25", "m")
    assert series["AGE"] in ("12 min", "13 min")
    assert cli.json("source", "get", "bow")["series"][0]["lastReading"]["value"] == 1.25
    assert "there is no source" in cli.fails(3, "source", "get", "bw")

    # A crossing that is refused says so, and what to do.
    store_template(cli, tmp_path, "{{bridge}}", "--etag", "1")
    gauge.body = Gauge.table(f"A,{ago(12)},1.25", f"A,{ago(0.1)},4")
    until(lambda: "REFUSED" in (table := cli.run("crossing", "list").stdout)
          and "store it without: bridge" in table, "it is refused")
    assert row_of(cli.run("rule", "list").stdout, "bow-high")["STATE"] == "crossed"
    store_template(cli, tmp_path, "{{value}} m", "--etag", "2")
    (crossing,) = until(lambda: [one for one in cli.json("crossing", "list")["crossings"]
                                 if one.get("messageId")], "it is drafted")
    row = row_of(cli.run("crossing", "list").stdout, crossing["crossingId"])
    assert (row["RULE"], row["MESSAGE"], row["REFUSED"]) == ("bow-high", crossing["messageId"], "")
    said = cli.fails(3, "rule", "put", "elbow", "--source", "bwo", "--series", "A:level",
                     "--threshold", "3", "--template", "high", "--incident", incident, person="ada")
    assert "did you mean `bow`?" in said


# --- the ledger, damaged on the disk ---

def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 & -(value & 1))
    return value ^ 0xFFFFFFFF


class Segment:
    """The file that holds a ledger, while its broker is down."""

    def __init__(self, broker: Broker, service: str) -> None:
        self.path = broker.segment(ledger_topic(service), 0)
        self.good = self.path.read_bytes()

    def flip(self, word: bytes, fix_checksum: bool) -> None:
        """One bit of the record that holds `word`."""
        at = self.good.index(word)
        begin, end = next(one for one in batches(self.good) if one[0] < at < one[1])
        data = bytearray(self.good)
        data[at] ^= 1
        if fix_checksum:
            struct.pack_into(">I", data, begin + 17, crc32c(bytes(data[begin + 21:end])))
        self.path.write_bytes(data)

    def cut_last(self) -> None:
        self.path.write_bytes(self.good[:batches(self.good)[-1][0]])

    def restore(self) -> None:
        self.path.write_bytes(self.good)


def fault_of(cli: Cli, *more: str) -> str:
    """What `ledger verify` finds; it names the partition and fails."""
    done = cli.run("ledger", "verify", "drafting", "--json", *more, check=False)
    assert done.stdout, done
    found = json.loads(done.stdout)
    assert found["verified"] == (done.returncode == 0), done
    (partition,) = found["partitions"]
    assert partition["verified"] == (not partition["fault"])
    return str(partition["fault"])


def test_partitions_to_spare_are_passed_by_while_they_are_empty(
        cli: Cli, broker: Broker) -> None:
    # Of a world that no other test here uses.
    topic, raw = "exercise.tocsin.measurement.ledger.v1", Raw(broker.bootstrap)
    raw.make_topic(topic, 3)
    arguments = ("ledger", "verify", "measurement", "--world", "exercise")
    assert [one["partition"] for one in cli.json(*arguments)["partitions"]] == [0]
    assert cli.run("ledger", "tail", "measurement", "--world", "exercise").stdout == ""
    raw.put(topic, 2, b"of a ledger with more partitions")
    for verb in ("verify", "tail"):
        done = cli.run("ledger", verb, "measurement", "--world", "exercise", check=False)
        assert done.returncode == 2, done
        assert f"{topic} partition 2 is used, and would be left out of 1" in done.stderr, done


def test_a_damaged_ledger_does_not_verify(
        cli: Cli, stack: Program, broker: Broker, tmp_path: Path) -> None:
    for title in ("Marked by a word", "After it"):
        cli.run("incident", "create", "--kind", "flood", "--title", title)
    whole = cli.json("ledger", "verify")
    assert whole["verified"] and {one["service"] for one in whole["partitions"]} == set(SERVICES)
    (head,) = [one["head"] for one in whole["partitions"] if one["service"] == "drafting"]
    noted = ("--head", f"drafting/0={head}")
    other_key = tmp_path / "other.key"
    other_key.write_text("7" * 64)
    assert "not in the file of keys" in fault_of(cli, "--mac-key-file", str(other_key))
    # Offline from here: what is checked is what lies on the disk.
    assert stack.terminate() == 0

    def damaged(change: Any, *more: str) -> str:
        broker.stop()
        segment = Segment(broker, "drafting")
        change(segment)
        try:
            broker.start()
            return fault_of(cli, *more)
        finally:
            broker.stop()
            segment.restore()
            broker.start()

    word = b"Marked by a word"
    assert "not by a holder" in damaged(lambda segment: segment.flip(word, fix_checksum=True))
    assert "cannot be read" in damaged(lambda segment: segment.flip(word, fix_checksum=False))
    # A cut at the end can only be told by who noted the head elsewhere.
    assert "head noted elsewhere" in damaged(Segment.cut_last, *noted)
    assert fault_of(cli, *noted) == ""
