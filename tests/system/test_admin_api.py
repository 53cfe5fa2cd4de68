# SPDX-License-Identifier: Apache-2.0
"""The admin API of a real estate, over its port, with an operator's token: every answer is as the API's own OpenAPI
document says, and of two operators who act at once the second is told.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from openapi_spec_validator import OpenAPIV31SpecValidator
from tests.system.estates import MODEL, Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

ROOT = "/admin/v1"
ORDER: dict[str, Any] = {
    "kind": "model",
    "name": MODEL,
    "reason": "an order",
    "source": "https://example.org/orders/17",
}


@dataclass
class Reply:
    """What came back. ``answer`` is the JSON, of a long operation its result."""

    status: int
    headers: dict[str, str]
    body: bytes
    answer: Any = None


@dataclass
class Admin:
    """An operator who holds every answer to the document."""

    estate: Estate
    token: str
    id: str
    document: dict[str, Any] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def get(self, path: str, status: int = 200, headers: Mapping[str, str] | None = None, **query: object) -> Reply:
        text = f"?{urlencode(query, doseq=True)}" if query else ""
        return self._ask("GET", path, text, None, status, headers or {})

    def post(self, path: str, status: int = 200, if_match: str = "", **fields: object) -> Reply:
        return self._ask("POST", path, "", fields, status, {"If-Match": if_match} if if_match else {})

    def _ask(  # noqa: PLR0917
        self,
        method: str,
        path: str,
        query: str,
        fields: Mapping[str, object] | None,
        status: int,
        headers: Mapping[str, str],
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.estate.admin_port, timeout=600)
        try:
            sent = None if fields is None else json.dumps(fields)
            connection.request(
                method, f"{ROOT}/{path}{query}", sent, {"Authorization": f"Bearer {self.token}", **headers}
            )
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            reply = Reply(response.status, found, response.read())
        finally:
            connection.close()
        assert reply.status == status, (method, path, reply.status, reply.body[:2000])
        self._require_as_told(method, path, reply)
        return reply

    def _require_as_told(self, method: str, path: str, reply: Reply) -> None:
        template = self._template(method, path)
        if template is None:
            reply.answer = json.loads(reply.body)
            return
        self.seen.add((method, template))
        responses = self.document["paths"][template][method.lower()]["responses"]
        told = responses.get(str(reply.status), responses["default"])
        if reply.status == 304:
            return
        media = reply.headers["content-type"].partition(";")[0]
        content = told["content"].get(media) or told["content"]["*/*"]
        if content["schema"].get("format") == "binary":
            return
        schema = jsonschema_rs.validator_for({**content["schema"], "components": self.document["components"]})
        lines = [json.loads(line) for line in reply.body.splitlines()] if media.endswith("ndjson") else []
        for part in lines or [json.loads(reply.body)]:
            schema.validate(part)
        reply.answer = lines[-1]["result"] if lines else json.loads(reply.body)

    def _template(self, method: str, path: str) -> str | None:
        """The document's path, the one with the fewest names where several fit."""
        fitting = [
            template
            for template, operations in self.document.get("paths", {}).items()
            if method.lower() in operations and re.fullmatch(_pattern(template), f"/{path.partition('?')[0]}")
        ]
        return min(fitting, key=lambda template: template.count("{"), default=None)


@pytest.fixture(scope="module")
def operators(module_estate: Estate) -> tuple[Admin, Admin]:
    made = [module_estate.ask("operator", "create", name)["operator"] for name in ("Jeanne", "Zoë")]
    first, second = (Admin(module_estate, one["token"], one["id"]) for one in made)
    document = first.get("openapi.json").answer
    first.document = second.document = document
    second.seen = first.seen
    return first, second


@pytest.fixture(scope="module")
def admin(operators: tuple[Admin, Admin]) -> Admin:
    return operators[0]


@pytest.fixture(scope="module")
def called(admin: Admin) -> dict[str, str]:
    """A call that was answered, by what its answer carried."""
    estate = admin.estate
    response = post(estate, CHAT, chat("Say hello.", max_tokens=4))
    assert response.status == 200
    position = response.headers["freehold-receipt"]

    def ended() -> bool:
        rows = admin.get("ledger/entries", mentions=response.headers["x-request-id"]).answer["entries"]
        return any(row["kind"] == "call" and row["ending"] == "complete" for row in rows)

    wait_for(ended, "the call is on record with its outcome")
    return {"index": position.rpartition("/")[2], "call": response.headers["x-request-id"]}


def test_the_document_is_openapi(admin: Admin) -> None:
    assert admin.document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(admin.document).validate()


def test_every_look_is_answered_as_told(admin: Admin, called: dict[str, str]) -> None:
    for path, operations in admin.document["paths"].items():
        if "get" in operations and "{" not in path and path not in ("/openapi.json", "/drills/compare"):
            admin.get(path.removeprefix("/"))
    for path in (
        f"keys/{admin.get('keys').answer['keys'][0]['id']}",
        f"operators/{admin.id}",
        "targets/local",
        "services/default",
        f"models/{MODEL}",
        f"models/{MODEL}/custody",
        f"models/{MODEL}/tunings",
        "facts/self",
        "facts/mistral",
        "problems/conflict",
        f"ledger/entries/{called['index']}",
        f"ledger/entries/{called['index']}/receipt",
        "ledger/files/checkpoint",
    ):
        admin.get(path)
    admin.get("models", full="true")
    admin.get("policy/matrix", providers=["mistral", "openai"])


def test_every_act_is_answered_as_told(admin: Admin) -> None:
    for path, fields in (
        ("doctor", {}),
        ("reload", {}),
        ("policy/check", {}),
        ("policy/explain", {"data_class": "personal", "backends": ["local", "provider:openai"]}),
        ("policy/prove", {"claims": ["no personal data under authority US"]}),
        ("egress/check", {}),
        (f"models/{MODEL}/verify", {}),
        ("ledger/publish", {}),
        ("ledger/verify", {}),
        ("ledger/fsck", {}),
        ("drills", {"scenario": "june-2026", "simulated": True, "requests": 4}),
        ("talk", {"service": "default", "request": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}}),
    ):
        admin.post(path, **fields)


def test_what_is_wrong_is_told_as_problem_details(admin: Admin) -> None:
    for reply in (
        admin.get("keys/key_0", status=404),
        admin.get("keys", status=400, limit=0),
        admin.get("flows?from=yesterday", status=400),
        admin.post("keys", status=400, nonsense=1),
        admin.post(f"models/{MODEL}/remove", status=422),
        admin.post("targets/local/restore", status=409),
    ):
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.answer["status"] == reply.status
        kind = admin.get(reply.answer["type"].removeprefix(f"{ROOT}/")).answer["problem"]
        assert (kind["code"], kind["status"]) == (reply.answer["code"], reply.status)


def test_a_call_is_found_and_proved_with_nothing_but_what_the_port_gave(admin: Admin, called: dict[str, str]) -> None:
    rows = admin.get("ledger/entries", service="default", decision="allow", ending="complete").answer["entries"]
    row = next(row for row in rows if row["call"] == called["call"])
    assert (row["target"], row["effect"], row["index"]) == ("local", "allow", int(called["index"]))
    for index in (row["index"], row["outcome"]):
        entry = admin.get(f"ledger/entries/{index}").answer["entry"]
        assert _proves(entry)
    flows = admin.get("flows").answer["flows"]
    assert flows["calls"] == flows["owned_calls"] + flows["unknown_calls"]
    used = {one["key"]: one["calls"] for one in admin.get("usage").answer["usage"]["keys"]}
    assert used[row["application"]] >= 1


def test_a_receipt_out_of_the_api_is_one(admin: Admin, called: dict[str, str], tmp_path: Path) -> None:
    for form in ("json", "tlog-proof"):
        file = tmp_path / f"receipt.{form}"
        file.write_bytes(admin.get(f"ledger/entries/{called['index']}/receipt", format=form).body)
        admin.estate.run("ledger", "receipt", "--check", file, "--vkey", admin.estate.vkey)


def test_lists_come_in_pages_and_what_is_known_is_not_sent_again(admin: Admin) -> None:
    for _ in range(3):
        admin.post("keys")
    seen, path = [], f"{ROOT}/keys?limit=2"
    while path:
        reply = admin.get(path.removeprefix(f"{ROOT}/"))
        seen += [row["id"] for row in reply.answer["keys"]]
        path = reply.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert len(seen) == len(set(seen)) >= 3
    etag = admin.get("keys").headers["etag"]
    assert admin.get("keys", status=304, headers={"If-None-Match": etag}).body == b""


def test_of_two_operators_the_second_sees_who_was_faster(operators: tuple[Admin, Admin]) -> None:
    first, second = operators
    key = first.post("keys", label="shared").answer["key"]
    shown = [one.get(f"keys/{key['id']}") for one in operators]
    first.post(f"keys/{key['id']}/revoke", if_match=shown[0].answer["key"]["etag"])
    refused = second.post(f"keys/{key['id']}/revoke", status=412, if_match=shown[1].headers["etag"])
    assert refused.answer["code"] == "conflict"
    assert (refused.answer["changed"]["act"], refused.answer["changed"]["by"]) == ("key.revoke", first.id)


def test_a_directive_is_issued_as_it_was_previewed_or_not_at_all(operators: tuple[Admin, Admin]) -> None:
    first, second = operators
    previews = [one.post("directives", **ORDER, dry_run=True).answer for one in operators]
    assert previews[0]["preview"]["services"][0]["stops"]
    issued = first.post("directives", if_match=previews[0]["etag"], **ORDER).answer["directive"]
    try:
        second.post("directives", status=412, if_match=previews[1]["etag"], **ORDER)
        standing = second.get("directives").answer["directives"]
        assert [view["id"] for view in standing if view["state"] != "lifted"] == [issued["id"]]
        assert second.get("services/default").answer["service"]["answered_by"] is None
    finally:
        path = f"directives/{issued['id']}"
        lifted = first.post(f"{path}/lift", if_match=first.get(path).headers["etag"])
    assert lifted.answer["directive"]["state"] == "lifted"
    second.post(f"directives/{issued['id']}/lift", status=412, if_match=issued["etag"])


def test_an_approval_is_given_to_what_was_shown(operators: tuple[Admin, Admin]) -> None:
    first, second = operators
    etags = [one.get(f"models/{MODEL}").answer["model"]["etag"] for one in operators]
    first.post(f"models/{MODEL}/approve", if_match=etags[0])
    second.post(f"models/{MODEL}/approve", status=412, if_match=etags[1])


def test_a_changed_tile_is_given_out_as_it_is_and_proves_nothing(admin: Admin, called: dict[str, str]) -> None:
    admin.post("ledger/publish")
    entry = admin.get(f"ledger/entries/{called['index']}").answer["entry"]
    assert _proves(entry)
    size = entry["proof"]["size"]
    width = f".p/{size % 256}" if size < 256 else ""
    tile = admin.estate.files / "ledger" / f"tile/0/000{width}"
    whole = tile.read_bytes()
    changed = bytearray(whole)
    changed[32 * (int(called["index"]) ^ 1)] ^= 1
    tile.write_bytes(changed)
    try:
        spoilt = admin.get(f"ledger/entries/{called['index']}").answer["entry"]
        if spoilt["proof"]["size"] == size:  # nobody has called meanwhile, so that no newer tile is read
            assert not _proves(spoilt)
            assert admin.get(f"ledger/files/tile/0/000{width}").body == bytes(changed)
    finally:
        tile.write_bytes(whole)


def _pattern(template: str) -> str:
    return re.sub(r"\\\{[^}]*\\\}", ".+" if "/files/" in template else "[^/]+", re.escape(template))


def _proves(entry: Mapping[str, Any]) -> bool:
    """What a browser does: the leaf leads to the root, and the key has signed the root (RFC 6962 §2.1.1)."""
    proof, index = entry["proof"], entry["index"]
    node = hashlib.sha256(b"\0" + base64.b64decode(entry["raw"])).digest()
    first, last = index, proof["size"] - 1
    for sibling in map(base64.b64decode, proof["hashes"]):
        if first & 1 or first == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        first, last = first >> 1, last >> 1
    text, _, signatures = entry["checkpoint"].partition("\n\n")
    mark = f"\N{EM DASH} {entry['log_key']['name']} "
    signed = next(line for line in signatures.splitlines() if line.startswith(mark))
    signature = base64.b64decode(signed.rpartition(" ")[2])
    assert signature[:4].hex() == entry["log_key"]["id"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(entry["log_key"]["public_key"]))
    key.verify(signature[4:], f"{text}\n".encode())
    root: str = text.splitlines()[2]
    return base64.b64encode(node).decode() == root
