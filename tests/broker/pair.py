"""Two instances of drafting on the same topics, a roster that lets people in, and their callers."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from history import History
from load import Load, incident
from support.broker import Broker
from support.calls import Answer, Caller, answered
from support.clock import Clock
from support.cluster import Cluster
from support.connect import new_request_id
from support.ledger import Ledger, read_ledger
from support.places import HOME
from support.ports import free_ports
from support.programs import Program, Secrets, run_cli, service_flags
from support.tokens import OPERATOR, Issuer, Person, roster
from support.waiting import until

REALMS = ("calgary", "montreal", "halifax", "yukon")


class Pair:
    """`left` and `right`. A third program, approval, is there only to import the roster."""

    def __init__(self, broker: Broker | Cluster, keys: Secrets, folder: Path, partitions: int = 2,
                 clocks: Mapping[str, Clock] | None = None,
                 key_files: Mapping[str, Path] | None = None,
                 programs: Mapping[str, str] | None = None, takeover_ms: int = 250) -> None:
        self.broker = broker
        self._takeover_ms = takeover_ms
        programs = programs or {}  # by instance; tocsin-drafting where there is none
        self._key_files = key_files or {}  # by instance; that of `keys` where there is none
        self._clocks = clocks or {}  # by instance; the machine's where there is none
        self.keys = keys
        self.folder = folder
        self.partitions = partitions
        self.issuer = Issuer(keys)
        self.realms = REALMS
        self._others: list[Program] = []
        self.loads: list[Load] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.history = History(folder / "history.jsonl")
        self.made_by_tests: set[str] = set()  # incidents made beside the loads
        self.people = [Person(f"{name}@{realm}.example", realm, "city", ("author", "admin"))
                       for realm in REALMS for name in ("ann", "bob")]
        ports = free_ports(2)
        self.left, self.right = self.instances = tuple(
            self._program(programs.get(name, "tocsin-drafting"), name,
                          grpc_listen=f"127.0.0.1:{port}")
            for name, port in zip(("left", "right"), ports, strict=True))
        self._addresses = {"left": f"127.0.0.1:{ports[0]}", "right": f"127.0.0.1:{ports[1]}"}
        self._readers: dict[tuple[str, str], Caller] = {}  # by address and realm

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    def start(self) -> "Pair":
        self.import_rosters()
        self.start_both()
        return self

    def start_both(self, wait_s: float = 120) -> None:
        for instance in self.instances:
            instance.spawn()
        for instance in self.instances:
            instance.wait_ready(wait_s)

    def restart_both(self, wait_s: float = 120) -> None:
        """A crash of both, and a start."""
        for instance in self.instances:
            instance.kill()
        self.start_both(wait_s)

    def import_rosters(self) -> None:
        """Drafting follows approval's ledger; once the rosters lie there, approval may end."""
        approval = self._program("tocsin-approval", "approval").start()
        for realm in self.realms:
            assert self.import_roster(approval, realm).ok
        assert approval.terminate() == 0

    def import_roster(self, approval: Program, realm: str, city: str = "City") -> Answer:
        """`city`: the name of its only agency."""
        instance = approval.flag("instance")
        caller = Caller(approval.address, self.token(self.person_of(realm), instance))
        answer = caller.call("approval", "ImportRoster", {
            "requestId": new_request_id(self.now(instance)),
            "roster": roster((person for person in self.people if person.realm == realm),
                             city=city)})
        caller.close()
        return answer

    def another(self, instance: str, folder: str = "", name: str = "tocsin-drafting") -> Program:
        """One more instance, which the load does not know."""
        self._others.append(self._program(name, instance, folder))
        return self._others[-1]

    def end(self) -> None:
        self.forget_readers()
        for instance in (*self.instances, *self._others):
            instance.kill()

    def address(self, instance: Program) -> str:
        if instance in self._others:
            return instance.address
        return self._addresses[instance.flag("instance")]

    def now(self, instance: str) -> float:
        """Seconds since 1970 by the clock of an instance."""
        clock = self._clocks.get(instance)
        return clock.now() if clock else time.time()

    def token(self, person: Person, instance: str = "") -> str:
        now = int(self.now(instance))
        return self.issuer.token(person, iat=now, exp=now + 3600)

    def person_of(self, realm: str) -> Person:
        return next(person for person in self.people if person.realm == realm)

    def load(self, callers: int = 16, pause_s: float = 0.05, seed: int = 1) -> Load:
        people = [(person, self.token(person)) for person in self.people]
        self.loads.append(Load(list(self._addresses.values()), people, self.history, callers,
                               pause_s, seed))
        return self.loads[-1].start()

    def reader(self, instance: Program, realm: str = REALMS[0]) -> Caller:
        key = (self.address(instance), realm)
        if key not in self._readers:
            token = self.token(self.person_of(realm), instance.flag("instance"))
            self._readers[key] = Caller(self.address(instance), token)
        return self._readers[key]

    def operator(self, instance: Program) -> Caller:
        key = (self.address(instance), "")
        if key not in self._readers:
            token = self.token(OPERATOR, instance.flag("instance"))
            self._readers[key] = Caller(self.address(instance), token)
        return self._readers[key]

    def forget_readers(self) -> None:
        """Their tokens are of a time that is over."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def ask(self, instance: Program, realm: str = REALMS[0], request_id: str = "",
            timeout_s: float = 5) -> Answer:
        """For an incident, once, whatever the answer; a new one unless its request is named."""
        request_id = request_id or self.new_request_id(instance)
        answer = self.reader(instance, realm).call(
            "drafting", "CreateIncident", incident(request_id), timeout_s=timeout_s)
        if answer.ok:
            self.made_by_tests.add(answer.body["id"])
        return answer

    def create(self, instance: Program, realm: str = REALMS[0], request_id: str = "",
               seconds: float = 60) -> Answer:
        """As ask(), again and again until there is an answer; it must be one that accepts."""
        request_id = request_id or self.new_request_id(instance)
        answer = answered(lambda: self.ask(instance, realm, request_id),
                          f"an answer of {instance.flag('instance')}", seconds)
        assert answer.ok, answer
        return answer

    def new_request_id(self, instance: Program) -> str:
        return new_request_id(self.now(instance.flag("instance")))

    def incidents(self, instance: Program, realm: str = REALMS[0]) -> list[str]:
        """The ids of all that an instance shows."""
        return [row["incidentId"] for row in self.reader(instance, realm).pages(
            "drafting", "ListIncidents", "incidents")]

    def operate(self, instance: Program, verb: str, partition: int, reason: str
                ) -> subprocess.CompletedProcess[str]:
        """The operator's `tocsin ledger VERB`, of one partition."""
        return run_cli(self.keys, "ledger", verb, "drafting", "--partition", str(partition),
                       "--reason", reason, "--drafting", self.address(instance),
                       "--as", OPERATOR.subject, "--roles", "operator", check=False)

    def operated(self, done: subprocess.CompletedProcess[str], partition: int) -> Any:
        """The decision that operate() led to."""
        assert done.returncode == 0, done
        service, where, offset = done.stdout.strip().split("/")
        assert (service, where) == ("drafting", str(partition))
        return self.ledger().at[partition, int(offset)].decision

    def let_lead(self, instance: Program) -> None:
        """Every partition, for now: it decides in each while the other one is away."""
        self.other(instance).kill()
        for realm in self.realms:
            assert self.create(instance, realm).ok
        self.other(instance).start()

    def status(self, instance: Program) -> list[dict[str, Any]]:
        """LedgerService.GetStatus, by partition; asked for until it is answered: just after a start
        on a busy machine a connection may take too long."""
        answer = answered(lambda: self.operator(instance).call("ledger", "GetStatus"),
                          f"the status of {instance.flag('instance')}", 20)
        assert answer.ok, answer
        rows = answer.body["partitions"]
        assert len(rows) == self.partitions
        return rows

    def halted(self, instance: Program) -> dict[int, str]:
        """Why which partitions stand still; one that has only just started says nothing yet."""
        answer = self.operator(instance).call("ledger", "GetStatus")
        return {row.get("partition", 0): row["halted"] for row in answer.body.get("partitions", [])
                if row.get("halted")}

    def ledger(self) -> Ledger:
        return read_ledger(self.bootstrap, "drafting", self.partitions, self.keys.mac_keys)

    def leader(self, partition: int) -> Program:
        """Who wrote the last decision that counted, as an instance that runs says it."""
        def writer() -> str:
            for instance in self.instances:
                answer = self.operator(instance).call("ledger", "GetStatus", timeout_s=1)
                if answer.ok:
                    return str(answer.body["partitions"][partition].get("writer", ""))
            return ""

        name = until(writer, f"a leader of partition {partition}")
        return self.left if name == "left" else self.right

    def other(self, instance: Program) -> Program:
        return self.right if instance is self.left else self.left

    def _program(self, name: str, instance: str, folder: str = "", **more: Any) -> Program:
        more.setdefault("mac_key_file", str(self._key_files.get(instance, self.keys.mac_key_file)))
        flags = service_flags(self.bootstrap, self.keys, instance, self.partitions,
                              takeover_ms=self._takeover_ms, **more)
        clock = self._clocks.get(instance)
        return Program(name, self.folder / (folder or instance), flags,
                       clock.environment() if clock else None)


def report(name: str, figures: dict[str, Any]) -> None:
    """Printed, and written where ./dev keeps its state, for whoever compares runs."""
    folder = HOME / "log"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"broker-{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(f"\n{name}: {json.dumps(figures)}")
