"""Commands as large as Kafka takes them, which nobody could ask for through the API: refused, kept
as far as a dead letter holds them, and the partition goes on, without turning in circles."""

import time
from typing import Any

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.calls import request_bytes
from support.connect import new_request_id
from support.ledger import COMMAND, MAC_SIZE, commands_topic, read_topic, seal
from support.protos import message
from support.raw import Raw
from support.waiting import until

COMMANDS = commands_topic("drafting")
DEAD_LETTERS = "tocsin.dead-letters.v1"
RECORD_BYTES = 1_048_450
WATCHED_S = 3.0


def command(title_bytes: int) -> bytes:
    record = message("tocsin.ledger.v1.CommandRecord")(
        realm="calgary", actor="ann@calgary.example", agency="city", roles=["author"],
        request_id=new_request_id())
    record.expires_at.FromSeconds(int(time.time()) + 600)
    body = message("tocsin.drafting.v1.Command")()
    body.create_incident.ParseFromString(request_bytes("drafting", "CreateIncident", {
        "requestId": record.request_id, "kind": "flood", "title": "x" * title_bytes}))
    record.body = body.SerializeToString()
    return record.SerializeToString()


def large_command(size: int) -> bytes:
    """One whose decision would carry its title, hence be too large to store."""
    room = size - len(command(size // 2)) + size // 2
    made = command(room)
    return made if len(made) == size else command(room - (len(made) - size))


BODIES = {
    "its decision would not fit": lambda size: large_command(size),
    "it cannot be read": lambda size: b"\xff" * size,
}


def busy(pair: Pair) -> list[float]:
    """Share of one processor that each instance uses."""
    before = [instance.cpu_seconds() for instance in pair.instances]
    began = time.monotonic()
    until(lambda: time.monotonic() - began >= WATCHED_S, "they were watched for a while", 60, 0.1)
    took = time.monotonic() - began
    return [(instance.cpu_seconds() - used) / took
            for instance, used in zip(pair.instances, before, strict=True)]


def decided_at(pair: Pair, partition: int, offset: int) -> list[Any]:
    return [one.decision for one in pair.ledger().counted
            if one.partition == partition and one.decision.cause.topic == COMMANDS
            and one.decision.cause.offset == offset]


@pytest.mark.parametrize("what", BODIES)
def test_a_command_as_large_as_kafka_takes_is_refused_and_the_partition_goes_on(
        pair: Pair, what: str) -> None:
    partition, _ = pair.create(pair.left).position
    sealed = seal(BODIES[what](RECORD_BYTES - MAC_SIZE), pair.keys.mac_key, COMMANDS, COMMAND)
    assert len(sealed) == RECORD_BYTES
    offset = Raw(pair.bootstrap).put(COMMANDS, partition, sealed)
    for instance in pair.instances:
        pair.create(instance, seconds=30)
    [decision] = decided_at(pair, partition, offset)
    assert decision.WhichOneof("outcome") == "rejected", what
    letters = [letter for letter in read_topic(pair.bootstrap, DEAD_LETTERS, pair.partitions)
               if letter.headers.get("tocsin_error_offset") == str(offset)
               and letter.headers.get("tocsin_error_topic") == COMMANDS]
    assert letters, "no dead letter"
    # Of what does not fit, the beginning is kept; all of it stays in the commands for a week.
    assert all(letter.value and sealed.startswith(letter.value) for letter in letters)
    shares = busy(pair)
    assert max(shares) < 0.5, f"an instance turns in circles: {shares}"
    check_chain(pair, settled(pair))
