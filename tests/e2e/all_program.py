"""The program with all services in one, and what the agency `city` needs for a webhook."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.broker import Broker
from support.ports import free_port
from support.programs import Program, Secrets, service_flags


@contextmanager
def all_program(folder: Path, realm: str, broker: Broker, keys: Secrets,
                **more: str | int | bool) -> Iterator[Program]:
    (folder / "hook").write_text(json.dumps({
        "kind": "webhook", "realm": realm, "agency": "city", "origins": ["https://hook.example"],
        "secrets": ["whsec_q83vEjRWeJASNFZ4kBI0VniQEjRWeJASq1N5w2m8xTA="]}))
    gateway = f"127.0.0.1:{free_port()}"
    flags = service_flags(broker.bootstrap, keys, partitions=2, gateway_listen=gateway,
                          publishing_feed_base_url=f"http://{gateway}",
                          publishing_allow_private_addresses=True,
                          publishing_credentials_dir=str(folder), **more)
    with Program("tocsin-all", folder, flags).start() as program:
        yield program
