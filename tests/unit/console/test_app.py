# SPDX-License-Identifier: Apache-2.0
"""The console over HTTP, from a request's head and body to an answer's."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.unit.console.conftest import FakeApi, Pages

from freehold.admin.doors import AdminPort
from freehold.admin.keys import OperatorRecord, digest_of
from freehold.admin.sessions import Sessions
from freehold.admin.state import State
from freehold.api.rsgi import Transport
from freehold.console.app import Console
from freehold.console.assets import read_assets
from freehold.console.interface import Page, Shown, Visit
from freehold.console.pages import PAGES
from freehold.console.sign_in import own_path

TOKEN = "fho_a-token"


class Payer:
    def pay_soon(self) -> None: ...


@dataclass
class Headers:
    """As the server hands them over."""

    known: dict[str, str]

    def get(self, key: str, default: str | None = None) -> str | None:
        return self.known.get(key, default)

    def items(self) -> list[tuple[str, str]]:
        return list(self.known.items())


@dataclass
class Scope:
    method: str
    path: str
    query_string: str
    headers: Headers
    client: str = "127.0.0.1:50000"
    proto: str = "http"


@dataclass
class Answer:
    """An exchange that remembers what it was answered."""

    body_sent: bytes
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body_sent

    async def client_disconnect(self) -> None: ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.text = status, dict(headers), body.decode()

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Transport:
        raise AssertionError("the console streams nothing")


@dataclass
class Browser:
    """Asks a console as a browser does."""

    console: Console
    cookie: str = ""
    csrf: str = ""

    async def ask(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        body = urlencode(form or {}).encode()
        own = {"host": "127.0.0.1:8081", "cookie": self.cookie, **(headers or {})}
        where, _, query = path.partition("?")
        answer = Answer(body)
        await self.console.__rsgi__(Scope(method, where, query, Headers(own)), answer)
        return answer

    async def sign_in(self, token: str = TOKEN, to: str = "") -> Answer:
        answer = await self.ask("POST", "/console/sign-in", {"token": token, "to": to})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer


@pytest.fixture
def browser(tmp_path: Path, pages: Pages) -> Iterator[Browser]:
    state = State(tmp_path / "state.db")
    state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of(TOKEN), created_unix=1.0))
    sessions = Sessions(state, Payer(), "http://127.0.0.1:8081")

    async def break_down(visit: Visit) -> Shown:
        raise RuntimeError("a secret detail")

    made = Console(
        api=pages.api,
        door=AdminPort(state, host="127.0.0.1", sessions=sessions),
        sessions=sessions,
        pages=(*PAGES, Page(path="broken", show=break_down)),
        assets=read_assets(),
        layout=pages.layout,
    )
    yield Browser(made)
    state.close()


@pytest.mark.parametrize("path", ["/console/now", "/console/sign-in", "/console/static/console.css", "/console/none"])
async def test_every_answer_has_the_headers_that_keep_browsers_from_harm(browser: Browser, path: str) -> None:
    await browser.sign_in()
    headers = (await browser.ask("GET", path)).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")


async def test_without_a_session_there_is_a_form_and_afterwards_the_page(browser: Browser) -> None:
    sent = await browser.ask("GET", "/console/keys?days=30")
    assert (sent.status, sent.headers["location"]) == (303, "/console/sign-in?to=%2Fconsole%2Fkeys%3Fdays%3D30")
    form = await browser.ask("GET", sent.headers["location"])
    assert 'value="/console/keys?days=30"' in form.text
    done = await browser.sign_in(to="/console/keys?days=30")
    assert (done.status, done.headers["location"]) == (303, "/console/keys?days=30")
    assert (await browser.ask("GET", "/console/keys?days=30")).status == 200


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console//evil",
        "/console/sign-out",
        "/console/a\r\nb",
    ],
)
def test_signing_in_leads_nowhere_else(asked: str) -> None:
    assert own_path(asked) == "/console/now"


async def test_a_wrong_token_is_said_and_too_many_are_told_to_wait(browser: Browser) -> None:
    for _ in range(5):
        assert (await browser.sign_in("fho_wrong")).status == 401
    answer = await browser.sign_in()
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"host": "evil.example"},
    ],
)
async def test_pages_of_others_get_nothing(browser: Browser, headers: dict[str, str]) -> None:
    await browser.sign_in()
    for method, path in (("GET", "/console/keys"), ("POST", "/console/sign-in"), ("GET", "/console/static/api.js")):
        answer = await browser.ask(method, path, {"token": TOKEN}, headers)
        assert answer.status == 403
        assert "set-cookie" not in answer.headers


async def test_whoever_follows_a_link_of_another_site_is_asked_to_come_again(browser: Browser) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = await browser.ask("GET", "/console/keys?days=1", headers=link)
    assert answer.status == 200
    assert 'http-equiv="refresh" content="0"' in answer.text
    assert (await browser.ask("POST", "/console/keys", headers=link)).status == 403


async def test_an_act_needs_the_token_that_pages_carry(browser: Browser, api: FakeApi) -> None:
    await browser.sign_in()
    form = {"act": "create-operator", "label": "x"}
    for shown in ({}, {"csrf": ""}, {"csrf": "x"}):
        assert (await browser.ask("POST", "/console/keys", {**form, **shown})).status == 403
    assert (await browser.ask("POST", "/console/sign-out")).status == 403
    assert api.asked == []
    page = (await browser.ask("GET", "/console/keys")).text
    token = page.split('name="csrf" content="')[1].split('"')[0]
    await browser.ask("POST", "/console/keys", {**form, "csrf": token})
    assert "POST operators" in [what for what, _, _ in api.asked]
    out = await browser.ask("POST", "/console/sign-out", {"csrf": token})
    assert (out.status, out.headers["location"]) == (303, "/console/sign-in")
    assert (await browser.ask("GET", "/console/keys")).status == 303


async def test_a_file_that_a_browser_has_is_not_sent_again(browser: Browser) -> None:
    first = await browser.ask("GET", "/console/static/console.css")
    again = await browser.ask("GET", "/console/static/console.css", headers={"if-none-match": first.headers["etag"]})
    assert (first.status, again.status, again.text) == (200, 304, "")


@pytest.mark.parametrize("path", ["../console.css", "vendor/SOURCES.txt", "%2e%2e/app.py", "", "none.js"])
async def test_nothing_else_is_a_file(browser: Browser, path: str) -> None:
    assert (await browser.ask("GET", f"/console/static/{path}")).status == 404


async def test_a_bug_costs_one_page_and_tells_nothing_of_itself(browser: Browser) -> None:
    await browser.sign_in()
    answer = await browser.ask("GET", "/console/broken")
    assert answer.status == 500
    assert "an internal error: req_" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/console/keys", 405),
        ("POST", "/console/now", 405),
        ("PUT", "/console/sign-in", 405),
        ("GET", "/console/x/y", 404),
    ],
)
async def test_what_there_is_not_is_said(browser: Browser, method: str, path: str, status: int) -> None:
    await browser.sign_in()
    assert (await browser.ask(method, path)).status == status


async def test_a_form_with_too_many_fields_is_refused(browser: Browser) -> None:
    await browser.sign_in()
    many = {f"field{number}": "" for number in range(501)}
    assert (await browser.ask("POST", "/console/keys", many)).status == 400
