"""The program with all services in one, and what the agency `city` needs for a webhook."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.broker import Broker
from support.credentials import Credentials, webhook
from support.ports import free_port
from support.programs import Program, Secrets, service_flags


@contextmanager
def all_program(folder: Path, realm: str, broker: Broker, keys: Secrets,
                **more: str | int | bool) -> Iterator[Program]:
    credentials = Credentials(folder, str(more.get("world", "live")))
    credentials.put("hook", webhook(realm, "https://hook.example"))
    gateway = f"127.0.0.1:{free_port()}"
    settings: dict[str, str | int | bool] = {
        "partitions": 2, "gateway_listen": gateway, "publishing_feed_base_url": f"http://{gateway}",
        "publishing_allow_private_addresses": True, **credentials.flags, **more}
    flags = service_flags(broker.bootstrap, keys, **settings)
    with Program("tocsin-all", folder, flags).start() as program:
        yield program
