"""A rolling upgrade: an instance that cannot read what an upstream service writes by now does not
keep the lead from one that can, however busy the first is. Either the next release writes an event
that this one does not know (support/newer), or the other instance alone has the key that signs."""

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
from support.calls import Answer
from support.ledger import Counted, forged, key_id, ledger_topic, read_ledger
from support.programs import Program, Secrets, write_mac_keys
from support.protos import message
from support.raw import Raw
from support.waiting import until

UPSTREAM = ledger_topic("approval")


@pytest.fixture(scope="module")
def new_key() -> bytes:
    return secrets.token_bytes(32)


@pytest.fixture(scope="module")
def pair(broker: Broker, keys: Secrets, new_key: bytes, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Pair]:
    """`right` is of the next release, and knows the new key as well; it signs with the old one."""
    folder = Path(tmp_path_factory.mktemp("pair"))
    files = {"left": folder / "left.keys", "right": folder / "right.keys"}
    write_mac_keys(files["left"], keys.mac_key)
    write_mac_keys(files["right"], keys.mac_key, new_key)
    # So long that under load the lead does not pass by chance, in a moment without a decision.
    started = Pair(broker, keys, folder, key_files=files, takeover_ms=1000,
                   programs={"right": "tocsin-newer-drafting"}).start()
    yield started
    started.end()


@pytest.fixture
def approvals(pair: Pair) -> Iterator[tuple[Program, Program]]:
    """Approval of this release and of the next one, which leads."""
    newer = pair.another("approval-newer", name="tocsin-newer-approval").start()
    for realm in pair.realms:
        assert pair.import_roster(newer, realm).ok
    older = pair.another("approval-older", name="tocsin-approval").start()
    yield older, newer
    older.kill()
    newer.kill()


def realm_of(pair: Pair, partition: int) -> str:
    return next(realm for realm in pair.realms
                if pair.create(pair.left, realm).position[0] == partition)


def answer_to(pair: Pair, partition: int, offset: int) -> Counted | None:
    return next(iter(pair.ledger().of_record(UPSTREAM, partition, offset)), None)


def halted_inputs(pair: Pair, instance: Program) -> dict[int, list[str]]:
    return {row.get("partition", 0): row["inputsHalted"] for row in pair.status(instance)
            if row.get("inputsHalted")}


def right_takes_over(pair: Pair, partition: int, offset: int) -> None:
    """From `left`, which stays what it is, by what only `right` can read at `offset`."""
    decided = until(lambda: answer_to(pair, partition, offset),
                    "what only one can read is decided", 30, 0.2)
    assert decided.decision.writer == "right"
    until(lambda: pair.leader(partition) is pair.right, "the one that can read it leads")


# --- an event of the next release ---

def write_new_event(pair: Pair, newer: Program, realm: str) -> Answer:
    """The decision of the newer approval that holds it."""
    def written() -> Answer | None:
        answer = pair.import_roster(newer, realm, "City of a newer version")
        ledger = read_ledger(pair.bootstrap, "approval", pair.partitions, pair.keys.mac_keys)
        # On a slow machine the older one may have stepped in.
        found = answer.ok and ledger.at[answer.position].decision
        return answer if found and found.writer == newer.flag("instance") else None

    return until(written, "the newer approval decides", 60)


def test_who_knows_a_new_event_takes_the_lead(
        pair: Pair, approvals: tuple[Program, Program]) -> None:
    older, newer = approvals
    realm = realm_of(pair, 0)
    pair.let_lead(pair.left)
    with pair.load(seed=16) as load:
        load.grows(50)
        assert pair.leader(0) is pair.left
        partition, offset = write_new_event(pair, newer, realm).position
        right_takes_over(pair, partition, offset)
        # The older approval stands still there, and says so; the newer one goes on.
        until(lambda: older.health("approval") == "NOT_SERVING", "it does not serve")
        [(where, why)] = pair.halted(older).items()
        assert where == partition and why.startswith("unknown_event")
        assert older.metric("tocsin_partition_halted", partition=str(partition)) == 1
        assert pair.import_roster(newer, realm).ok
        # The older drafting goes on in all but that input, and says so.
        assert pair.left.health("drafting") == "SERVING"
        [(where, [text])] = halted_inputs(pair, pair.left).items()
        assert where == partition and text == f"{UPSTREAM}: event of a newer version"
        assert pair.left.metric("tocsin_inputs_halted", partition=str(partition)) == 1
        assert not halted_inputs(pair, pair.right)
        load.grows(100, "it goes on")
        assert pair.leader(partition) is pair.right
    check_everything(pair)


# --- a key of which only one knows ---

def blank(**fields: Any) -> Any:
    decision = message("tocsin.ledger.v1.Decision")(writer="approval", **fields)
    decision.decided_at.FromSeconds(int(time.time()))
    return decision


def change_key_upstream(pair: Pair, partition: int, realm: str, new_key: bytes) -> int:
    """Approval changes its key and sends a message back to drafting; the offset of the latter."""
    ledger = read_ledger(pair.bootstrap, "approval", pair.partitions, pair.keys.mac_keys)
    raw = Raw(pair.bootstrap)
    change = blank()
    change.key_changed.key_id = key_id(new_key).hex()
    record = forged(bytes.fromhex(ledger.heads[partition]), change, pair.keys.mac_key, UPSTREAM)
    raw.put(UPSTREAM, partition, record)
    back = blank(realm=realm)
    event = message("tocsin.approval.v1.Event")(message_id="of-nobody")
    event.review_returned.SetInParent()
    back.accepted.events.append(event.SerializeToString())
    back.accepted.subject = "of-nobody"
    return raw.put(UPSTREAM, partition,
                   forged(hashlib.sha256(record).digest(), back, new_key, UPSTREAM))


def test_who_has_a_new_key_takes_the_lead(pair: Pair, new_key: bytes) -> None:
    partition = 1
    realm = realm_of(pair, partition)
    pair.let_lead(pair.left)
    with pair.load(seed=15) as load:
        load.grows(50)
        assert pair.leader(partition) is pair.left
        right_takes_over(pair, partition, change_key_upstream(pair, partition, realm, new_key))
        load.grows(100, "it goes on")
        write_mac_keys(Path(pair.left.flag("mac-key-file")), pair.keys.mac_key, new_key)
        pair.left.kill()
        pair.left.start()
    check_everything(pair)
