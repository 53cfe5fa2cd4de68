# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a hub of models on loopback: speaks as much of its HTTP API as its own client uses, well or badly.

``GET /api/models/OWNER/NAME/revision/REVISION?blobs=true``, and ``HEAD`` and ``GET /OWNER/NAME/resolve/REVISION/PATH``
with ``X-Repo-Commit``, ``ETag``, ``X-Linked-ETag``, ``X-Linked-Size`` and ``Range``. What is large is handed out on
another port, by ``/cdn/``, to which it redirects.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import msgspec

from freehold.contract.grant import Allowance, Errand, Place
from freehold.egress.outlet import Outlet
from freehold.errors import VaultError
from freehold.vault.fetching import Delivery
from freehold.vault.hub.client import Said

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
REPOSITORY = "acme/tiny"
_LARGE = (".gguf", ".safetensors")


@dataclass
class StandIn:
    """``revisions``: the files of each commit. ``branches``: which commit each is."""

    revisions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    licence: str = "apache-2.0"
    refuses: tuple[int, str] = (0, "")  # a status for everything, and the X-Error-Code that goes with it
    limited: int = 0  # how many requests are answered with 429
    retry_after_s: int = 1
    cdn: str = ""  # where large files are sent to; empty: this host itself
    breaks_after: list[int] = field(default_factory=list)  # after how many bytes an answer breaks off, one for each
    hides: tuple[str, ...] = ()  # what is listed and not handed out
    instead: dict[str, bytes] = field(default_factory=dict)  # what is handed out instead of what is listed
    hands_out_as: str = ""  # a commit, instead of the one that was asked for
    answers_as: str = ""  # the same where it lists
    ranges: bool = True
    goes_on: bool = False  # a file has no end
    lists_on: bool = False  # nor has the list
    stalls_after: int = 0  # bytes of an answer, until ``go`` is set
    go: threading.Event = field(default_factory=threading.Event)
    heard: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    port: int = 0
    cdn_port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def place(self) -> Place:
        return Place("127.0.0.1", self.port)

    def permit(self, errand: Errand) -> Allowance:
        """Leave for its two ports, which are on loopback."""
        places = frozenset({self.place, Place("127.0.0.1", self.cdn_port)})
        return Allowance(places=places, private=places)

    def put(self, files: Mapping[str, bytes], commit: str = COMMIT, branch: str = "main") -> None:
        self.revisions[commit] = dict(files)
        self.branches[branch] = commit

    def asked(self, method: str, path: str) -> list[Mapping[str, str]]:
        """The header fields of each such request."""
        return [fields for was, of, fields in self.heard if was == method and path in of]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: StandIn

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, parts = self.hub, urlsplit(self.path)
        path = unquote(parts.path)
        hub.heard.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
        if hub.limited:
            hub.limited -= 1
            self._head(429, {"Retry-After": str(hub.retry_after_s)})
        elif hub.refuses[0]:
            self._head(hub.refuses[0], {"X-Error-Code": hub.refuses[1]} if hub.refuses[1] else {})
        elif matched := re.fullmatch(r"/api/models/(.+)/revision/(.+)", path):
            self._list(matched[1], matched[2])
        elif matched := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(matched[1], matched[2], matched[3])
        elif matched := re.fullmatch(r"/cdn/([^/]+)/(.+)", path):
            self._hand_out(self._content(matched[1], matched[2]), {})
        else:
            self._head(404, {})

    def _list(self, repository: str, revision: str) -> None:
        hub = self.hub
        commit = hub.branches.get(revision, revision)
        if repository != REPOSITORY or commit not in hub.revisions:
            self._head(404, {"X-Error-Code": "RevisionNotFound" if repository == REPOSITORY else "RepoNotFound"})
            return
        if hub.lists_on:
            self._go_on({"Content-Type": "application/json"})
            return
        body = {
            "id": repository,
            "sha": hub.answers_as or commit,
            "cardData": {"license": hub.licence},
            "siblings": [_sibling(path, content) for path, content in hub.revisions[commit].items()],
        }
        content = json.dumps(body).encode()
        self._head(200, {"Content-Type": "application/json"}, len(content))
        self.wfile.write(content)

    def _resolve(self, repository: str, revision: str, path: str) -> None:
        hub = self.hub
        commit = hub.branches.get(revision, revision)
        if repository != REPOSITORY or path in hub.hides or path not in hub.revisions.get(commit, {}):
            self._head(404, {"X-Error-Code": "EntryNotFound"})
            return
        listed = hub.revisions[commit][path]
        fields = {"X-Repo-Commit": hub.hands_out_as or commit}
        if path.endswith(_LARGE):
            fields["X-Linked-ETag"] = f'"{hashlib.sha256(listed).hexdigest()}"'
            fields["X-Linked-Size"] = str(len(listed))
            fields["Location"] = f"{hub.cdn or hub.url}/cdn/{commit}/{path}?signature=1"
            self._head(302, fields)
        else:
            fields["ETag"] = f'"{_git(listed)}"'
            self._hand_out(self._content(commit, path), fields)

    def _content(self, commit: str, path: str) -> bytes:
        return self.hub.instead.get(path, self.hub.revisions[commit][path])

    def _hand_out(self, content: bytes, fields: dict[str, str]) -> None:
        hub, begin, status = self.hub, 0, 200
        if hub.goes_on and self.command == "GET":
            self._go_on(fields)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and hub.ranges and int(asked[1]) < len(content):
            begin, status = int(asked[1]), 206
            fields = {**fields, "Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
        self._head(status, {**fields, "Connection": "close"}, len(content) - begin)  # or the client might use it again
        if self.command == "GET":
            end = begin + hub.breaks_after.pop(0) if hub.breaks_after else len(content)
            if hub.stalls_after:
                self.wfile.write(content[begin : hub.stalls_after])
                self.wfile.flush()
                hub.go.wait(timeout=60)
                begin = max(begin, hub.stalls_after)
            self.wfile.write(content[begin:end])

    def _go_on(self, fields: dict[str, str]) -> None:
        self.send_response_only(200)
        for name, value in {**fields, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(b"%x\r\n%b\r\n" % (2**20, bytes(2**20)))

    def _head(self, status: int, fields: Mapping[str, str], length: int = 0) -> None:
        self.send_response_only(status)
        for name, value in {**fields, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


class FakeClient:
    """The hub's client as an import asks it, without a process or a socket: it looks into the stand-in."""

    def __init__(self, hub: StandIn) -> None:
        self._hub = hub

    def installed(self, endpoint: str, delivery: Delivery) -> "FakeClient":
        return self

    def ask(
        self, question: Mapping[str, object], said: msgspec.json.Decoder[Said], outlet: Outlet, tell: Callable[[], None]
    ) -> Said:
        tell()
        try:
            return said.decode(msgspec.json.encode(self.answer(question)))
        except msgspec.ValidationError as exc:
            raise VaultError("what the hub says cannot be understood, or its client failed") from exc

    def answer(self, question: Mapping[str, object]) -> dict[str, object]:
        answer = {"list": self._list, "locate": self._locate, "fetch": self._fetch}[str(question["what"])]
        return self._refused(str(question["repository"]), str(question["revision"])) or answer(question)

    def _refused(self, repository: str, revision: str) -> dict[str, object]:
        hub = self._hub
        if hub.limited:
            hub.limited -= 1
            return {"problem": "status", "status": 429, "wait_s": hub.retry_after_s}
        if hub.refuses[0]:
            return {"problem": "gated" if hub.refuses[1] == "GatedRepo" else "status", "status": hub.refuses[0]}
        if repository != REPOSITORY:
            return {"problem": "no repository", "status": 404}
        if hub.branches.get(revision, revision) not in hub.revisions:
            return {"problem": "no revision", "status": 404}
        return {}

    def _list(self, question: Mapping[str, object]) -> dict[str, object]:
        hub, revision = self._hub, str(question["revision"])
        if hub.lists_on:
            return {"problem": "not understood"}
        commit = hub.branches.get(revision, revision)
        files = [
            {
                "path": path,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest() if path.endswith(_LARGE) else "",
                "blob": "" if path.endswith(_LARGE) else _git(content),
            }
            for path, content in hub.revisions[commit].items()
        ]
        return {"commit": hub.answers_as or commit, "licence": hub.licence, "files": files}

    def _locate(self, question: Mapping[str, object]) -> dict[str, object]:
        hub, commit = self._hub, str(question["revision"])
        rows = []
        for path, content in self._asked(question):
            if path in hub.hides:
                return {"problem": "no file", "status": 404}
            large = path.endswith(_LARGE)
            rows.append(
                {
                    "path": path,
                    "url": f"{(large and hub.cdn) or hub.url}/{path}",
                    "commit": hub.hands_out_as or commit,
                    "etag": hashlib.sha256(content).hexdigest() if large else _git(content),
                    "size_bytes": len(content),
                }
            )
        return {"files": rows}

    def _fetch(self, question: Mapping[str, object]) -> dict[str, object]:
        hub = self._hub
        parts = {row["path"]: Path(row["part"]) for row in cast("list[dict[str, str]]", question["files"])}
        for path, listed in self._asked(question):
            content, part = hub.instead.get(path, listed), parts[path]
            if hub.goes_on:
                return {"problem": "too long"}
            begin = part.stat().st_size if part.exists() else 0
            hub.heard.append(("GET", path, {"range": f"bytes={begin}-"} if begin else {}))
            end = begin + hub.breaks_after.pop(0) if hub.breaks_after else len(content)
            with part.open("ab") as file:
                file.write(content[begin:end])
            if end < len(content):
                return {"problem": "broken off"}
        return {}

    def _asked(self, question: Mapping[str, object]) -> list[tuple[str, bytes]]:
        files = self._hub.revisions[str(question["revision"])]
        return [(row["path"], files[row["path"]]) for row in cast("list[dict[str, str]]", question["files"])]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _sibling(path: str, content: bytes) -> dict[str, object]:
    row: dict[str, object] = {"rfilename": path, "size": len(content), "blobId": _git(content)}
    if path.endswith(_LARGE):
        row["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
    return row


@contextmanager
def serving_hub() -> Iterator[StandIn]:
    hub = StandIn()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with _listening(handler) as hub.port, _listening(handler) as hub.cdn_port:
        hub.cdn = f"http://127.0.0.1:{hub.cdn_port}"
        yield hub
        hub.go.set()


@contextmanager
def _listening(handler: type[_Handler]) -> Iterator[int]:
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
