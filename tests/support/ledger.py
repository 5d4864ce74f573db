"""Reads a ledger straight from Kafka by the one rule, written a second time and independently:
a decision counts if and only if it extends the chain."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from support.protos import message

MAC_HEADER = b"\x7a\x20"  # field 15, 32 bytes


@dataclass
class Record:
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: dict[str, str]


@dataclass
class Counted:
    partition: int
    offset: int
    decision: Any
    digest: bytes

    @property
    def request(self) -> tuple[str, str]:
        return self.decision.cause.actor, self.decision.cause.request_id


@dataclass
class Ledger:
    counted: list[Counted] = field(default_factory=list)
    void: int = 0
    foreign: dict[int, int] = field(default_factory=dict)  # by partition
    heads: dict[int, str] = field(default_factory=dict)  # by partition, in hex
    at: dict[tuple[int, int], Counted] = field(default_factory=dict)

    def of_request(self, actor: str, request_id: str) -> list[Counted]:
        return [one for one in self.counted if one.request == (actor, request_id)]

    def by_request(self) -> dict[tuple[str, str], list[Counted]]:
        found: dict[tuple[str, str], list[Counted]] = {}
        for one in self.counted:
            if one.decision.cause.request_id:
                found.setdefault(one.request, []).append(one)
        return found


def ledger_topic(service: str) -> str:
    return f"tocsin.{service}.ledger.v1"


def commands_topic(service: str) -> str:
    return f"tocsin.{service}.commands.v1"


def seal(body: bytes, key: bytes) -> bytes:
    return body + MAC_HEADER + hmac.digest(key, body, "sha256")


def unseal(record: bytes, key: bytes) -> bytes | None:
    body, tail = record[:-34], record[-34:]
    if len(record) < 34 or tail[:2] != MAC_HEADER:
        return None
    return body if hmac.compare_digest(hmac.digest(key, body, "sha256"), tail[2:]) else None


def genesis(topic: str, partition: int) -> bytes:
    return hashlib.sha256(f"{topic}\0{partition}".encode()).digest()


def read_topic(bootstrap: str, topic: str, partitions: int) -> list[Record]:
    """Every record that is there now."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False,
        "enable.partition.eof": True, "fetch.wait.max.ms": 50, "log_level": 2,
    })
    try:
        ends = {partition: consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=30)[1] for partition in range(partitions)}
        left = {partition for partition, end in ends.items() if end > 0}
        consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
        records: list[Record] = []
        while left:
            got = consumer.poll(30)
            assert got is not None, f"{topic}: Kafka sends nothing more"
            if got.error() is not None and got.error().name() != "_PARTITION_EOF":
                raise AssertionError(f"{topic}: {got.error()}")
            partition, offset = got.partition(), got.offset()
            if got.error() is None:
                headers = {key: (value or b"").decode(errors="replace")
                           for key, value in got.headers() or []}
                records.append(Record(partition, offset, got.key(), got.value(), headers))
            if got.error() is not None or offset + 1 >= ends[partition]:
                left.discard(partition)
        return records
    finally:
        consumer.close()


def read_ledger(bootstrap: str, service: str, partitions: int, mac_key: bytes) -> Ledger:
    topic = ledger_topic(service)
    heads = {partition: genesis(topic, partition) for partition in range(partitions)}
    ledger = Ledger()
    for record in read_topic(bootstrap, topic, partitions):
        body = unseal(record.value or b"", mac_key)
        if body is None:
            ledger.foreign[record.partition] = ledger.foreign.get(record.partition, 0) + 1
            continue
        decision = message("tocsin.ledger.v1.Decision").FromString(body)
        if decision.previous_digest != heads[record.partition]:
            ledger.void += 1
            continue
        digest = hashlib.sha256(record.value).digest()
        heads[record.partition] = digest
        one = Counted(record.partition, record.offset, decision, digest)
        ledger.counted.append(one)
        ledger.at[record.partition, record.offset] = one
    ledger.heads = {partition: head.hex() for partition, head in heads.items()}
    return ledger
