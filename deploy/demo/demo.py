#!/usr/bin/env python3
"""Replays a flood through the running stack: a gauge rises, a rule crosses, a message is drafted
and submitted, two agencies' people approve exactly those bytes, every channel of both carries it at
once, and the scorecard says how long each step took.

Without --gauge: the Bow River at Calgary, June 2013, hourly discharge, threshold 1000 m3/s.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import requests
from api import Api, Refused
from gauge_file import FORMATS, GaugeFile, Series, Unusable, open_gauge, span

HERE = Path(__file__).resolve().parent
BOW = HERE.parent.parent / "tests" / "data" / "gauges" / "bow-calgary-2013.csv"
AGENCIES = ("calgary", "alberta")
APPROVERS = {"calgary": ("calgary-chief", "calgary-duty"),
             "alberta": ("alberta-chief", "alberta-duty")}
PLAY_SECONDS = 30.0  # what a whole file takes at the default speed
STEP_SECONDS = 60.0  # longest wait for any one step once the replay is over
YEAR_SECONDS = 365 * 86400
# In a flood of years ago no reading is too old.
REPLAYED_SECONDS = 100 * YEAR_SECONDS
ENDED = ("RELEASE_STATE_RELEASED", "RELEASE_STATE_ABORTED", "RELEASE_STATE_EXPIRED",
         "RELEASE_STATE_CANCELLED")
CONFIRMED = "DELIVERY_STATE_CONFIRMED"
SETTLED = (CONFIRMED, "DELIVERY_STATE_REFUSED", "DELIVERY_STATE_SKIPPED",
           "DELIVERY_STATE_NOT_READY")


class Failed(Exception):
    """The demo cannot go on; the text says what is wrong and what to do."""


def say(text: str = "") -> None:
    print(text, flush=True)


def step(text: str) -> None:
    say(f"{datetime.now().strftime('%H:%M:%S')}  {text}")


def dev(verb: str) -> str:
    """What people type: ./dev itself takes the exercise where nothing else is said."""
    return f"./dev {verb}" + (" --world live" if os.environ["TOCSIN_WORLD"] == "live" else "")


def kind_of(milestone: dict) -> str:
    """As people read it: `crossed` for MILESTONE_KIND_CROSSED."""
    return milestone["kind"].removeprefix("MILESTONE_KIND_").lower()


def state_of(thing: dict) -> str:
    """As people read it: `confirmed` for DELIVERY_STATE_CONFIRMED."""
    return thing["state"].split("_STATE_", 1)[1].lower()


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%MZ")


@dataclass
class Plan:
    path: Path
    format: str
    gauge: GaugeFile
    series: Series
    threshold: float
    speed: float
    template: str
    time_zone: str
    hysteresis: float


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev demo", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true",
                        help="stop afterwards what this command started")
    parser.add_argument("--gauge", type=Path, metavar="FILE", help="play this gauge file instead")
    parser.add_argument("--format", choices=sorted(FORMATS), help="format of that file")
    parser.add_argument("--threshold", type=float, metavar="X",
                        help="the rule crosses at the first reading at or above X (with --gauge)")
    parser.add_argument("--series", metavar="STATION:PARAMETER",
                        help="which series of the file; the first one when left out")
    parser.add_argument("--speed", type=float, metavar="N",
                        help="seconds of the file per second; the default plays any file in 30 s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome to this file")
    parser.add_argument("--plan-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.gauge is None and (
            options.format or options.series or options.threshold is not None):
        parser.error("--format, --threshold and --series go with --gauge FILE")
    if options.gauge and (options.format is None or options.threshold is None):
        parser.error("--gauge FILE needs --format and --threshold")
    if options.speed is not None and not 0 < options.speed < 1e9:
        parser.error("--speed: give a number above 0")
    return options


def choose(options: argparse.Namespace) -> Plan:
    path = (options.gauge or BOW).resolve()
    format_name = options.format or "eccc-csv"
    try:
        gauge = open_gauge(str(path), format_name)
        first, last = span(gauge)
    except Unusable as error:
        raise Failed(f"--gauge {path}: {error}") from error
    wanted = options.series or (
        "05BH004:discharge" if options.gauge is None else next(iter(gauge.series)))
    if wanted not in gauge.series:
        raise Failed(f"--series {wanted}: the file has {', '.join(list(gauge.series)[:20])}")
    series = gauge.series[wanted]
    threshold = 1000.0 if options.gauge is None else options.threshold
    if series.first_at_or_above(threshold) is None:
        highest = max((value for _, value in series.readings), default=None)
        raise Failed(f"--threshold {threshold:g}: {wanted} never reaches it (highest: "
                     f"{'no reading' if highest is None else f'{highest:g} {series.unit}'})")
    bow = options.gauge is None
    speed = options.speed or max((last - first) / PLAY_SECONDS, 1.0)
    return Plan(path, format_name, gauge, series, threshold, speed,
                "bow" if bow else "gauge", "America/Edmonton" if bow else "UTC",
                50.0 if bow else 0.0)


class Demo:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tocsin = os.environ["TOCSIN_BIN"] + "/tocsin"
        self.world = os.environ["TOCSIN_DEMO_WORLD"]
        self.mastodon = os.environ["TOCSIN_DEMO_MASTODON"]
        self.api = Api(os.environ["TOCSIN_GATEWAY"], self.tocsin)
        self.http = requests.Session()
        self.http.trust_env = False
        self.run = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]
        self.incident = self.message = ""

    # --- the outside world ---

    def control(self, verb: str, **request: object) -> None:
        answer = self.http.post(f"{self.world}/control/{verb}", timeout=10,
                                json={"run": self.run, **request})
        if answer.status_code != 200:
            raise Failed(f"the demo's gauge server: {answer.json().get('error')}")

    def file_time(self) -> float:
        return self.http.get(f"{self.world}/control/{self.run}", timeout=10).json()["now"]

    # --- what an operations centre sets up once ---

    def set_up(self) -> None:
        roster = json.loads((HERE / "roster.json").read_text())
        self.api.change("calgary-admin", "approval", "ImportRoster", roster=roster)
        for agency in AGENCIES:
            admin = f"{agency}-admin"
            self.api.change(admin, "approval", "SetPolicy", severity="SEVERITY_SEVERE", quorum=2,
                            roles=["approver", "duty-officer"])
            name = agency.capitalize()
            for channel in (
                {"channelId": f"{agency}-feed", "kind": "feed", "name": f"{name} public feed",
                 "credential": f"demo-feed-{agency}"},
                {"channelId": f"{agency}-webhook", "kind": "webhook",
                 "name": f"{name} media partners",
                 "url": f"{self.world}/webhooks/{agency}", "credential": f"demo-webhook-{agency}"},
                {"channelId": f"{agency}-mastodon", "kind": "mastodon",
                 "name": f"{name} on Mastodon",
                 "url": self.mastodon, "credential": f"demo-mastodon-{agency}",
                 # What Mastodon allows an account; some of it is for what cannot wait.
                 "budgetPosts": 300, "budgetSeconds": 3 * 3600, "budgetReserve": 50},
            ):
                self.api.change(admin, "publishing", "PutChannel", **channel)
        step("two agencies, seven people, six channels: ready")

    def put_template(self) -> str:
        template = json.loads((HERE / f"template-{self.plan.template}.json").read_text())
        # What happened years ago is never an actual alert. A test goes out in the live world.
        if os.environ["TOCSIN_WORLD"] == "live":
            template["draft"]["status"] = "STATUS_TEST"
        known = self.api.read("calgary-writer", "drafting", "ListTemplates").get("templates", [])
        for one in known:
            if one["templateId"] == template["templateId"]:
                template["etag"] = str(one["version"])
        self.api.change("calgary-writer", "drafting", "PutTemplate", **template)
        return template["templateId"]

    def arm_rule(self) -> None:
        template = self.put_template()
        self.incident = self.api.change(
            "calgary-writer", "drafting", "CreateIncident", kind="flood",
            title=f"High water at {self.plan.series.name}", agencies=list(AGENCIES))["id"]
        self.control("load", path=str(self.plan.path), format=self.plan.format)
        self.api.change("calgary-admin", "trigger", "PutSource", sourceId=f"demo-{self.run}",
                        format=self.plan.format, url=f"{self.world}/gauge/{self.run}",
                        pollSeconds=0.2, staleSeconds=REPLAYED_SECONDS)
        self.api.change("calgary-admin", "trigger", "PutRule", ruleId=f"demo-{self.run}",
                        sourceId=f"demo-{self.run}", series=self.plan.series.name,
                        threshold=self.plan.threshold, hysteresis=self.plan.hysteresis,
                        maxAgeSeconds=REPLAYED_SECONDS,
                        # one message per run, however the river goes on
                        cooldownSeconds=YEAR_SECONDS,
                        templateId=template, incidentId=self.incident, timeZone=self.plan.time_zone)
        step(f"rule: {self.plan.series.name} at or above {self.plan.threshold:g} "
             f"{self.plan.series.unit} drafts from template {template}")

    def rest(self) -> None:
        """The replay is over: nothing is polled any more."""
        self.api.change("calgary-admin", "trigger", "RemoveRule", ruleId=f"demo-{self.run}")
        self.api.change("calgary-admin", "trigger", "RemoveSource", sourceId=f"demo-{self.run}")

    # --- what those on duty see of it ---

    def listed(self, method: str, rows: str, wanted) -> dict | None:  # noqa: ANN001
        """The first row of a list of trigger's for which that holds."""
        token = ""
        while True:
            page = self.api.read("calgary-duty", "trigger", method, pageSize=500, pageToken=token)
            for row in page.get(rows, []):
                if wanted(row):
                    return row
            token = page.get("nextPageToken", "")
            if not token:
                return None

    def watch(self) -> list[str]:
        """Rule, source and crossing, a line each, as `rule list` and the others show them."""
        name = f"demo-{self.run}"
        crossing = self.wait_for("the crossing with its message", lambda: self.listed(
            "ListCrossings", "crossings", lambda one: one["ruleId"] == name and (
                one.get("messageId") or one.get("refused"))))
        rule = self.wait_for("the rule", lambda: self.listed(
            "ListRules", "rules", lambda one: one["rule"]["ruleId"] == name))
        source = self.wait_for("the source", lambda: self.listed(
            "ListSources", "sources", lambda one: one["source"]["sourceId"] == name))
        last = rule.get("lastReading", {})
        skipped = ", ".join(f"{reason} {count}" for reason, count in sorted(
            source.get("skippedByReason", {}).items()))
        return [
            f"rule      {state_of(rule)}: {rule.get('reason', '')}; last {last.get('value', 0):g} "
            f"{last.get('unit', '')} of {last.get('readAt', '-')}",
            f"source    {source.get('polls', 0)} polls, {source.get('readings', 0)} readings, "
            f"skipped: {skipped or 'none'}{'; ' + source['error'] if source.get('error') else ''}",
            f"crossing  {crossing['crossingId']} at {crossing['evidence'][0].get('value', 0):g}: "
            f"{crossing.get('messageId') or 'refused, ' + crossing['refused']}",
        ]

    # --- the line ---

    def play(self) -> dict:
        first, last = span(self.plan.gauge)
        step(f"playing {self.plan.path.name} from {utc(first)}, "
             f"{self.plan.speed:,.0f} times faster")
        self.control("play", seconds_per_second=self.plan.speed)
        deadline = time.monotonic() + (last - first) / self.plan.speed + STEP_SECONDS
        told = 0.0
        while time.monotonic() < deadline:
            if time.monotonic() - told >= 1:
                told = time.monotonic()
                self.show_river(self.file_time())
            found = self.api.read("calgary-writer", "drafting", "ListMessages",
                                  incidentId=self.incident)
            if found.get("messages"):
                return found["messages"][0]
            time.sleep(0.05)
        raise Failed(f"no message was drafted: see {dev('tocsin')} --as calgary-duty rule list, "
                     f"{dev('tocsin')} --as calgary-duty source list, and {dev('logs')}")

    def show_river(self, now: float) -> None:
        so_far = [(at, value) for at, value in self.plan.series.readings if at <= now]
        if not so_far:
            return
        at, value = max(so_far)
        highest = max(value for _, value in self.plan.series.readings)
        bar = "#" * round(30 * max(value, 0) / highest) if highest > 0 else ""
        step(f"  {utc(at)}  {value:9.2f} {self.plan.series.unit:5} {bar}")

    def approve(self, digest: str) -> None:
        for agency, people in APPROVERS.items():
            for person in people:
                review = self.wait_for("the review", lambda: self.review_of(person))
                content = base64.b64decode(review["content"])
                if hashlib.sha256(content).hexdigest() != digest or review["digest"] != digest:
                    raise Failed("the text under review is not the text that was submitted")
                self.api.change(person, "approval", "Approve", messageId=self.message,
                                digest=digest)
                step(f"approved for {agency} by {person}: {digest[:12]}...")

    def review_of(self, person: str) -> dict:
        return self.api.read(person, "approval", "GetReview", messageId=self.message)["review"]

    def release_now(self) -> dict:
        return self.api.read("calgary-duty", "publishing", "GetRelease",
                             messageId=self.message)["release"]

    def release(self) -> dict:
        def ended() -> dict | None:
            whole = self.release_now()
            settled = all(one["state"] in SETTLED for one in whole["deliveries"])
            return whole if settled and whole.get("state") in ENDED else None
        try:
            return self.wait_for("the release", ended)
        except Failed:
            # Not settled in time: show what is known, and count it as a failure.
            return self.release_now()

    def scorecard(self, deliveries: int) -> dict:
        def complete() -> dict | None:
            card = self.api.read("calgary-writer", "measurement", "GetScorecard",
                                 messageId=self.message)["scorecard"]
            told = sum(1 for one in card.get("milestones", []) if kind_of(one) == "confirmed")
            return card if told >= deliveries else None
        return self.wait_for("the scorecard", complete)

    def wait_for(self, what: str, condition):  # noqa: ANN001, ANN201
        deadline = time.monotonic() + STEP_SECONDS
        while time.monotonic() < deadline:
            try:
                found = condition()
            except Refused as error:
                if "not_found" not in str(error):
                    raise
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise Failed(f"{what} did not come within {STEP_SECONDS:.0f} s: see {dev('logs')}")

    def ledger(self) -> dict:
        ran = subprocess.run([self.tocsin, "ledger", "verify", "--json"], capture_output=True,
                             text=True, timeout=120, check=False)
        try:
            told = json.loads(ran.stdout)
        except ValueError:
            return {"decisions": 0, "verified": False}
        return {"decisions": sum(one["counted"] for one in told["partitions"]),
                "verified": ran.returncode == 0 and told["verified"]}


def first_at(card: dict, kind: str) -> str | None:
    times = [one["at"] for one in card.get("milestones", []) if kind_of(one) == kind]
    return min(times, default=None)


def link(delivery: dict) -> str:
    """Where to look at it. The receiver shows a webhook under its id; this Mastodon server has no
    page for people, but shows a post by its id."""
    places = {"webhook": "", "mastodon": "/api/v1/statuses"}
    if delivery["kind"] not in places or not delivery.get("receipt"):
        return delivery.get("url", "")
    return f"{delivery['channel']['url']}{places[delivery['kind']]}/{delivery['receipt']}"


def outcome(card: dict, release: dict, ledger: dict) -> dict:
    confirmed = [one["at"] for one in card.get("milestones", []) if kind_of(one) == "confirmed"]
    reading = card.get("reading", {})
    return {
        "crossed_at": first_at(card, "crossed"),
        "drafted_at": first_at(card, "drafted"),
        "cleared_at": first_at(card, "cleared"),
        "fired_at": first_at(card, "fired"),
        "last_confirmed_at": max(confirmed, default=None),
        "reading": {"value": reading.get("value", 0.0), "at": reading.get("readAt")},
        "skew_ms": release.get("skewMs", -1),
        "deliveries": [
            {"agency": one["agencyId"], "channel": one["channelId"], "state": state_of(one),
             "url": link(one)}
            for one in release["deliveries"]
        ],
        "ledger": ledger,
    }


def show(demo: Demo, card: dict, release: dict, result: dict) -> None:
    say()
    say("Timeline")
    for one in card.get("milestones", []):
        where = " ".join(filter(None, (one.get("agency"), one.get("person"), one.get("channel"),
                                        one.get("text"))))
        say(f"  {one['at']:30}  {kind_of(one):10}  {where}")
    say()
    say("The four clocks")
    for name, key in (("reading -> draft", "readingToDraftSeconds"),
                      ("draft -> cleared", "draftToClearedSeconds"),
                      ("cleared -> last channel", "clearedToLastChannelSeconds"),
                      ("mistake -> corrected", "mistakeToCorrectedSeconds")):
        value = card.get(key, 0.0)
        say(f"  {name:24} {'-' if value < 0 else f'{value:.3f} s'}")
    skew = result["skew_ms"]
    say(f"  {'skew between channels':24} {'-' if skew < 0 else f'{skew:.1f} ms'}")
    say()
    say("Deliveries")
    for one in release["deliveries"]:
        say(f"  {one['channelId']:17} {one.get('language', ''):6} {state_of(one):10} {link(one)}"
            f"{'  ' + one['reason'] if one.get('reason') else ''}")
    say()
    ledger = result["ledger"]
    say(f"Ledger: {ledger['decisions']} decisions, "
        f"{'verified' if ledger['verified'] else 'NOT VERIFIED'}")
    identifier = next(iter(release.get("identifiers", {}).values()), "")
    say()
    say("Try next")
    for line in (
        f"{dev('tocsin')} --as calgary-duty message get {demo.message}",
        f"{dev('tocsin')} --as calgary-duty release get {release['releaseId']}",
        f"{dev('tocsin')} --as calgary-duty release stop {release['releaseId']} "
        "--reason 'sent in error'",
        f"{dev('tocsin')} --as calgary-writer scorecard get {demo.message}",
        f"{dev('tocsin')} ledger tail publishing --from-start",
        f"curl -s {os.environ['TOCSIN_GATEWAY']}/feeds/{os.environ['TOCSIN_REALM']}/en-CA.atom"
        + (f"   (this alert: {identifier})" if identifier else ""),
        f"{dev('status')}; {dev('logs')}; {dev('down')}",
    ):
        say(f"  {line}")


def play(options: argparse.Namespace) -> bool:
    plan = choose(options)
    if options.plan_only:
        return True
    demo = Demo(plan)
    demo.set_up()
    demo.arm_rule()
    try:
        message = demo.play()
        watched = demo.watch()
    finally:
        demo.rest()
    demo.message = message["messageId"]
    message = demo.wait_for("the submitted text", lambda: submitted(demo))
    step(f"crossed: drafted and submitted as {demo.message}")
    for line in watched:
        step(f"  {line}")
    demo.approve(message["digest"])
    release = demo.release()
    confirmed = [one for one in release["deliveries"] if one["state"] == CONFIRMED]
    step(f"released: {len(confirmed)} of {len(release['deliveries'])} deliveries confirmed")
    card = demo.scorecard(len(confirmed))
    result = outcome(card, release, demo.ledger())
    show(demo, card, release, result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return (bool(confirmed) and len(confirmed) == len(release["deliveries"])
            and result["ledger"]["verified"])


def submitted(demo: Demo) -> dict | None:
    message = demo.api.read("calgary-writer", "drafting", "GetMessage",
                            messageId=demo.message)["message"]
    return message if message.get("digest") else None


def main() -> int:
    options = arguments()
    try:
        return 0 if play(options) else 1
    except (Failed, Refused) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except requests.RequestException as error:
        print(f"demo: the stack does not answer: {error}; see {dev('status')}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
