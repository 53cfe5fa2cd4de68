# SPDX-License-Identifier: Apache-2.0
"""A caller fetches the receipt of its own call, and shows with it what was said; until that is forgotten."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import NotFoundError, OpenAI
from tests.system import records
from tests.system.conftest import NewEstate
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, Answer, ask, chat, post

VERIFY = FREEHOLD.with_name("freehold-verify")
QUESTION = "Where is the lighthouse?"


class Auditor:
    """A folder with the public key, and what the caller has handed over."""

    def __init__(self, estate: Estate, folder: Path) -> None:
        self.folder = folder / "auditor"
        self.folder.mkdir()
        shutil.copy(estate.vkey, self.folder / "ledger.vkey")

    def verify(self, receipt: bytes, request: bytes, answer: bytes) -> subprocess.CompletedProcess[str]:
        for name, content in (("receipt", receipt), ("request", request), ("answer", answer)):
            (self.folder / name).write_bytes(content)
        command: list[str | Path] = [VERIFY, "receipt", "receipt", "--vkey", "ledger.vkey"]
        command += ["--request", "request", "--answer", "answer"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=LONG_S, check=False)


@pytest.fixture
def auditor(estate: Estate, tmp_path: Path) -> Auditor:
    return Auditor(estate, tmp_path)


def fetched(client: OpenAI, estate: Estate, position: str, form: str = "json") -> httpx.Response:
    """By the vendor's SDK, as soon as it is published."""

    def get() -> httpx.Response | None:
        try:
            return client.get(f"{estate.base_url}/freehold/receipts/{position}?format={form}", cast_to=httpx.Response)
        except NotFoundError as problem:
            too_early = problem
        assert too_early.code == "receipt_not_yet", too_early
        assert too_early.response.headers["retry-after"] == "1"
        return None

    def whole() -> httpx.Response | None:
        response = get()
        return response if response and (form != "json" or response.json()["outcome"]) else None

    return wait_for(whole, f"the receipt {position}")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_vendors_sdk_fetches_its_receipt_and_an_auditor_sees_what_was_said(
    openai: OpenAI, estate: Estate, auditor: Auditor, stream: bool
) -> None:
    raw = openai.chat.completions.with_raw_response.create(
        model="gpt-4o", max_tokens=8, stream=stream, messages=[{"role": "user", "content": QUESTION}]
    )
    answer = b"".join(raw.http_response.iter_bytes()) if stream else raw.http_response.content
    request = raw.http_request.content
    receipt = fetched(openai, estate, raw.headers["freehold-receipt"]).content
    done = auditor.verify(receipt, request, answer)
    assert done.returncode == 0, done.stdout + done.stderr
    for wrong in ((request + b" ", answer), (request, answer[:-1])):
        assert auditor.verify(receipt, *wrong).returncode == 1


def test_an_outcomes_position_gives_the_same_receipt_and_a_proof_of_its_own(openai: OpenAI, estate: Estate) -> None:
    raw = openai.chat.completions.with_raw_response.create(
        model="gpt-4o", max_tokens=4, messages=[{"role": "user", "content": QUESTION}]
    )
    origin, _, _ = raw.headers["freehold-receipt"].rpartition("/")
    receipt = fetched(openai, estate, raw.headers["freehold-receipt"]).json()
    position = f"{origin}/{receipt['outcome']['index']}"
    assert fetched(openai, estate, position).json()["admission"]["entry"] == receipt["admission"]["entry"]
    assert fetched(openai, estate, position, "tlog-proof").text.startswith("c2sp.org/tlog-proof@v1\n")


def test_another_key_cannot_tell_the_receipt_from_none(openai: OpenAI, estate: Estate) -> None:
    answer = post(estate, CHAT, chat())
    position = answer.headers["freehold-receipt"]
    fetched(openai, estate, position)
    other = str(estate.ask("key", "create")["key"]["secret"])
    origin, _, _ = position.rpartition("/")
    acts = [index for index, entry in enumerate(records.entries(estate)) if entry["kind"] == "act"]
    asked = [
        (position, other),
        (f"{origin}/99999999", other),
        (f"{origin}/{acts[0]}", estate.key),
        ("a/b/0", estate.key),
    ]
    answers = [_receipt(estate, place, key) for place, key in asked]
    assert {answer.status for answer in answers} == {404}
    assert len({json.dumps({**answer.json["error"], "request_id": ""}) for answer in answers}) == 1
    assert _receipt(estate, position, "").status == 401


def test_the_record_names_the_build_of_the_engine(estate: Estate) -> None:
    import xllamacpp  # noqa: PLC0415 - only this test needs it, and it is heavy

    answer = post(estate, CHAT, chat())
    record = records.call(estate, answer.headers["x-request-id"])
    (extension,) = Path(xllamacpp.__file__).parent.glob("*.so")
    digest = f"sha256:{hashlib.sha256(extension.read_bytes()).hexdigest()}"
    assert record.admission["targets"][0]["engine_digest"] == digest
    assert record.outcomes[0]["engine_digest"] == digest


def test_a_forgotten_call_can_be_shown_to_nobody_and_its_erasure_to_anybody(
    openai: OpenAI, estate: Estate, auditor: Auditor
) -> None:
    answer, other = post(estate, CHAT, chat(QUESTION)), post(estate, CHAT, chat(QUESTION))
    call, position = answer.headers["x-request-id"], answer.headers["freehold-receipt"]
    salt = bytes.fromhex(fetched(openai, estate, position).json()["salt"])
    assert salt in _salts(estate)
    forgotten = estate.ask("ledger", "forget", "--call", call)["forgotten"]
    assert (forgotten["call"], forgotten["admission"], forgotten["kind"]) == (call, position, "call.forget")
    assert salt not in _salts(estate)

    receipt = fetched(openai, estate, position)
    assert "salt" not in receipt.json()
    assert json.loads(receipt.json()["erasure"]["entry"])["subject"] == call
    done = auditor.verify(receipt.content, b"", answer.body)
    assert done.returncode != 0
    file = auditor.folder / "given"
    estate.run("ledger", "receipt", position, "--out", file)
    assert "erasure" in json.loads(file.read_text(encoding="utf-8"))
    estate.run("ledger", "receipt", "--check", file)
    estate.run("ledger", "receipt", forgotten["act"])
    assert "salt" in fetched(openai, estate, other.headers["freehold-receipt"]).json()
    assert estate.attempt("ledger", "verify").returncode == 0


def test_what_the_operator_takes_out_has_no_salt(openai: OpenAI, estate: Estate, tmp_path: Path) -> None:
    answer = post(estate, CHAT, chat())
    salt = fetched(openai, estate, answer.headers["freehold-receipt"]).json()["salt"]
    assert salt not in estate.run("ledger", "receipt", answer.headers["freehold-receipt"])


def test_a_name_can_be_erased_from_everything_that_the_estate_keeps(estate: Estate) -> None:
    name = "Ada Lovelace of accounting"
    made = estate.ask("key", "create", name)["key"]
    assert not _holding(estate, name.encode(), "ledger", "salts")
    assert _holding(estate, name.encode(), "")
    forgotten = estate.ask("ledger", "forget", "--text", made["id"])["forgotten"]
    assert forgotten == {"text": made["id"]}
    wait_for(lambda: not _holding(estate, name.encode(), ""), "the name is gone")
    (key,) = [key for key in estate.ask("key", "list")["keys"] if key["id"] == made["id"]]
    assert key["label"] == ""


def test_forgetting_works_on_an_estate_that_is_down(new_estate: NewEstate) -> None:
    estate = new_estate()
    estate.up()
    answer = post(estate, CHAT, chat())
    records.call(estate, answer.headers["x-request-id"])
    estate.down()
    before = _salts(estate)
    estate.run("ledger", "forget", answer.headers["freehold-receipt"])
    assert _salts(estate) != before
    assert any(entry.get("act") == "call.forget" for entry in records.entries(estate))


def test_salts_of_days_that_were_kept_for_long_enough_are_destroyed_at_the_start(new_estate: NewEstate) -> None:
    estate = new_estate()
    estate.up()
    estate.down()
    old = estate.files / "salts" / "2025-01-31"
    old.write_bytes((0).to_bytes(8, "big") + bytes(range(1, 33)))
    estate.up()
    wait_for(lambda: not old.exists(), "the salts of a day of 2025 are gone")
    acts: list[dict[str, Any]] = wait_for(
        lambda: [entry for entry in records.entries(estate) if entry.get("act") == "salts.expire"], "the act"
    )
    assert [(act["subject"], act["operator"]) for act in acts] == [("2025-01-31", "ledger")]


def _receipt(estate: Estate, position: str, key: str) -> Answer:
    return ask(estate, "GET", f"/freehold/receipts/{position}", key=key)


def _salts(estate: Estate) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((estate.files / "salts").iterdir()))


def _holding(estate: Estate, text: bytes, *folders: str) -> list[Path]:
    """The files below these folders that hold the text."""
    found = [path for folder in folders for path in (estate.files / folder).rglob("*")]
    return [path for path in found if path.is_file() and "blobs" not in path.parts and text in path.read_bytes()]
