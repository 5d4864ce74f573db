"""A private Kafka cluster of three nodes, each a broker and a controller, each killed by itself."""

import base64
import os
from pathlib import Path

import confluent_kafka
from confluent_kafka.admin import AdminClient

from support.broker import Broker
from support.ports import free_ports

NODES = 3


class Cluster:
    """Durable over kills: ports and data stay the same. `bootstrap` names all nodes."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports(2 * NODES)
        clients, controllers = ports[:NODES], ports[NODES:]
        voters = ",".join(f"{number}@127.0.0.1:{port}"
                          for number, port in enumerate(controllers, start=1))
        name = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "a")
        self.nodes: dict[int, Broker] = {}
        for number, (port, controller) in enumerate(zip(clients, controllers, strict=True), 1):
            home = folder / f"node-{number}"
            home.mkdir(parents=True)
            (home / "cluster.id").write_text(name + "\n")
            self.nodes[number] = Broker(home, heap="300m", ports=(port, controller), settings={
                "node.id": str(number), "controller.quorum.voters": voters,
                "controller.quorum.election.timeout.ms": "500",
                "controller.quorum.fetch.timeout.ms": "1000",
                # A dead follower must leave the in-sync set before it holds anybody up for long.
                "replica.lag.time.max.ms": "2000", "replica.fetch.wait.max.ms": "100",
            })

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes.values())

    def spawn(self, *numbers: int) -> None:
        for number in numbers:
            self.nodes[number].spawn()

    def wait_ready(self) -> None:
        for node in self.nodes.values():
            if node.running:
                node.wait_ready()

    def kill(self) -> None:
        for node in self.nodes.values():
            node.kill()

    def _partition(self, topic: str, partition: int) -> confluent_kafka.admin.PartitionMetadata:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        return admin.list_topics(topic, timeout=10).topics[topic].partitions[partition]

    def leader(self, topic: str, partition: int) -> int:
        """Number of the node that leads a partition; -1 while none does."""
        return int(self._partition(topic, partition).leader)

    def in_sync(self, topic: str, partition: int) -> int:
        return len(self._partition(topic, partition).isrs)

    def replicas(self, topic: str, partition: int) -> int:
        return len(self._partition(topic, partition).replicas)
