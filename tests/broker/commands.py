"""Commands of drafting that somebody put into their topic by hand, and what became of them."""

import time
from typing import Any

from pair import Pair
from support.calls import request_bytes
from support.connect import new_request_id
from support.ledger import Record, commands_topic, read_topic
from support.protos import message

COMMANDS = commands_topic("drafting")
DEAD_LETTERS = "tocsin.dead-letters.v1"


def command(title: str = "by hand", **changed: Any) -> Any:
    """A CommandRecord as an instance would write it, but for the fields in `changed`."""
    record = message("tocsin.ledger.v1.CommandRecord")(
        realm="calgary", actor="ann@calgary.example", agency="city", roles=["author"],
        request_id=new_request_id())
    record.expires_at.FromSeconds(int(time.time()) + 600)
    body = message("tocsin.drafting.v1.Command")()
    body.create_incident.ParseFromString(request_bytes("drafting", "CreateIncident", {
        "requestId": record.request_id, "kind": "flood", "title": title}))
    record.body = body.SerializeToString()
    for name, value in changed.items():
        setattr(record, name, value)
    return record


def dead_letters(pair: Pair, offset: int) -> list[Record]:
    """Those of the command at that offset."""
    return [letter for letter in read_topic(pair.bootstrap, DEAD_LETTERS, pair.partitions)
            if letter.headers.get("tocsin_error_offset") == str(offset)
            and letter.headers.get("tocsin_error_topic") == COMMANDS]
