"""Puts any bytes into a topic, and makes, alters and deletes topics: what a stranger with access to
Kafka could do."""

from collections.abc import Iterable

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, OffsetSpec, ResourceType,
)

from support.waiting import until


class Raw:
    def __init__(self, bootstrap: str) -> None:
        settings = {"bootstrap.servers": bootstrap, "log_level": 2}
        # A hundred thousand may be queued, on a machine that does something else beside.
        self._producer = Producer({**settings, "linger.ms": 0, "message.timeout.ms": 55_000,
                                   "message.max.bytes": 2_000_000})
        self._admin = AdminClient(settings)

    def put(self, topic: str, partition: int, value: bytes | None,
            key: bytes | None = b"calgary") -> int:
        """The offset at which it was stored."""
        stored: list[int] = []

        def delivered(error: object, message: object) -> None:
            assert error is None, error
            stored.append(message.offset())  # type: ignore[attr-defined]

        self._producer.produce(topic, value, key, partition, on_delivery=delivered)
        self._producer.flush(20)
        assert stored, f"{topic}: not stored"
        return stored[0]

    def put_many(self, topic: str, partition: int, values: Iterable[bytes],
                 key: bytes = b"calgary") -> None:
        """In this order."""
        failures: list[str] = []

        def stored(error: object, _: object) -> None:
            if error is not None:
                failures.append(str(error))

        for value in values:
            while True:
                try:
                    self._producer.produce(topic, value, key, partition, on_delivery=stored)
                    break
                except BufferError:
                    self._producer.poll(1)
        assert self._producer.flush(60) == 0, f"{topic}: not all is stored"
        assert not failures, f"{topic}: {len(failures)} are not stored: {failures[0]}"

    def first_offset(self, topic: str, partition: int) -> int:
        """Where the topic starts: what was before it, retention has deleted."""
        place = TopicPartition(topic, partition)
        found = self._admin.list_offsets({place: OffsetSpec.earliest()})[place].result(30)
        return int(found.offset)

    def make_topic(self, name: str, partitions: int, **config: str) -> None:
        """In `config`, underscores stand for dots."""
        topic = NewTopic(name, partitions, 1, config={
            key.replace("_", "."): value for key, value in config.items()})

        def made() -> bool:
            try:
                self._admin.create_topics([topic])[name].result(30)
            except KafkaException as error:
                # On a busy machine the broker misses its own heartbeats and is fenced for a while.
                if error.args[0].name() != "INVALID_REPLICATION_FACTOR":
                    raise
                return False
            return True

        until(made, f"{name} can be made", 60, pause=0.2)

    def configure(self, name: str, **config: str) -> None:
        """Settings of a topic that is there; underscores stand for dots."""
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
            ConfigEntry(key.replace("_", "."), value,
                        incremental_operation=AlterConfigOpType.SET)
            for key, value in config.items()])
        self._admin.incremental_alter_configs([resource])[resource].result(30)

    def delete_topic(self, name: str) -> None:
        self._admin.delete_topics([name])[name].result(30)
        until(lambda: name not in self._admin.list_topics(timeout=10).topics, f"{name} is gone")
