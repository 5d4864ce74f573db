"""Two processes under one --instance: the one that was started later stands still and says why;
the other goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle import check_everything
from pair import Pair, report
from support.broker import Broker
from support.calls import Caller
from support.programs import Secrets
from support.waiting import until


@pytest.fixture(scope="module")
def pair(broker: Broker, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Pair]:
    started = Pair(broker, keys, Path(tmp_path_factory.mktemp("pair"))).start()
    yield started
    started.end()


def test_the_newer_of_two_under_one_name_stands_still(pair: Pair) -> None:
    twin = pair.another("left", "twin")
    load = pair.load(seed=3)
    try:
        until(lambda: load.answered > 50, "the load is in full swing", 60)
        twin.spawn()
        twin.wait_listening()
        caller = Caller(twin.address, pair.token(pair.person_of(pair.realms[0])))

        def reasons() -> list[str]:
            answer = caller.call("ledger", "GetStatus")
            return [row["halted"] for row in answer.body.get("partitions", []) if "halted" in row]

        said = until(reasons, "the newer one stands still", 90)
        assert all(reason.startswith("name_taken") for reason in said), said
        until(lambda: twin.health("drafting") == "NOT_SERVING", "its health says so")
        goal = load.answered + 100
        until(lambda: load.answered >= goal, "the older one goes on", 60)
        assert all(instance.health("drafting") == "SERVING" for instance in pair.instances)
        caller.close()
    finally:
        load.stop()
    twin.kill()
    ledger = check_everything(pair)
    report("one-name", {"requests": len(load.asked), "decisions": len(ledger.counted),
                        "void": ledger.void})
