"""A broker that comes back without the last of its ledger: instances that had read it must notice,
throw away what they knew, and decide again what was lost, to the same answers."""

import random

import pytest

from oracle import check_chain, settled
from pair import Pair
from support.broker import Broker
from support.calls import Answer
from support.connect import new_request_id
from support.ledger import Ledger, ledger_topic
from support.places import FULL_DOSE
from support.programs import Program
from tail import cut_tail

LEDGER = ledger_topic("drafting")


def several(pair: Pair, instance: Program, count: int) -> dict[str, Answer]:
    requests = [new_request_id() for _ in range(count)]
    return {request_id: pair.create(instance, request_id=request_id) for request_id in requests}


def home_of(answers: dict[str, Answer]) -> int:
    """The partition of the one realm that asks here."""
    [partition] = {answer.position[0] for answer in answers.values()}
    return partition


def lose_tail(pair: Pair, broker: Broker, partition: int, batches: int) -> Ledger:
    """What the ledger was before its tail went."""
    before = settled(pair)
    ends = [one.offset + 1 for one in before.counted if one.partition == partition]
    broker.kill()
    left = cut_tail(broker, LEDGER, partition, batches)
    assert 0 < left < max(ends), "nothing was cut"
    broker.start()
    return before


def everything_again(pair: Pair, answers: dict[str, Answer]) -> None:
    """Each request gets its id and etag again at both instances, and is in the ledger once."""
    for request_id, first in answers.items():
        for instance in pair.instances:
            again = pair.create(instance, request_id=request_id)
            assert again.said[:3] == first.said[:3]
    ledger = settled(pair)
    check_chain(pair, ledger)
    decided = {request_id: decisions
               for (_, request_id), decisions in ledger.by_request().items()}
    assert all(len(decided[request_id]) == 1 for request_id in answers)
    for instance in pair.instances:
        shown = pair.incidents(instance)
        assert sorted(shown) == sorted(pair.made_by_tests), instance.flag("instance")


@pytest.mark.parametrize("batches", [1, 4, 9] if FULL_DOSE else [4])
def test_what_was_lost_is_decided_again_to_the_same_answers(
        pair: Pair, broker: Broker, batches: int) -> None:
    answers = several(pair, pair.left, 6) | several(pair, pair.right, 6)
    before = lose_tail(pair, broker, home_of(answers), batches)
    everything_again(pair, answers)
    answers |= several(pair, pair.left, 1)
    everything_again(pair, answers)
    assert settled(pair).heads != before.heads


def test_an_instance_that_missed_the_loss_agrees_with_one_that_saw_it(
        pair: Pair, broker: Broker) -> None:
    answers = several(pair, pair.left, 8)
    settled(pair)
    gone = random.Random(5).choice(pair.instances)
    gone.kill()
    broker.kill()
    cut_tail(broker, LEDGER, home_of(answers), 5)
    broker.start()
    gone.start()
    everything_again(pair, answers)


def test_one_that_stood_still_while_the_log_was_written_anew_notices(
        pair: Pair, broker: Broker) -> None:
    answers = several(pair, pair.left, 8)
    settled(pair)
    pair.right.kill()
    pair.left.freeze()
    broker.kill()
    cut_tail(broker, LEDGER, home_of(answers), 5)
    broker.start()
    pair.right.start()
    # Its reading position lies within the log again, behind records that it has never seen.
    answers |= several(pair, pair.right, 20)
    pair.left.thaw()
    everything_again(pair, answers)
