"""The leader is killed or frozen under load: nothing is lost, doubled or answered twice."""

import random
import statistics
import time

from load import Load
from oracle import check_everything
from pair import Pair, report
from support.ledger import Ledger
from support.places import FULL_DOSE
from support.programs import Program
from support.waiting import until

KILLS = 200 if FULL_DOSE else 20
FREEZES = 20 if FULL_DOSE else 3
FROZEN_S = 10.0


class Fault:
    """One blow to the leader of some partitions, which is about to fall."""

    def __init__(self, pair: Pair, victim: Program) -> None:
        self.partitions = led_by(pair, victim)
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


def led_by(pair: Pair, instance: Program) -> set[int]:
    return {row.get("partition", 0) for row in pair.status(instance)
            if row.get("writer") == instance.flag("instance")}


def next_victim(pair: Pair, load: Load, dice: random.Random) -> Program:
    """A leader, once the load is in full swing."""
    load.grows(dice.randrange(20, 120))
    return pair.leader(dice.randrange(pair.partitions))


def figures(faults: list[Fault], load: Load, ledger: Ledger) -> dict[str, float]:
    gaps = sorted(gap for fault in faults for gap in fault.gaps_ms(load, ledger))
    assert gaps, "no blow hit a leader under load"
    return {"faults": len(faults), "takeovers": len(gaps), "min_ms": round(gaps[0], 1),
            "median_ms": round(statistics.median(gaps), 1), "max_ms": round(gaps[-1], 1)}


def tell(name: str, faults: list[Fault], load: Load, ledger: Ledger) -> None:
    report(name, {**figures(faults, load, ledger), **load.tally(ledger)})


def test_the_leader_is_killed_again_and_again(pair: Pair) -> None:
    dice = random.Random(7)
    faults: list[Fault] = []
    with pair.load(seed=7) as load:
        for _ in range(KILLS):
            victim = next_victim(pair, load, dice)
            faults.append(Fault(pair, victim))
            victim.kill()
            load.grows(10, "it goes on")
            victim.start()
    tell("leader-kills", faults, load, check_everything(pair))


def test_the_leader_stands_still_and_goes_on(pair: Pair) -> None:
    dice = random.Random(8)
    faults: list[Fault] = []
    with pair.load(seed=8) as load:
        for _ in range(FREEZES):
            victim = next_victim(pair, load, dice)
            faults.append(Fault(pair, victim))
            victim.freeze()
            frozen_until = time.monotonic() + FROZEN_S
            try:
                until(lambda: time.monotonic() >= frozen_until, "the time of standing still", 30)
                assert load.answered_since(faults[-1].at + 1), "nobody took over"
            finally:
                victim.thaw()
            until(lambda v=victim: v.health("drafting") == "SERVING", "it goes on")
    tell("leader-freezes", faults, load, check_everything(pair))
