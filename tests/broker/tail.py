"""A broker that loses the last of what it had."""

from support.broker import Broker


def cut_tail(broker: Broker, topic: str, partition: int, batches: int) -> int:
    """Takes the last batches out of a partition of a dead broker; the records that are left."""
    folder = broker.folder / "data" / f"{topic}-{partition}"
    [segment] = sorted(folder.glob("*.log"))
    log = segment.read_bytes()
    starts, at = [], 0
    while at + 12 <= len(log) and (length := int.from_bytes(log[at + 8:at + 12], "big")) > 0:
        starts.append(at)
        at += 12 + length
    cut = starts[-batches]
    left = int.from_bytes(log[cut:cut + 8], "big")  # base offset of the first batch that goes
    segment.write_bytes(log[:cut])
    for index in (*folder.glob("*.index"), *folder.glob("*.timeindex")):
        index.unlink()
    return left
