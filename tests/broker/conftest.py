"""What most of the tests here begin with."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pair import Pair
from support.broker import Broker
from support.programs import Secrets


@pytest.fixture(scope="module")
def pair(broker: Broker, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Pair]:
    """Both instances serve. The files that need another pair make their own."""
    started = Pair(broker, keys, Path(tmp_path_factory.mktemp("pair"))).start()
    yield started
    started.end()
