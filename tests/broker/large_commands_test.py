"""Commands as large as Kafka takes them, which nobody could ask for through the API: refused, kept
as far as a dead letter holds them, and the partition goes on, without turning in circles."""

import pytest

from commands import COMMANDS, command, dead_letters
from oracle import check_chain, check_idle, settled
from pair import Pair
from support.ledger import COMMAND, MAC_SIZE, seal
from support.raw import Raw

RECORD_BYTES = 1_048_450


def titled(title_bytes: int) -> bytes:
    return bytes(command("x" * title_bytes).SerializeToString())


def large_command(size: int) -> bytes:
    """One whose decision would carry its title, hence be too large to store."""
    room = size - len(titled(size // 2)) + size // 2
    made = titled(room)
    return made if len(made) == size else titled(room - (len(made) - size))


BODIES = {
    "its decision would not fit": lambda size: large_command(size),
    "it cannot be read": lambda size: b"\xff" * size,
}


@pytest.mark.parametrize("what", BODIES)
def test_a_command_as_large_as_kafka_takes_is_refused_and_the_partition_goes_on(
        pair: Pair, what: str) -> None:
    partition, _ = pair.create(pair.left).position
    sealed = seal(BODIES[what](RECORD_BYTES - MAC_SIZE), pair.keys.mac_key, COMMANDS, COMMAND)
    assert len(sealed) == RECORD_BYTES
    offset = Raw(pair.bootstrap).put(COMMANDS, partition, sealed)
    for instance in pair.instances:
        pair.create(instance, seconds=30)
    [one] = pair.ledger().of_record(COMMANDS, partition, offset)
    assert one.decision.WhichOneof("outcome") == "rejected", what
    letters = dead_letters(pair, offset)
    assert letters, "no dead letter"
    # Of what does not fit, the beginning is kept; all of it stays in the commands for a week.
    assert all(letter.value and sealed.startswith(letter.value) for letter in letters)
    check_idle(pair)
    check_chain(pair, settled(pair))
