"""Blows that fall together under load: both instances at once, Kafka and the leader at once, one
that dies while the other still folds, one that joins and leaves."""

import random
from collections.abc import Callable

from load import Load
from oracle import check_everything
from pair import Pair, report
from support.places import FULL_DOSE

ROUNDS = 20 if FULL_DOSE else 1
BLOWS_PER_ROUND = 7 if FULL_DOSE else 4  # which ones, fate decides; the seed is printed


def both_are_killed(pair: Pair) -> None:
    pair.restart_both()


def the_follower_is_killed(pair: Pair) -> None:
    follower = pair.other(pair.leader(0))
    follower.kill()
    follower.start()


def one_dies_while_the_other_folds(pair: Pair) -> None:
    pair.left.kill()
    pair.left.spawn()
    pair.left.wait_listening()
    pair.right.kill()
    pair.right.start()
    pair.left.wait_ready()


def kafka_and_the_leader_are_killed(pair: Pair) -> None:
    leader = pair.leader(0)
    pair.broker.kill()
    leader.kill()
    pair.broker.spawn()
    leader.spawn()
    pair.broker.wait_ready()
    leader.wait_ready()


def the_leader_stands_still_while_kafka_restarts(pair: Pair) -> None:
    leader = pair.leader(0)
    leader.freeze()
    try:
        pair.broker.restart()
    finally:
        leader.thaw()
    leader.wait_ready()


def a_third_joins_and_leaves(pair: Pair) -> None:
    third = pair.another("third").start()
    third.kill()


def kafka_stops_cleanly(pair: Pair) -> None:
    pair.broker.stop()
    pair.broker.start()


BLOWS: list[Callable[[Pair], None]] = [
    both_are_killed, the_follower_is_killed, one_dies_while_the_other_folds,
    kafka_and_the_leader_are_killed, the_leader_stands_still_while_kafka_restarts,
    a_third_joins_and_leaves, kafka_stops_cleanly,
]


def strike(pair: Pair, load: Load, blow: Callable[[Pair], None]) -> None:
    load.grows(40, seconds=90)
    blow(pair)
    load.grows(20, f"it goes on after: {blow.__name__}", 90)


def test_blows_that_fall_together(pair: Pair) -> None:
    seed = random.randrange(10**6)
    print(f"\nseed {seed}")
    dice = random.Random(seed)
    struck: list[str] = []
    with pair.load(seed=seed) as load:
        try:
            for _ in range(ROUNDS):
                for blow in dice.sample(BLOWS, BLOWS_PER_ROUND):
                    struck.append(blow.__name__)
                    strike(pair, load, blow)
        except BaseException:
            print(f"struck: {struck}")
            raise
    ledger = check_everything(pair)
    report("mixed-faults", {"seed": seed, "blows": len(struck), **load.tally(ledger)})
