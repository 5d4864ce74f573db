"""What several of the tests here begin with."""

from collections.abc import Iterator

import pytest

from support.gauge import Gauge


@pytest.fixture
def gauge() -> Iterator[Gauge]:
    running = Gauge()
    yield running
    running.close()
