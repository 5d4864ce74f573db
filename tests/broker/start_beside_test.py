"""All services in one process: one whose ledger is long does not keep the others waiting."""

import time
from pathlib import Path
from typing import Any

from long_history import make_history
from pair import report
from support.broker import Broker
from support.calls import Caller
from support.connect import new_request_id
from support.ledger import read_ledger
from support.places import FULL_DOSE
from support.ports import free_port
from support.programs import SERVICES, Program, Secrets, service_flags
from support.tokens import OPERATOR, Issuer, Person, roster
from support.waiting import until

PARTITIONS = 2
HISTORY = 2_000_000 if FULL_DOSE else 300_000
BEHIND = 5000  # records that it surely still has to fold
ADMIN = Person("ada@city.example", "calgary", "city", ("admin", "author", "analyst"))
# Nobody follows measurement's ledger; it follows those of all others.
LONG = "measurement"
# One of each other service.
CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "drafting": ("CreateIncident", {"kind": "flood", "title": "Bow River"}),
    "approval": ("SetPolicy", {"severity": "SEVERITY_SEVERE", "quorum": 1,
                               "roles": ["approver"]}),
    "publishing": ("PutChannel", {"channelId": "feed", "kind": "feed", "name": "Feed"}),
    "trigger": ("PutSource", {"sourceId": "gauge", "format": "eccc-csv",
                              "url": "http://127.0.0.1:9/x.csv", "pollSeconds": 86400}),
}
assert {LONG, *CHANGES} == set(SERVICES), f"no change of {set(SERVICES) - {LONG, *CHANGES}}"


def make_long(everything: Program, broker: Broker, keys: Secrets, caller: Caller) -> int:
    """Ends with nothing running; the offset behind the long partition's last record."""
    everything.start()
    imported = caller.must("approval", "ImportRoster",
                           {"requestId": new_request_id(), "roster": roster([ADMIN])})
    # A change waits for no position; its roles are those that a read has waited for.
    caller.must(LONG, "ListScorecards", after=imported["position"])
    refused = caller.call(LONG, "AddRemark", {
        "requestId": new_request_id(), "messageId": "none", "text": "a remark on nothing"})
    assert refused.reason == "NOT_FOUND", refused
    assert everything.terminate() == 0
    last = read_ledger(broker.bootstrap, LONG, PARTITIONS, keys.mac_keys).at[refused.position]
    return make_history(broker.bootstrap, keys, LONG, last, HISTORY)


def next_offsets(operator: Caller) -> int:
    """Of the long ledger: up to where it is folded, the sum of its partitions."""
    rows = operator.must("ledger", "GetStatus", {"service": LONG}).get("partitions", [])
    return sum(int(row.get("nextOffset", 0)) for row in rows)


def change(caller: Caller, service: str) -> bool:
    method, request = CHANGES[service]
    answer = caller.call(service, method, {"requestId": new_request_id(), **request})
    assert answer.ok or answer.again, answer
    return answer.ok


def test_the_others_answer_while_one_folds_a_long_history(
        broker: Broker, keys: Secrets, issuer: Issuer, tmp_path: Path) -> None:
    port = free_port()
    everything = Program("tocsin-all", tmp_path, service_flags(
        broker.bootstrap, keys, partitions=PARTITIONS, grpc_listen=f"127.0.0.1:{port}"))
    caller, operator = (Caller(f"127.0.0.1:{port}", issuer.token(who)) for who in (ADMIN, OPERATOR))
    try:
        end = make_long(everything, broker, keys, caller)
        everything.spawn()
        everything.wait_listening()
        began = time.monotonic()
        answered: dict[str, float] = {}
        for service in CHANGES:
            until(lambda s=service: change(caller, s), f"{service} decides", 60, 0.005)
            answered[service] = round(time.monotonic() - began, 2)
            assert everything.health(LONG) == "NOT_SERVING", f"{LONG} was ready before {service}"
        left = end - next_offsets(operator)
        assert left > BEHIND, f"{LONG} had folded all but {left} records"
        until(lambda: everything.health(LONG) == "SERVING", f"{LONG} serves in the end", 120)
        report("start-beside", {"decisions": HISTORY, "answered_s": answered, "left": left,
                                "served_s": round(time.monotonic() - began, 2)})
    finally:
        everything.kill()
