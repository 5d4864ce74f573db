"""An instance that cannot read what an upstream service writes by now, here since it lacks the key
that signs it: another one that can takes the lead, however busy the first is."""

import hashlib
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oracle import check_everything
from pair import Pair
from support.broker import Broker
from support.ledger import Counted, forged, key_id, ledger_topic, read_ledger
from support.programs import Secrets
from support.protos import message
from support.raw import Raw
from support.waiting import until

UPSTREAM = ledger_topic("approval")


@pytest.fixture(scope="module")
def new_key() -> bytes:
    return secrets.token_bytes(32)


def write_keys(file: Path, *keys: bytes) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"{key.hex()}\n" for key in keys))


@pytest.fixture(scope="module")
def pair(broker: Broker, keys: Secrets, new_key: bytes, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Pair]:
    """`right` knows the new key as well, and still signs with the old one."""
    folder = Path(tmp_path_factory.mktemp("pair"))
    files = {"left": folder / "left.keys", "right": folder / "right.keys"}
    write_keys(files["left"], keys.mac_key)
    write_keys(files["right"], keys.mac_key, new_key)
    started = Pair(broker, keys, folder, key_files=files).start()
    yield started
    started.end()


def blank(**fields: Any) -> Any:
    decision = message("tocsin.ledger.v1.Decision")(writer="approval", **fields)
    decision.decided_at.FromSeconds(int(time.time()))
    return decision


def change_key_upstream(pair: Pair, partition: int, new_key: bytes) -> int:
    """Approval changes its key and sends a message back to drafting; the offset of the latter."""
    ledger = read_ledger(pair.bootstrap, "approval", pair.partitions, pair.keys.mac_keys)
    raw = Raw(pair.bootstrap)
    change = blank()
    change.key_changed.key_id = key_id(new_key).hex()
    record = forged(bytes.fromhex(ledger.heads[partition]), change, pair.keys.mac_key, UPSTREAM)
    raw.put(UPSTREAM, partition, record)
    back = blank(realm="calgary")
    event = message("tocsin.approval.v1.Event")()
    event.review_returned.message_id = "of-nobody"
    back.accepted.events.append(event.SerializeToString())
    back.accepted.subject = "of-nobody"
    return raw.put(UPSTREAM, partition,
                   forged(hashlib.sha256(record).digest(), back, new_key, UPSTREAM))


def answer_to(pair: Pair, partition: int, offset: int) -> Counted | None:
    return next((one for one in pair.ledger().counted
                 if one.partition == partition and one.decision.cause.topic == UPSTREAM
                 and one.decision.cause.offset == offset), None)


def test_who_can_read_more_takes_the_lead(pair: Pair, new_key: bytes) -> None:
    pair.right.kill()
    partition, _ = pair.create(pair.left).position  # left leads
    pair.right.start()
    load = pair.load(seed=15)
    try:
        until(lambda: load.answered > 50, "the load is in full swing", 60)
        assert pair.leader(partition) is pair.left
        offset = change_key_upstream(pair, partition, new_key)
        decided = until(lambda: answer_to(pair, partition, offset),
                        "what only one can read is decided", 30, 0.2)
        assert decided.decision.writer == "right"
        goal = load.answered + 100
        until(lambda: load.answered >= goal, "it goes on", 60)
        write_keys(Path(pair.left.flag("mac-key-file")), pair.keys.mac_key, new_key)
        pair.left.kill()
        pair.left.start()
    finally:
        load.stop()
    check_everything(pair)
