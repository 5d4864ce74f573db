"""Decisions that take longer to store than a follower's patience: it may step in and lose, which
costs one record; nobody throws the state away, whatever it leads or tries elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oracle import check_everything
from pair import Pair, report
from support.broker import Broker
from support.places import FULL_DOSE
from support.ports import free_port
from support.slow import SlowAppends

ANSWERS = 2000 if FULL_DOSE else 150
APPEND_S = 0.4  # more than takeover-ms and its jitter


@pytest.fixture(scope="module")
def appends() -> Iterator[SlowAppends]:
    port, proxy_port = free_port(), free_port()
    proxy = SlowAppends(proxy_port, port, ".ledger.v1").start()
    yield proxy
    proxy.stop()


@pytest.fixture(scope="module")
def broker(appends: SlowAppends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(Path(tmp_path_factory.mktemp("kafka")), ports=(appends.broker_port, free_port()),
                proxy_port=appends.port).start() as running:
        yield running


def folds_again(pair: Pair) -> list[float]:
    return [instance.metric("tocsin_folds_again_total", service="drafting")
            for instance in pair.instances]


def test_slow_appends_make_nobody_fold_again(pair: Pair, appends: SlowAppends) -> None:
    before = folds_again(pair)
    with pair.load(seed=9) as load:
        load.grows(50)
        appends.delay_s = APPEND_S
        try:
            load.grows(ANSWERS, "it goes on, slowly", 300)
            assert appends.delayed > 0
            folds = folds_again(pair)
        finally:
            appends.delay_s = 0.0
    ledger = check_everything(pair)
    report("slow-appends", {
        "append_ms": APPEND_S * 1000, "delayed": appends.delayed, "folds_again": folds,
        **load.tally(ledger)})
    assert folds == before, "a state was thrown away"
    assert ledger.void <= len(ledger.counted), "most of what was written was in vain"
