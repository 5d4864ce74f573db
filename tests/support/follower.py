"""The commands and decisions of a service while they are written, for tests that act at such a
moment. It takes records at their word: what counts is for support/ledger.py to say."""

import threading
from typing import Any, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from support.ledger import commands_topic, ledger_topic
from support.protos import message


class Follower:
    """Of publishing, by release."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.decisions = 0  # so many were read
        self.writer = ""  # instance that wrote the last one
        self._seen: dict[str, list[str]] = {}  # names of commands and events, by release
        self._release_of: dict[str, str] = {}  # by message
        self._news = threading.Condition()
        self._ending = False
        self._ledger = ledger_topic("publishing")
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": "tests", "enable.auto.commit": False,
            "fetch.wait.max.ms": 100, "log_level": 2})
        self._consumer.assign([
            TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(partitions)
            for topic in (commands_topic("publishing"), self._ledger)])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()
        self._consumer.close()

    def release_of(self, message_id: str, seconds: float = 30) -> str:
        with self._news:
            assert self._news.wait_for(lambda: message_id in self._release_of, seconds), \
                f"no release of {message_id} is planned"
            return self._release_of[message_id]

    def saw(self, message_id: str, name: str, count: int = 1, seconds: float = 30) -> None:
        """Returns once so many commands or events of that name are about a release of it."""
        release = self.release_of(message_id, seconds)
        with self._news:
            assert self._news.wait_for(
                lambda: self._seen.get(release, []).count(name) >= count, seconds), \
                f"not {count} {name} of {message_id}: {self._seen.get(release)}"

    def grows(self, count: int, seconds: float = 60) -> None:
        """Returns once so many more decisions were read."""
        with self._news:
            wanted = self.decisions + count
            assert self._news.wait_for(lambda: self.decisions >= wanted, seconds), \
                f"only {self.decisions} of {wanted} decisions"

    def _read(self) -> None:
        while not self._ending:
            for record in self._consumer.consume(500, 0.1):
                # The topics may not be there yet.
                if record.error() is None:
                    self._take(record.topic(), record.value() or b"")

    def _take(self, topic: str, value: bytes) -> None:
        if topic != self._ledger:
            command = message("tocsin.ledger.v1.CommandRecord").FromString(value)
            body = message("tocsin.publishing.v1.Command").FromString(command.body)
            found = [(body, self._subject(getattr(body, body.WhichOneof("body") or "", None)))]
            return self._note(found, decided_by="")
        decision = message("tocsin.ledger.v1.Decision").FromString(value)
        events = [message("tocsin.publishing.v1.Event").FromString(one)
                  for one in decision.accepted.events]
        self._note([(event, event.release_id) for event in events], decision.writer)

    @staticmethod
    def _subject(command: Any) -> str:
        return str(getattr(command, "release_id", ""))

    def _note(self, found: list[tuple[Any, str]], decided_by: str) -> None:
        with self._news:
            for one, release in found:
                name = one.WhichOneof("body") or ""
                if name == "release_planned":
                    self._release_of[one.release_planned.release.message_id] = release
                self._seen.setdefault(release, []).append(name)
            if decided_by:
                self.decisions += 1
                self.writer = decided_by
            self._news.notify_all()
