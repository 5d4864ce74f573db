"""One partition folds a long history again while another answers commands."""

import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from long_history import make_history
from oracle import check_heads, settled
from pair import Pair, report
from support.broker import Broker
from support.ledger import ledger_topic
from support.places import FULL_DOSE
from support.waiting import until
from tail import cut_tail

LEDGER = ledger_topic("drafting")
HISTORY = 2_000_000 if FULL_DOSE else 300_000
BEHIND = 5000  # records; more than a look at the head takes back
ANSWERS_MIN = 20
SLOWEST_S = 1.0


def next_offset(pair: Pair, partition: int) -> int:
    answer = pair.operator(pair.left).call("ledger", "GetStatus", timeout_s=1)
    rows = answer.body.get("partitions", [])
    return int(rows[partition].get("nextOffset", 0)) if rows else 0


def ask(pair: Pair, realm: str) -> tuple[str, float]:
    """What became of a change, and how long it took."""
    began = time.monotonic()
    answer = pair.ask(pair.left, realm, timeout_s=10)
    return answer.code, time.monotonic() - began


def test_a_fold_of_one_partition_does_not_delay_another(pair: Pair, broker: Broker) -> None:
    long_one = pair.realms[0]
    folding, _ = pair.create(pair.left, long_one).position
    beside = next(realm for realm in pair.realms[1:]
                  if pair.create(pair.left, realm).position[0] != folding)
    ledger = settled(pair)
    for instance in pair.instances:
        assert instance.terminate() == 0
    last = [one for one in ledger.counted if one.partition == folding][-1]
    end = make_history(pair.bootstrap, pair.keys, "drafting", last, HISTORY)
    pair.left.start()
    for _ in range(6):
        pair.create(pair.left, long_one)
        pair.create(pair.left, beside)
    broker.kill()
    assert cut_tail(broker, LEDGER, folding, 3) > end
    broker.start()

    # It folds twice: once to know that its history changed, once to tell the views anew.
    until(lambda: ask(pair, beside)[0] == "OK", "another partition goes on", 60, 0.005)
    assert next_offset(pair, folding) < end - BEHIND, "the fold was over before anybody asked"
    calls = []
    with ThreadPoolExecutor(1) as elsewhere:
        folded = elsewhere.submit(pair.create, pair.left, long_one)
        while not folded.done():
            calls.append(ask(pair, beside))
    assert folded.result().ok
    until(lambda: next_offset(pair, folding) >= end, "its status says so")
    codes = Counter(code for code, _ in calls)
    took = [seconds for _, seconds in calls]
    after = [ask(pair, beside)[1] for _ in calls]
    report("fold-beside", {
        "decisions": HISTORY, "calls": codes, "folds_s": round(sum(took), 1),
        "median_ms": round(statistics.median(took) * 1000, 1),
        "slowest_ms": round(max(took) * 1000),
        "after_ms": round(statistics.median(after) * 1000, 1)})
    assert set(codes) == {"OK"} and codes["OK"] >= ANSWERS_MIN, codes
    assert max(took) < SLOWEST_S
    pair.right.start()
    check_heads(pair)
