"""Three Kafka nodes: any one may die at any time, and nothing accepted is lost."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from load import Load
from oracle import check_everything
from pair import Pair, report
from support.cluster import Cluster
from support.connect import new_request_id
from support.ledger import ledger_topic
from support.places import FULL_DOSE
from support.programs import Program, Secrets, service_flags
from support.waiting import until

KILLS = 6 if FULL_DOSE else 2
LEDGER = ledger_topic("drafting")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(Path(tmp_path_factory.mktemp("cluster")))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def pair(cluster: Cluster, keys: Secrets, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Pair]:
    cluster.spawn(*(number for number, node in cluster.nodes.items() if not node.running))
    cluster.wait_ready()
    started = Pair(cluster, keys, Path(tmp_path_factory.mktemp("pair"))).start()
    yield started
    started.end()


def test_a_half_started_cluster_is_not_taken_for_a_small_one(
        cluster: Cluster, keys: Secrets, tmp_path: Path) -> None:
    cluster.spawn(1, 2)
    cluster.wait_ready()
    approval = Program("tocsin-approval", tmp_path, {
        **service_flags(cluster.bootstrap, keys, "early", 2), "kafka-replication": 3})
    approval.spawn()
    until(lambda: "2 of the 3 brokers that kafka-replication needs" in approval.said(),
          "it says whom it waits for", 60)
    cluster.spawn(3)
    cluster.wait_ready()
    approval.wait_ready()
    assert cluster.replicas(ledger_topic("approval"), 0) == 3
    assert approval.terminate() == 0


def in_sync_min(cluster: Cluster) -> str:
    topic = ConfigResource(ConfigResource.Type.TOPIC, LEDGER)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    told = admin.describe_configs([topic])[topic].result(timeout=20)
    return str(told["min.insync.replicas"].value)


def all_in_sync(cluster: Cluster, pair: Pair) -> bool:
    return all(cluster.in_sync(LEDGER, number) == 3 for number in range(pair.partitions))


def longest_silence(load: Load, since: float) -> float:
    moments = [since, *sorted(asked.answered_at for asked in load.answered_since(since))]
    return max(after - before for before, after in pairwise(moments))


def test_the_node_that_leads_the_ledger_is_killed_under_load(
        cluster: Cluster, pair: Pair) -> None:
    assert cluster.replicas(LEDGER, 0) == 3 and in_sync_min(cluster) == "2"
    outages: list[float] = []
    with pair.load(seed=5) as load:
        for kill in range(KILLS):
            load.grows(100)
            until(lambda: all_in_sync(cluster, pair), "all replicas are in sync", 90, 0.2)
            number = cluster.leader(LEDGER, kill % pair.partitions)
            killed_at = time.monotonic()
            cluster.nodes[number].kill()
            until(lambda t=killed_at: len(load.answered_since(t + 2)) > 50,
                  "it goes on with two nodes", 90)
            assert not cluster.nodes[number].running
            outages.append(longest_silence(load, killed_at))
            cluster.nodes[number].start()
    ledger = check_everything(pair)
    report("node-kills", {
        "kills": KILLS, "silence_s": [round(outage, 2) for outage in outages],
        **load.tally(ledger)})


def test_with_one_node_left_nothing_is_accepted_and_with_two_it_goes_on(
        cluster: Cluster, pair: Pair) -> None:
    until(lambda: all_in_sync(cluster, pair), "all replicas are in sync", 90, 0.2)
    request_id = new_request_id()
    for number in (1, 2):
        cluster.nodes[number].kill()
    answer = pair.ask(pair.left, request_id=request_id, timeout_s=3)
    assert answer.code == "UNAVAILABLE", f"not said in time: {answer}"
    assert pair.reader(pair.left).call("drafting", "ListIncidents", {"pageSize": 1}).ok
    cluster.nodes[1].start()
    accepted = pair.create(pair.left, request_id=request_id, seconds=90)  # with two nodes
    cluster.nodes[2].start()
    again = pair.ask(pair.right, request_id=request_id)
    assert again.ok and again.body == accepted.body
    check_everything(pair)
