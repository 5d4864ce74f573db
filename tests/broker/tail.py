"""A broker that loses the last of what it had."""

from support.broker import Broker, batches


def cut_tail(broker: Broker, topic: str, partition: int, count: int) -> int:
    """Takes the last batches out of a partition of a dead broker; the records that are left."""
    segment = broker.segment(topic, partition)
    log = segment.read_bytes()
    cut, _ = batches(log)[-count]
    left = int.from_bytes(log[cut:cut + 8], "big")  # base offset of the first batch that goes
    segment.write_bytes(log[:cut])
    for index in (*segment.parent.glob("*.index"), *segment.parent.glob("*.timeindex")):
        index.unlink()
    return left
