"""Ledgers that are long, made in seconds: nobody decides, the records are forged with the key."""

import time

from support.connect import new_request_id
from support.ledger import Counted, forged_history, ledger_topic
from support.programs import Secrets
from support.protos import message
from support.raw import Raw


def make_history(bootstrap: str, keys: Secrets, service: str, last: Counted, count: int) -> int:
    """Refusals of one old request behind `last`, the last that counted of its partition and the
    answer to a command; the offset behind them. No instance may run."""
    topic = ledger_topic(service)
    refusal = message("tocsin.ledger.v1.Decision")(writer="forger", realm=last.decision.realm)
    refusal.cause.CopyFrom(last.decision.cause)
    refusal.cause.request_id = new_request_id()
    refusal.cause.expires_at.FromSeconds(int(time.time()) - 3600)
    refusal.decided_at.CopyFrom(last.decision.decided_at)
    refusal.rejected.code, refusal.rejected.text = "expired", "long ago"
    Raw(bootstrap).put_many(topic, last.partition, forged_history(
        last.digest, refusal, keys.mac_key, topic, count))
    return last.offset + 1 + count
