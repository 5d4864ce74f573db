"""Nobody asks for anything for so long that retention deletes all commands: a restart serves at
once, since nothing that was deleted can be missing.

The broker deletes by its own retention, which is shortened while the instances run and put back
before they start again: at start they refuse a topic that keeps commands for less than a week."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.ledger import commands_topic, read_topic
from support.raw import Raw
from support.waiting import until

COMMANDS = commands_topic("drafting")
WEEK_MS = str(7 * 24 * 3600 * 1000)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """It looks for what is too old ten times a second, from its start on."""
    settings = {"log.retention.check.interval.ms": "100", "log.initial.task.delay.ms": "0"}
    with Broker(Path(tmp_path_factory.mktemp("kafka")), settings=settings).start() as running:
        yield running


def position(pair: Pair, partition: int) -> int:
    """Up to where the commands of a partition are decided or passed."""
    found = 0
    for one in pair.ledger().counted:
        if one.partition != partition:
            continue
        if one.decision.cause.topic == COMMANDS:
            found = max(found, one.decision.cause.offset + 1)
        for passed in one.decision.inputs_passed.inputs:
            if passed.topic == COMMANDS:
                found = max(found, passed.next_offset)
    return found


@pytest.mark.parametrize("last", ["a repeat", "a foreign record"])
def test_after_a_quiet_week_a_restart_serves_at_once(pair: Pair, last: str) -> None:
    raw = Raw(pair.bootstrap)
    partition, _ = pair.create(pair.left).position
    [*_, command] = [record for record in read_topic(pair.bootstrap, COMMANDS, pair.partitions)
                     if record.partition == partition]
    behind = command.value if last == "a repeat" else b"somebody else's"
    end = raw.put(COMMANDS, partition, behind) + 1
    until(lambda: position(pair, partition) == end, "what leaves no decision is passed", 60, 0.5)
    raw.configure(COMMANDS, retention_ms="1")
    until(lambda: raw.first_offset(COMMANDS, partition) == end, "retention deletes it all", 60, 0.2)
    raw.configure(COMMANDS, retention_ms=WEEK_MS)
    pair.restart_both(wait_s=30)
    for instance in pair.instances:
        assert pair.create(instance).position[0] == partition
    check_chain(pair, settled(pair))
