"""Two processes under one --instance: the one that was started later stands still and says why;
the other goes on."""

from oracle import check_everything
from pair import Pair, report
from support.waiting import until


def test_the_newer_of_two_under_one_name_stands_still(pair: Pair) -> None:
    pair.let_lead(pair.left)  # where neither decides, two of one name harm nobody
    twin = pair.another("left", "twin")
    with pair.load(seed=3) as load:
        load.grows(50)
        twin.spawn()
        twin.wait_listening()
        said = until(lambda: pair.halted(twin), "the newer one stands still", 90)
        assert all(why.startswith("name_taken") for why in said.values()), said
        until(lambda: twin.health("drafting") == "NOT_SERVING", "its health says so")
        load.grows(100, "the older one goes on")
        assert all(instance.health("drafting") == "SERVING" for instance in pair.instances)
    twin.kill()
    ledger = check_everything(pair)
    report("one-name", load.tally(ledger))
