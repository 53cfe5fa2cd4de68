# SPDX-License-Identifier: Apache-2.0
"""A host that serves files over HTTPS on loopback, well or badly, and remembers what it was asked."""

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.provider_builder import certificate

from freehold.contract.grant import Allowance, Errand, Place


@dataclass
class Web:
    """``files`` by path. ``breaks_after``: after how many bytes an answer breaks off, one for each, while there are."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    breaks_after: list[int] = field(default_factory=list)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    etag: Callable[[bytes], str] = lambda content: f'"{len(content)}-{hash(content)}"'
    ranges: bool = True
    token: str = ""  # without which what lies under /v2/ is not shown; /token gives it to anybody
    port: int = 0
    ca: Path = Path()

    @property
    def place(self) -> Place:
        return Place("127.0.0.1", self.port)

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    def permit(self, errand: Errand) -> Allowance:
        """Leave for this host alone, which lies on loopback."""
        return Allowance(places=frozenset({self.place}), private=frozenset({self.place}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def do_GET(self) -> None:
        web = self.web
        web.heard.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        path = self.path.partition("?")[0]
        if web.token and path == "/token":
            self._serve(path, json.dumps({"token": web.token}).encode())
        elif web.token and path.startswith("/v2/") and self.headers.get("Authorization") != f"Bearer {web.token}":
            challenge = f'Bearer realm="{web.url("/token")}",service="here"'
            self._head(401, {"WWW-Authenticate": challenge, "Content-Length": "0"})
        elif path in web.redirects:
            self._head(302, {"Location": web.redirects[path], "Content-Length": "0"})
        elif path in web.statuses or path not in web.files:
            self._head(web.statuses.get(path, 404), {"Content-Length": "0"})
        else:
            self._serve(path, web.files[path])

    def _serve(self, path: str, content: bytes) -> None:
        web, etag = self.web, self.web.etag(content)
        begin, status = 0, 200
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if web.ranges and asked and self.headers.get("If-Range") == etag:
            begin, status = int(asked[1]), 206
        if begin and begin >= len(content):
            self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
            return
        fields = {"ETag": etag, "Content-Length": str(len(content) - begin), "Connection": "close"}
        fields["Content-Type"] = web.types.get(path, "application/octet-stream")
        if status == 206:
            fields["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        self._head(status, fields)
        end = begin + web.breaks_after.pop(0) if web.breaks_after else len(content)
        self.wfile.write(content[begin:end])
        self.close_connection = True

    def _head(self, status: int, fields: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing is said."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """The host, with a certificate of its own in ``folder``."""
    folder.mkdir(exist_ok=True)
    ca, chain, key = certificate(folder, "127.0.0.1")
    web = Web(ca=ca)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": web})) as server:
        server.daemon_threads = True
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        web.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
