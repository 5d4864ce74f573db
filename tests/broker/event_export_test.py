"""What counted, in tocsin.events.v1: nothing is left out, whoever dies, and others can read it."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from google.protobuf import json_format

from support.broker import Broker
from support.connect import Connect, new_request_id
from support.ledger import Record, read_topic
from support.programs import SERVICES, Program, Secrets, run_cli, service_flags
from support.protos import message
from support.tokens import Issuer, Person, roster
from support.waiting import until

PARTITIONS = 2
TOPIC = "tocsin.events.v1"
ADMIN = Person("ada@city.example", "calgary", "city", ("admin", "author"))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class AnyBytes:
    """A CloudEvents format that leaves the data as it is: it is protobuf."""

    def read_data(self, data: bytes, _type: str | None) -> bytes:
        return data


@pytest.fixture
def pair(broker: Broker, keys: Secrets, tmp_path: Path) -> Iterator[list[Program]]:
    programs = [
        Program("tocsin-all", tmp_path / name,
                service_flags(broker.bootstrap, keys, name, PARTITIONS))
        for name in ("one", "two")
    ]
    for program in programs:
        program.start()
    yield programs
    for program in programs:
        program.kill()


class Load:
    """Opens incidents, one after another, through whichever instance answers."""

    def __init__(self, programs: list[Program], token: str) -> None:
        self.programs = programs
        self.token = token
        self.accepted = 0
        self.partition = ""  # where the realm lives
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def grows(self, by: int, what: str) -> None:
        wanted = self.accepted + by
        until(lambda: self.accepted >= wanted, what, 60)

    def _run(self) -> None:
        while not self._stop.is_set():
            request = {"requestId": new_request_id(), "kind": "flood", "title": "Bow River"}
            while not self._stop.is_set() and not self._ask(request):
                pass
            self.accepted += 1

    def _ask(self, request: dict[str, Any]) -> bool:
        for program in self.programs:
            try:
                reply = Connect(program.url, self.token, 3).call(
                    "drafting", "CreateIncident", request,
                    headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
            except (requests.RequestException, OSError, ValueError):
                continue
            if reply.ok:
                self.partition = reply.body["position"].split("/")[1]
                return True
        return False


def leader(programs: list[Program], partition: str) -> Program | None:
    leading = [program for program in programs if program.running and program.metric(
        "tocsin_leads", service="drafting", partition=partition) > 0]
    return leading[0] if len(leading) == 1 else None


def exported(broker: Broker) -> list[Record]:
    """Everything that is in the topic now."""
    return read_topic(broker.bootstrap, TOPIC, PARTITIONS)


def counted(broker: Broker, keys: Secrets) -> dict[str, dict[str, Any]]:
    """Every event that counted by its CloudEvents id, as `tocsin ledger tail` tells it."""
    events: dict[str, dict[str, Any]] = {}
    for service in SERVICES:
        told = run_cli(keys, "ledger", "tail", service, "--from-start", "--json", "--partitions",
                       str(PARTITIONS), "--kafka-bootstrap", broker.bootstrap).stdout
        for line in map(json.loads, told.splitlines()):
            if line["kind"] != "counted":
                continue
            for place, event in enumerate(line.get("events", [])):
                events[f"{line['digest']}-{place}"] = {**line, "event": event, "service": service}
    return events


def ids_of(records: list[Record]) -> list[str]:
    return [record.headers["ce_id"] for record in records]


def wait_for_all(
        programs: list[Program], broker: Broker, keys: Secrets) -> dict[str, dict[str, Any]]:
    expected = counted(broker, keys)
    missing: set[str] = set()

    def all_exported() -> bool:
        missing.clear()
        missing.update(set(expected) - set(ids_of(exported(broker))))
        return not missing

    try:
        until(all_exported, "all is exported", 60, 0.5)
    except TimeoutError:
        print("not exported:", *sorted(expected[name]["position"] for name in missing))
        for program in programs:
            print(*(line for line in requests.get(program.metrics_url, timeout=5).text.splitlines()
                    if line.startswith(("tocsin_exported_events", "tocsin_event_export",
                                     "tocsin_leads"))), sep="\n")
        raise
    return expected


def prepare(programs: list[Program], issuer: Issuer) -> str:
    token = issuer.token(ADMIN)
    gateway = Connect(programs[0].url, token)
    answer = gateway.must_change("approval", "ImportRoster", {"roster": roster([ADMIN])})
    for program in programs:
        Connect(program.url, token).reach(answer["position"], "approval")
    return token


def check_record(record: Record, line: dict[str, Any]) -> None:
    """One record, as a reader that knows CloudEvents but not us sees it."""
    headers = {name: value.encode() for name, value in record.headers.items()}
    event = from_binary(KafkaMessage(headers, record.key, record.value), AnyBytes())
    service = line["service"]
    assert event.get_specversion() == "1.0"
    assert event.get_source() == f"/tocsin/live/{service}"
    assert event.get_datacontenttype() == "application/protobuf"
    assert event.get_extension("partitionkey") == line["realm"]
    assert record.headers["ce_partitionkey"] == line["realm"]
    data = message("tocsin.ledger.v1.PublicEvent").FromString(event.get_data())
    assert event.get_type() == f"tocsin.{service}.v1.{data.type}"
    assert event.get_time().timestamp() == pytest.approx(data.decided_at.ToMicroseconds() / 1e6)
    where = data.position
    assert f"{where.service}/{where.partition}/{where.offset}" == line["position"]
    assert record.partition == where.partition
    inner = message(f"tocsin.{service}.v1.Event").FromString(data.event)
    assert json_format.MessageToDict(inner) == line["event"]
    if data.type == "incident_opened":
        assert event.get_subject() == inner.incident_opened.incident.incident_id
        assert record.headers["traceparent"].split("-")[1] == TRACE


def test_nothing_is_left_out_whoever_dies(
        pair: list[Program], broker: Broker, keys: Secrets, issuer: Issuer) -> None:
    token = prepare(pair, issuer)
    with Load(pair, token) as load:
        load.grows(50, "incidents are opened")
        for _ in range(4):
            leading = until(lambda: leader(pair, load.partition), "one instance leads", 30)
            leading.kill()
            load.grows(20, "another instance goes on")
            leading.start()
            load.grows(20, "they go on together")
        broker.restart()
        load.grows(20, "it goes on after a crash of the broker")
    expected = wait_for_all(pair, broker, keys)
    records = exported(broker)
    ids = ids_of(records)
    assert set(ids) == set(expected), "only what counted is exported"
    first: dict[str, Record] = {}
    for name, record in zip(ids, records, strict=True):
        check_record(record, expected[name])
        assert first.setdefault(name, record).value == record.value
    print(f"{len(expected)} events, {len(ids) - len(expected)} of them twice")


def test_a_restart_in_peace_repeats_nothing(
        pair: list[Program], broker: Broker, keys: Secrets, issuer: Issuer) -> None:
    token = prepare(pair, issuer)
    with Load(pair, token) as load:
        load.grows(20, "incidents are opened")
    events = len(wait_for_all(pair, broker, keys))
    records = len(exported(broker))
    for program in pair:
        assert program.terminate() == 0
    for program in pair:
        program.start()
    with Load(pair, token) as load:
        load.grows(5, "incidents are opened")
    more_events = len(wait_for_all(pair, broker, keys)) - events
    assert more_events >= 5
    assert len(exported(broker)) - records == more_events
    until(lambda: all(program.metric("tocsin_event_export_lag_records", service=service) == 0
                      for program in pair for service in SERVICES), "nothing is behind")


def test_what_all_left_when_they_died_at_once_is_exported(
        pair: list[Program], broker: Broker, keys: Secrets, issuer: Issuer) -> None:
    token = prepare(pair, issuer)
    with Load(pair, token) as load:
        load.grows(5, "incidents are opened")
    for program in pair:
        program.kill()
    for program in pair:
        program.start()
    wait_for_all(pair, broker, keys)
