"""The world's key changes while changes are asked for without pause: every instance first learns
the new key, then begins to sign with it, one restart after the other."""

import secrets

import pytest

from load import Load
from oracle import check_everything
from pair import Pair, report
from support.ledger import key_id, ledger_topic, read_topic, signed_with
from support.programs import Program, Secrets, write_mac_keys
from support.waiting import until

LEDGER = ledger_topic("drafting")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """Of this file alone: it changes them."""
    return Secrets(tmp_path_factory.mktemp("secrets"))


def restart_one_by_one(pair: Pair, load: Load, keys: list[bytes]) -> None:
    write_mac_keys(pair.keys.mac_key_file, *keys)
    for instance in pair.instances:
        load.grows(40)
        assert instance.terminate() == 0
        instance.start()


def signers(pair: Pair) -> dict[int, list[bytes]]:
    """Ids of the keys of each partition's ledger, in its order, without repetition."""
    found: dict[int, list[bytes]] = {}
    for record in read_topic(pair.bootstrap, LEDGER, pair.partitions):
        ids = found.setdefault(record.partition, [])
        if not ids or ids[-1] != signed_with(record.value):
            ids.append(signed_with(record.value))
    return found


def test_the_key_is_changed_under_load(pair: Pair) -> None:
    [old], new = pair.keys.mac_keys, secrets.token_bytes(32)
    with pair.load(seed=13) as load:
        restart_one_by_one(pair, load, [old, new])
        assert all(ids == [key_id(old)] for ids in signers(pair).values())
        restart_one_by_one(pair, load, [new, old])
        until(lambda: all(ids[-1] == key_id(new) for ids in signers(pair).values()),
              "the new key signs everywhere", 60, 0.2)
        load.grows(100, "it goes on")
    ledger = check_everything(pair)
    changes = [one.partition for one in ledger.counted
               if one.decision.WhichOneof("outcome") == "key_changed"]
    assert set(changes) == set(range(pair.partitions))
    assert all(ids[-1] == key_id(new) for ids in signers(pair).values())
    report("key-rotation", {"changes": len(changes), **load.tally(ledger)})


def all_halted(pair: Pair, instance: Program, why: str) -> bool:
    said = pair.halted(instance)
    return len(said) == pair.partitions and all(one.startswith(why) for one in said.values())


def test_an_instance_without_the_new_key_says_so(pair: Pair) -> None:
    newest, *older = pair.keys.mac_keys
    write_mac_keys(pair.keys.mac_key_file, *older)
    try:
        assert pair.right.terminate() == 0
        pair.right.spawn()
        pair.right.wait_listening()
        until(lambda: all_halted(pair, pair.right, "not_our_key"), "it says what is missing", 60)
        assert pair.right.health("drafting") == "NOT_SERVING"
        assert pair.create(pair.left).ok
    finally:
        write_mac_keys(pair.keys.mac_key_file, newest, *older)
    pair.right.kill()
    pair.right.start()
    check_everything(pair)
