"""A server with Mastodon's client API, strict and with switches: whether it knows a repeat by its
key and for how long, when it carries a request out, and what becomes of its answers.

Each account has a base URL of its own, so that each can have its own faults. Sources: the API's
documentation, and what Mastodon and GoToSocial were seen to do.
"""

import html
import json
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

from e2e.loopback_server import Fault, Handler, LoopbackServer, as_iso_time

TOKEN = "token-of-the-city"
PAGE_MAX = 40


class Refused(Exception):
    def __init__(self, status: int, error: str) -> None:
        self.status, self.error = status, error


@dataclass
class Post:
    id: int
    status: str
    language: str
    in_reply_to: int | None
    key: str
    created_at: str
    edits: list[dict[str, str]] = field(default_factory=list)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _link(found: re.Match[str]) -> str:
    """As Mastodon shows one: shortened for the eye, whole for a reader of the markup."""
    url = found[0]
    scheme, rest = url.split("://", 1)
    return (f'<a href="{url}" rel="nofollow"><span class="invisible">{scheme}://</span>'
            f'<span class="ellipsis">{rest[:30]}</span><span class="invisible">{rest[30:]}</span>'
            "</a>")


def as_html(text: str) -> str:
    marked = re.sub(r"https?://[^\s<]+", _link, html.escape(text, quote=True))
    return "".join(f"<p>{part}</p>".replace("\n", "<br />") for part in marked.split("\n\n"))


def length(text: str) -> int:
    return len(re.sub(r"https?://\S+", "x" * 23, text))


class Account:
    """`faults`: what the next requests to post are answered with, None for their proper answer, and
    whether they are carried out."""

    def __init__(self, number: int, url: str) -> None:
        self.id = str(number)
        self.url = url
        self.posts: list[Post] = []
        self.attempts: list[float] = []  # when each request to post came, by the monotonic clock
        self.faults: deque[tuple[Fault | None, bool]] = deque()
        self.knows_keys = True
        self.key_seconds = 3600.0
        self.commits_after_s = 0.0
        self.characters = 500
        self.page = PAGE_MAX
        self._keys: dict[str, tuple[Post, float]] = {}
        self._lock = threading.Lock()

    def create(self, body: dict[str, Any], key: str) -> Post:
        status = body.get("status", "")
        if not status:
            raise Refused(422, "Validation failed: Text can't be blank")
        if length(status) > self.characters:
            raise Refused(422, f"Validation failed: Text limit of {self.characters} exceeded")
        with self._lock:
            known = self._keys.get(key) if self.knows_keys and key else None
            if known and time.monotonic() < known[1] + self.key_seconds:
                return known[0]
            answered = body.get("in_reply_to_id")
            if answered is not None:
                self.find(str(answered))
        # What runs beside it sees neither the post nor its key before.
        time.sleep(self.commits_after_s)
        with self._lock:
            post = Post(110_000 + len(self.posts), status, body.get("language", ""),
                        int(answered) if answered is not None else None, key, _now())
            self.posts.append(post)
            self._keys[key] = (post, time.monotonic())
            return post

    def find(self, number: str) -> Post:
        for post in self.posts:
            if str(post.id) == number:
                return post
        raise Refused(404, "Record not found")

    def edit(self, number: str, body: dict[str, Any]) -> Post:
        post = self.find(number)
        with self._lock:
            post.edits.append({"content": as_html(post.status), "created_at": _now()})
            post.status = body["status"]
        return post

    def shown(self, post: Post) -> dict[str, Any]:
        return {"id": str(post.id), "url": f"{self.url}/@city/{post.id}",
                "content": as_html(post.status), "language": post.language,
                "created_at": post.created_at, "visibility": "public",
                "edited_at": post.edits[-1]["created_at"] if post.edits else None,
                "in_reply_to_id": None if post.in_reply_to is None else str(post.in_reply_to)}

    def list(self, limit: int, max_id: int | None) -> list[Post]:
        older = [post for post in reversed(self.posts) if max_id is None or post.id < max_id]
        return older[:min(limit, self.page)]

    def busy(self, count: int) -> None:
        """So many other posts, as of now."""
        for _ in range(count):
            self.create({"status": "The road is open.", "language": "en"}, "")

    @contextmanager
    def slow(self, seconds: float) -> Iterator[None]:
        self.commits_after_s = seconds
        yield
        self.commits_after_s = 0


class _Handler(Handler):
    double: "MastodonServer"

    def _account(self) -> tuple[Account, str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        name, _, path = parts.path.lstrip("/").partition("/")
        return self.double.accounts[name], f"/{path}", parse_qs(parts.query)

    def _answer(self) -> None:
        # As GoToSocial does.
        if not self.headers.get("user-agent"):
            return self.reply_json(418, {"error": "teapot"})
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self.reply_json(401, {"error": "The access token is invalid"})
        account, path, query = self._account()
        try:
            if self.command == "POST" and path == "/api/v1/statuses":
                return self._post(account)
            value, headers = self._read_or_change(account, path, query)
            return self.reply_json(200, value, {**_limits(), **headers})
        except Refused as refused:
            return self.reply_json(refused.status, {"error": refused.error}, _limits())

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

    def _post(self, account: Account) -> None:

        body = json.loads(self.body())
        key = self.headers.get("idempotency-key", "")
        account.attempts.append(time.monotonic())
        fault, commits = account.faults.popleft() if account.faults else (None, True)
        post = account.create(body, key) if commits else None
        if fault:
            return fault(self)
        assert post, "what is answered properly is carried out"
        return self.reply_json(200, account.shown(post), _limits())

    def _read_or_change(self, account: Account, path: str, query: dict[str, list[str]]
                        ) -> tuple[Any, dict[str, str]]:
        if path == "/api/v1/accounts/verify_credentials":
            return {"id": account.id, "username": "city"}, {}
        if path == "/api/v2/instance":
            return {"configuration": {"statuses": {"max_characters": account.characters}}}, {}
        if path == f"/api/v1/accounts/{account.id}/statuses":
            before = query.get("max_id")
            page = account.list(int(query.get("limit", ["20"])[0]),
                                int(before[0]) if before else None)
            link = {"link": f'<{account.url}{path}?max_id={page[-1].id}>; rel="next"'} \
                if len(page) == account.page else {}
            return [account.shown(post) for post in page], link
        found = re.fullmatch(r"/api/v1/statuses/(\w+)(/context|/history)?", path)
        if not found:
            raise Refused(404, "Record not found")
        post = account.find(found[1])
        if self.command == "PUT":

            post = account.edit(found[1], json.loads(self.body()))
        elif self.command == "DELETE":
            account.posts.remove(post)
        if found[2] == "/history":
            return [*post.edits, {"content": as_html(post.status)}], {}
        if found[2] == "/context":
            return {"ancestors": [], "descendants": [
                account.shown(one) for one in account.posts if one.in_reply_to == post.id]}, {}
        return account.shown(post), {}


def _limits() -> dict[str, str]:
    return {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "299",
            "x-ratelimit-reset": as_iso_time(300)}


class MastodonServer(LoopbackServer):
    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        super().__init__(_Handler)

    def add(self, name: str) -> Account:
        return self.accounts.setdefault(
            name, Account(len(self.accounts) + 1, f"{self.url}/{name}"))
