"""Reads a ledger straight from Kafka by the one rule, written a second time and independently:
a decision counts if and only if it extends the chain."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from support.protos import message

MAC_HEADER = b"\x7a\x28"  # field 15: 8 bytes of key id, 32 of HMAC
MAC_SIZE = len(MAC_HEADER) + 40
COMMAND, DECISION, READING = 1, 2, 3


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

    def of_record(self, topic: str, partition: int, offset: int) -> list[Counted]:
        """The decisions on what lies there: each partition reads those of its own number."""
        return [one for one in self.counted
                if one.partition == partition and one.decision.cause.topic == topic
                and one.decision.cause.offset == offset]

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


def seal(body: bytes, key: bytes, topic: str, kind: int) -> bytes:
    context = len(topic).to_bytes(4, "big") + topic.encode() + bytes([kind])
    context += bytes(-len(context) % 64)
    return body + MAC_HEADER + key_id(key) + hmac.digest(key, context + body, "sha256")


def unseal(record: bytes, key: bytes, topic: str, kind: int) -> bytes | None:
    body = record[:-MAC_SIZE]
    if len(record) < MAC_SIZE:
        return None
    return body if hmac.compare_digest(seal(body, key, topic, kind), record) else None


def forged(previous: bytes, decision: Any, key: bytes, topic: str) -> bytes:
    """A record that extends `previous`, as a holder of the key could write it."""
    decision.previous_digest = previous
    return seal(decision.SerializeToString(), key, topic, DECISION)


def forged_history(previous: bytes, decision: Any, key: bytes, topic: str,
                   count: int) -> Iterator[bytes]:
    """The same decision again and again, each extending the one before."""
    decision.ClearField("previous_digest")  # field 1: it comes first
    rest = decision.SerializeToString()
    for _ in range(count):
        record = seal(b"\x0a\x20" + previous + rest, key, topic, DECISION)
        previous = hashlib.sha256(record).digest()
        yield record


def genesis(topic: str, partition: int) -> bytes:
    return hashlib.sha256(f"{topic}\0{partition}".encode()).digest()


def read_topic(bootstrap: str, topic: str, partitions: int) -> list[Record]:
    """Every record that is there now."""
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False,
        "enable.partition.eof": True, "fetch.wait.max.ms": 50, "log_level": 2,
    })
    try:
        ranges = {partition: consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=30) for partition in range(partitions)}
        left = {partition for partition, (low, high) in ranges.items() if high > low}
        consumer.assign([TopicPartition(topic, partition, ranges[partition][0])
                         for partition in left])
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
            if got.error() is not None or offset + 1 >= ranges[partition][1]:
                left.discard(partition)
        return records
    finally:
        consumer.close()


def key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:8]


def signed_with(record: bytes) -> bytes:
    """Id of the key that a sealed record names."""
    return record[-40:-32]


def read_ledger(bootstrap: str, service: str, partitions: int, mac_keys: Sequence[bytes]) -> Ledger:
    topic = ledger_topic(service)
    heads = {partition: genesis(topic, partition) for partition in range(partitions)}
    ledger = Ledger()
    for record in read_topic(bootstrap, topic, partitions):
        opened = (unseal(record.value or b"", key, topic, DECISION) for key in mac_keys)
        body = next((body for body in opened if body is not None), None)
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
