"""Fixtures that the broker and e2e tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.broker import Broker
from support.programs import Secrets
from support.tokens import Issuer


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="session")
def issuer(keys: Secrets) -> Issuer:
    return Issuer(keys)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of the file's own, hence topics of its own."""
    running = Broker(Path(tmp_path_factory.mktemp("kafka"))).start()
    try:
        yield running
    finally:
        running.kill()
