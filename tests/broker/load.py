"""Callers that ask drafting for changes through real gRPC, at whichever of its instances, and keep
asking: with backoff and jitter while the answer is "not yet", at once at both instances, or late.
Those of one realm contend for the same templates, and read what they and others wrote. Every
answer is kept, so that it can be held against the ledger, and every attempt, for the history."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

from history import History, put_of
from support.calls import (
    CHANNEL_OPTIONS, Answer, answer_of, answer_of_error, call_metadata, request_bytes,
)
from support.connect import new_request_id
from support.ledger import Ledger
from support.protos import method
from support.sample_message import draft
from support.tokens import Person
from support.waiting import until

ATTEMPT_S = 2.0
TEMPLATES = 2  # of each realm
GIVE_UP_S = 120.0  # no request stays without an answer for so long, whatever happens to the stack


@dataclass
class Asked:
    """One request and all that was answered to it."""

    person: Person
    method: str
    request: dict[str, Any]
    client: int  # number of the caller
    first_sent_ns: int = 0  # monotonic
    answers: list[Answer] = field(default_factory=list)
    answered_at: float = 0.0  # monotonic; of the first answer
    attempts: int = 0

    @property
    def request_id(self) -> str:
        return str(self.request["requestId"])


def incident(request_id: str) -> dict[str, Any]:
    """The same one whenever that request is made."""
    return {"requestId": request_id, "kind": "flood", "title": f"Incident of {request_id}"}


class Load:
    """Runs on a thread of its own, so that the test's thread is free to break things. In a `with`
    statement it is stopped at the end of the block."""

    def __init__(self, addresses: list[str], people: list[tuple[Person, str]], history: History,
                 callers: int = 16, pause_s: float = 0.05, seed: int = 1) -> None:
        self._addresses = addresses
        self._people = people
        self._history = history
        self._callers = callers
        self._pause_s = pause_s
        self._seed = seed
        self._random = random.Random(seed)
        self.asked: list[Asked] = []
        self.answered = 0  # requests that have an answer
        self.late = 0  # requests that were repeated long after their answer
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> "Load":
        self._thread.start()
        return self

    def stop(self) -> None:
        """No new requests; returns when all that were sent are answered."""
        self._stop.set()
        self._thread.join(timeout=GIVE_UP_S + 60)
        assert not self._thread.is_alive(), "the load does not end"
        assert not self.failures, "\n".join(self.failures[:10])

    def grows(self, by: int, what: str = "the load is in full swing", seconds: float = 60) -> None:
        """Until so many more requests have an answer."""
        goal = self.answered + by
        until(lambda: self.answered >= goal, what, seconds)

    def answered_since(self, moment: float) -> list[Asked]:
        return [one for one in list(self.asked) if one.answered_at > moment]

    def tally(self, ledger: Ledger) -> dict[str, int]:
        """For a report(): what was asked, and what came of it."""
        return {"requests": len(self.asked), "late_repeats": self.late,
                "attempts": sum(asked.attempts for asked in self.asked),
                "decisions": len(ledger.counted), "void": ledger.void}

    # --- on the thread ---

    def _run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        self._channels = [grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
                          for address in self._addresses]
        self._later: set[asyncio.Task[None]] = set()
        try:
            await asyncio.gather(*(self._caller(number) for number in range(self._callers)))
            while self._later:
                await asyncio.gather(*self._later)
            await self._ask_everything_again()
        except Exception as error:  # the test's thread reports it
            self.failures.append(f"load: {error!r}")
        finally:
            for channel in self._channels:
                await channel.close()

    async def _caller(self, number: int) -> None:
        person, token = self._people[number % len(self._people)]
        etags: dict[str, str] = {}  # of each template, as this caller last heard
        while not self._stop.is_set():
            template = f"load-{self._seed}-{self._random.randrange(TEMPLATES)}"
            dice = self._random.random()
            if dice < 0.5:
                asked = await self._ask(number, person, token, "CreateIncident",
                                        incident(new_request_id()))
                if self._random.random() < 0.2:
                    await self._read_incident(asked, token)
            elif dice < 0.8:
                asked = await self._ask(number, person, token, "PutTemplate",
                                        _template(template, etags.get(template, "")))
                if asked.answers and asked.answers[0].ok:
                    etags[template] = asked.answers[0].body["etag"]
                if not asked.answers or not asked.answers[0].ok or self._random.random() < 0.3:
                    await self._read_template(asked, token, template, etags)
            elif dice < 0.9:  # refused as long as it is there
                await self._ask(number, person, token, "PutTemplate", _template(template, ""))
            else:
                asked = await self._ask(number, person, token, "CreateIncident",
                                        incident(new_request_id()))
                other = {**asked.request, "title": "another body under the same id"}
                await self._ask(number, person, token, "CreateIncident", other)
            await asyncio.sleep(self._random.expovariate(1 / self._pause_s))

    async def _read_template(self, after: Asked, token: str, template: str,
                             etags: dict[str, str]) -> None:
        answer = await self._read(after, token, f"template/{template}", "GetTemplate",
                                  {"templateId": template},
                                  lambda body: (str(body["template"]["version"]),
                                                str(body["template"]["draft"]["title"])))
        if answer.ok:
            etags[template] = str(answer.body["template"]["version"])

    async def _read_incident(self, after: Asked, token: str) -> None:
        if after.answers and after.answers[0].ok:
            await self._read(after, token, f"incident/{after.request_id}", "GetIncident",
                             {"incidentId": after.answers[0].body["id"]},
                             lambda body: ("", str(body["incident"]["title"])))

    async def _read(self, after: Asked, token: str, name: str, call: str, request: dict[str, Any],
                    shown: Callable[[dict[str, Any]], tuple[str, str]]) -> Answer:
        """Once, at the instance that fate chooses, and not before it has what `after` wrote."""
        if not after.answers:
            return Answer("UNAVAILABLE")
        answer = await self._call(self._random.randrange(len(self._channels)), token, call, request,
                                  ATTEMPT_S, after.answers[0].token)
        etag, value = shown(answer.body) if answer.ok else ("", "")
        self._history.get(after.client, after.person.subject, f"{after.person.realm}/{name}",
                          after.first_sent_ns, answer, etag, value)
        return answer

    async def _ask(self, client: int, person: Person, token: str, name: str,
                   request: dict[str, Any]) -> Asked:
        asked = Asked(person, name, request, client)
        self.asked.append(asked)
        where = self._random.randrange(len(self._channels))
        dice = self._random.random()
        if dice < 0.05:  # impatient: gone before the answer, back later
            await self._attempt(asked, token, where, timeout_s=0.002)
            await asyncio.sleep(self._random.uniform(0.05, 3))
        elif dice < 0.10:  # at both at once
            await asyncio.gather(*(self._insist(asked, token, i)
                                   for i in range(len(self._channels))))
        await self._insist(asked, token, where)
        if self._random.random() < 0.1:
            task = asyncio.ensure_future(self._repeat_late(asked, token))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        return asked

    async def _repeat_late(self, asked: Asked, token: str) -> None:
        deadline = time.monotonic() + self._random.uniform(0.5, 12)
        while time.monotonic() < deadline and not self._stop.is_set():
            await asyncio.sleep(0.1)
        self.late += 1
        await self._insist(asked, token, self._random.randrange(len(self._channels)))

    async def _ask_everything_again(self) -> None:
        """The last and latest: a good part of all requests, at the instance that fate chooses."""
        tokens = dict(self._people)
        sample = self._random.sample(self.asked, min(len(self.asked), 1500))
        gate = asyncio.Semaphore(16)

        async def one(asked: Asked) -> None:
            async with gate:
                await self._insist(asked, tokens[asked.person],
                                   self._random.randrange(len(self._channels)))

        await asyncio.gather(*(one(asked) for asked in sample))

    async def _insist(self, asked: Asked, token: str, where: int) -> None:
        """Until there is an answer: backing off with jitter, turning to the other instance."""
        pause = 0.02
        give_up = time.monotonic() + GIVE_UP_S
        while not await self._attempt(asked, token, where, ATTEMPT_S):
            if time.monotonic() > give_up:
                self.failures.append(f"no answer for {GIVE_UP_S:g} s: {asked}")
                return
            await asyncio.sleep(self._random.uniform(0.5, 1) * pause)
            pause = min(pause * 2, 1.0)
            where = (where + 1) % len(self._channels)

    async def _attempt(self, asked: Asked, token: str, where: int, timeout_s: float) -> bool:
        asked.attempts += 1
        called = time.monotonic_ns()
        asked.first_sent_ns = asked.first_sent_ns or called
        answer = await self._call(where, token, asked.method, asked.request, timeout_s)
        self._history.put(asked.client, asked.person.subject,
                          put_of(asked.person.realm, asked.method, asked.request), called, answer)
        if answer.again:
            return False
        if not asked.answered_at:
            asked.answered_at = time.monotonic()
            self.answered += 1
        asked.answers.append(answer)
        return True

    async def _call(self, where: int, token: str, name: str, request: dict[str, Any],
                    timeout_s: float, after: str = "") -> Answer:
        path, _, _ = method("drafting", name)
        try:
            body = await self._channels[where].unary_unary(path)(
                request_bytes("drafting", name, request), timeout=timeout_s,
                metadata=call_metadata(token, after))
        except grpc.aio.AioRpcError as error:
            return answer_of_error(error)
        return answer_of("drafting", name, body)


def _template(template_id: str, etag: str) -> dict[str, Any]:
    request_id = new_request_id()
    return {"requestId": request_id, "templateId": template_id, "etag": etag,
            "draft": draft(title=f"by {request_id} after {etag or 'nothing'}"),
            "expiresAfterSeconds": "3600"}
