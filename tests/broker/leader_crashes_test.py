"""The leader is killed or frozen under load: nothing is lost, doubled or answered twice."""

import random
import statistics
import time

from load import Load
from oracle import check_everything
from pair import Pair, report
from support.ledger import Ledger
from support.places import FULL_DOSE
from support.waiting import until

KILLS = 200 if FULL_DOSE else 20
FREEZES = 20 if FULL_DOSE else 3
FROZEN_S = 10.0


class Fault:
    """One blow to the leader of some partitions."""

    def __init__(self, victim: str, partitions: set[int]) -> None:
        self.victim = victim
        self.partitions = partitions
        self.at = time.monotonic()
        self.wall_at = time.time()

    def gaps_ms(self, load: Load, ledger: Ledger) -> list[float]:
        """From the blow to the first answer that was decided after it, by partition."""
        found: dict[int, float] = {}
        for asked in load.answered_since(self.at):
            partition, offset = asked.answers[0].position
            decided_at = ledger.at[partition, offset].decision.decided_at
            late = decided_at.seconds + decided_at.nanos / 1e9 > self.wall_at
            if partition in self.partitions and late:
                gap = (asked.answered_at - self.at) * 1000
                found[partition] = min(gap, found.get(partition, gap))
        return list(found.values())


def led_by(pair: Pair, name: str) -> set[int]:
    return {row.get("partition", 0) for row in pair.status(getattr(pair, name))
            if row.get("writer") == name}


def some_answers(load: Load, least: int) -> None:
    """Lets the load go on for a while, so that the next blow meets it in full swing."""
    goal = load.answered + least
    until(lambda: load.answered >= goal, f"{least} more answers", 60)


def figures(faults: list[Fault], load: Load, ledger: Ledger) -> dict[str, float]:
    gaps = sorted(gap for fault in faults for gap in fault.gaps_ms(load, ledger))
    assert gaps, "no blow hit a leader under load"
    return {"faults": len(faults), "takeovers": len(gaps), "min_ms": round(gaps[0], 1),
            "median_ms": round(statistics.median(gaps), 1), "max_ms": round(gaps[-1], 1)}


def tell(name: str, faults: list[Fault], load: Load, ledger: Ledger) -> None:
    report(name, {
        **figures(faults, load, ledger),
        "requests": len(load.asked), "late_repeats": load.late,
        "attempts": sum(asked.attempts for asked in load.asked),
        "decisions": len(ledger.counted), "void": ledger.void,
    })


def test_the_leader_is_killed_again_and_again(pair: Pair) -> None:
    dice = random.Random(7)
    load = pair.load(seed=7)
    faults: list[Fault] = []
    try:
        for _ in range(KILLS):
            some_answers(load, dice.randrange(20, 120))
            victim = pair.leader(dice.randrange(pair.partitions))
            name = victim.flag("instance")
            faults.append(Fault(name, led_by(pair, name)))
            victim.kill()
            some_answers(load, 10)
            victim.start()
    finally:
        load.stop()
    tell("leader-kills", faults, load, check_everything(pair))


def test_the_leader_stands_still_and_goes_on(pair: Pair) -> None:
    dice = random.Random(8)
    load = pair.load(seed=8)
    faults: list[Fault] = []
    try:
        for _ in range(FREEZES):
            some_answers(load, dice.randrange(20, 120))
            victim = pair.leader(dice.randrange(pair.partitions))
            name = victim.flag("instance")
            faults.append(Fault(name, led_by(pair, name)))
            victim.freeze()
            frozen_until = time.monotonic() + FROZEN_S
            try:
                until(lambda: time.monotonic() >= frozen_until, "the time of standing still", 30)
                assert load.answered_since(faults[-1].at + 1), "nobody took over"
            finally:
                victim.thaw()
            until(lambda v=victim: v.health("drafting") == "SERVING", "it goes on")
    finally:
        load.stop()
    tell("leader-freezes", faults, load, check_everything(pair))
