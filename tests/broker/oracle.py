"""Holds what callers were answered against what the ledger says and what the instances show."""

import json
import time
from collections.abc import Iterable
from typing import Any

from history import check_history
from load import Asked
from pair import Pair
from support.ledger import Ledger
from support.programs import run_cli
from support.waiting import until

WATCHED_S = 3.0
BUSY_MAX = 0.5  # share of a processor; one that turns in circles takes it all


def check_everything(pair: Pair) -> Ledger:
    """All loads of the pair have ended; every promise about a ledger must hold for all of them."""
    ledger = settled(pair)
    asked = [one for earlier in pair.loads for one in earlier.asked]
    faults = [fault for one in asked for fault in faults_of(one, ledger)]
    faults += uninvited(asked, ledger, pair.made_by_tests)
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:20])
    check_views(pair, asked)
    check_chain(pair, ledger)
    if asked:
        check_history(pair.history)
    return ledger


def faults_of(asked: Asked, ledger: Ledger) -> Iterable[str]:
    name = f"{asked.method} {asked.request_id} of {asked.person.subject}"
    if not asked.answers:
        yield f"{name}: never answered"
        return
    said = {answer.said for answer in asked.answers}
    if len(said) > 1:
        yield f"{name}: {len(asked.answers)} answers that differ: {said}"
        return
    answer = asked.answers[0]
    if answer.reason not in ("", "ALREADY_EXISTS", "STALE_ETAG", "REQUEST_ID_REUSED"):
        yield f"{name}: answered {answer}"
        return
    at = ledger.at.get(answer.position)
    if at is None:
        yield f"{name}: what was answered is not in the ledger at {answer.position}"
        return
    if at.request != (asked.person.subject, asked.request_id):
        yield f"{name}: at {answer.position} the ledger has {at.request}"
    decision = at.decision
    if answer.ok and (decision.accepted.subject, decision.accepted.etag) != answer.said[1:3]:
        yield f"{name}: answered {answer.said}, decided {decision.accepted}"
    if answer.ok and len(decision.accepted.events) != 1:
        yield f"{name}: {len(decision.accepted.events)} events"
    if not answer.ok and decision.rejected.code.upper() != answer.reason:
        yield f"{name}: answered {answer.reason}, decided {decision.rejected.code}"


def uninvited(asked: list[Asked], ledger: Ledger, beside: set[str]) -> Iterable[str]:
    """Each request with each of its bodies is decided once, and nothing that nobody asked for."""
    bodies: dict[tuple[str, str], int] = {}
    for one in asked:
        key = (one.person.subject, one.request_id)
        bodies[key] = bodies.get(key, 0) + 1
    decided = ledger.by_request()
    for key, decisions in decided.items():
        digests = [one.decision.cause.body_digest for one in decisions]
        if len(set(digests)) != len(digests):
            yield f"{key}: decided {len(digests)} times, the same body twice"
        if key not in bodies and decisions[0].decision.accepted.subject not in beside:
            yield f"{key}: decided, and nobody asked"
    for key, count in bodies.items():
        if len(decided.get(key, [])) != count:
            yield f"{key}: {count} bodies asked, {len(decided.get(key, []))} decided"


def settled(pair: Pair) -> Ledger:
    """The ledger, once both instances stand at its end with nothing left to decide."""
    def at_its_end() -> Ledger | None:
        rows = [row for instance in pair.instances for row in pair.status(instance)]
        if any("undecided" in row or "halted" in row for row in rows):
            return None
        ledger = pair.ledger()
        same = all(row["head"] == ledger.heads[row.get("partition", 0)] for row in rows)
        return ledger if same else None

    try:
        return until(at_its_end, "both instances stand at the end of the ledger", 40, pause=0.2)
    except TimeoutError as late:
        rows = {instance.flag("instance"): pair.status(instance) for instance in pair.instances}
        raise AssertionError(f"{late}: {rows}, the ledger: {pair.ledger().heads}") from late


def check_views(pair: Pair, asked: list[Asked]) -> None:
    """What is read at either instance is what was accepted, each thing once."""
    accepted = {one.answers[0].body["id"] for one in asked
                if one.method == "CreateIncident" and one.answers[0].ok}
    for instance in pair.instances:
        shown = [one for realm in pair.realms for one in pair.incidents(instance, realm)]
        assert len(shown) == len(set(shown)), f"{instance.name}: an incident is listed twice"
        assert set(shown) >= accepted, f"{instance.name}: accepted incidents are missing"
        assert set(shown) <= accepted | pair.made_by_tests, "incidents that nobody was answered"


def check_heads(pair: Pair) -> None:
    """Both instances stand where `tocsin ledger verify` does: enough of a check of a history that
    is too long to be walked here as well."""
    def same() -> bool:
        verified = verify(pair)["partitions"]
        assert not any(row["fault"] for row in verified), verified
        ends = {row["partition"]: (row["head"], row["counted"]) for row in verified}
        return all(ends[row.get("partition", 0)] == (row["head"], int(row["decisions"]))
                   for instance in pair.instances for row in pair.status(instance))

    until(same, "both instances stand at the end of the ledger", 60, pause=0.2)


def verify(pair: Pair) -> Any:
    return json.loads(run_cli(
        pair.keys, "ledger", "verify", "drafting", "--json", "--partitions", str(pair.partitions),
        "--kafka-bootstrap", pair.bootstrap, check=False).stdout)


def check_chain(pair: Pair, ledger: Ledger) -> None:
    """Our own reading, that of `tocsin ledger verify` and that of the instances are one."""
    for _ in range(10):
        verified = verify(pair)
        shown = [(instance, pair.status(instance)) for instance in pair.instances]
        if pair.ledger().heads == ledger.heads:
            break
        # After a while of silence the leader records what it passed, with nobody asking.
        latest = settled(pair)
        assert set(ledger.at) <= set(latest.at), "what counted no longer does"
        ledger = latest
    else:
        raise AssertionError("the ledger grows although nobody asks for anything")
    for row in verified["partitions"]:
        foreign = ledger.foreign.get(row["partition"], 0)
        assert row["foreign"] == foreign
        # What no holder of the key wrote is passed over, and named.
        fault = "not by a holder of the world's keys" if foreign else ""
        assert row["fault"].partition(": ")[2] == fault, row
    counted = {number: 0 for number in range(pair.partitions)}
    for one in ledger.counted:
        counted[one.partition] += 1
    assert {row["partition"]: row["counted"] for row in verified["partitions"]} == counted
    assert sum(row["void"] for row in verified["partitions"]) == ledger.void
    for instance, rows in shown:
        for row in rows:
            number = row.get("partition", 0)
            where = f"{instance.flag('instance')}, partition {number}: {row}"
            assert row["head"] == ledger.heads[number], where
            assert int(row["decisions"]) == counted[number], where


def check_idle(pair: Pair) -> None:
    """Neither instance turns in circles."""
    before = [instance.cpu_seconds() for instance in pair.instances]
    began = time.monotonic()
    until(lambda: time.monotonic() - began >= WATCHED_S, "they were watched for a while", 60, 0.1)
    took = time.monotonic() - began
    shares = [(instance.cpu_seconds() - used) / took
              for instance, used in zip(pair.instances, before, strict=True)]
    assert max(shares) < BUSY_MAX, shares
