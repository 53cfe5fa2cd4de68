# SPDX-License-Identifier: Apache-2.0
"""The Record, Models and Talk over an API that answers what a test says."""

from typing import Any

from tests.unit.console.conftest import FakeApi, Pages

from freehold.console.interface import Moved, Page, Shown
from freehold.console.pages import models, record, talk
from freehold.errors import Conflict, NotFound, VerificationFailed

MARKUP = "<img src=x onerror=alert(1)>"
CALL = {
    "index": 4, "kind": "call", "at": "2026-11-22T14:38:00.123456Z", "call": "call-1", "service": MARKUP,
    "application": "key_1", "data_class": "personal", "effect": "allow", "decision": "dec_1", "target": MARKUP,
    "ending": "continued", "seams": 1, "error": None, "input_tokens": 12, "output_tokens": 34,
}  # fmt: skip
ACT = {
    "index": 3,
    "kind": "act",
    "at": "2026-11-22T14:38:00Z",
    "act": "key.create",
    "subject": MARKUP,
    "operator": "op_1",
}
ENTRY = {
    "index": 4, "origin": "estate.example/ledger", "position": "estate.example/ledger/4", "kind": "outcome",
    "at": "2026-11-22T14:38:00Z", "fields": {"kind": "outcome", "target": MARKUP, "seams": [
        {"left": "claude", "taken_by": MARKUP, "how": "continued", "error": "provider_failed", "at_bytes": 12}]},
    "text": '{"kind":"outcome"}', "related": [{"what": "admission", "index": 2}], "proof": {"size": 9},
    "vkey": "estate.example/ledger+007c5d44+AQ==", "log_key": {"name": "estate.example/ledger", "id": "007c5d44"},
    "cosigned": False, "problem": None,
}  # fmt: skip
FOUND = {
    "next": "3",
    "examined": 2,
    "whole": True,
    "damaged": [],
    "log": {"origin": "o", "size": 5, "minimum_index": 0},
}
MODEL = {
    "name": "tiny", "digest": "sha256:ab", "size_bytes": 1024, "files": [], "format": "gguf", "title": MARKUP,
    "architecture": "llama", "parameters": 40, "quantisation": "F32", "context_train_tokens": 64,
    "chat_template_digest": "sha256:cd", "tokenizer": "gpt2", "tokenizer_digest": "", "licence": "Apache-2.0",
    "licence_digest": "", "origin": "/tiny.gguf", "repository": "", "revision": "",
    "imported_at": "2026-11-22T14:38:00Z",
    "etag": '"e1"', "targets": [],
}  # fmt: skip
CUSTODY = {
    "manifest_digest": "sha256:ef", "may_run": False, "why": "nobody has approved it", "mode": "enforce",
    "concerns": [MARKUP], "notes": [], "sentences": [MARKUP], "wants_reason": True, "signatures": [],
}  # fmt: skip


def measured(name: str, *, speedup: float, loss: float, original: bool = False) -> dict[str, Any]:
    return {
        "format": name, "original": original, "quantisation": name, "size_bytes": 1, "prompt_tokens_per_s": 10.0,
        "answer_tokens_per_s": 5.0, "memory_bytes": 2**20, "loss": loss, "loss_error": 0.01, "call_s": 1.0,
        "speedup": speedup, "cases_passed": None, "cases": None, "problem": "", "objection": MARKUP,
    }  # fmt: skip


def whole(**more: object) -> dict[str, object]:
    lineage = {
        "parents": [{"digest": "sha256:01", "name": None}],
        "children": [{"digest": "sha256:02", "name": "tiny-2"}],
    }
    known = {"model": MODEL, "custody": CUSTODY, "targets": [], "approvals": [], "template": MARKUP, "tunings": []}
    return {**known, "lineage": {**lineage, "done": MARKUP}, **more}


def page_of(path: str) -> Page:
    return next(page for page in (*record.PAGES, *models.PAGES, *talk.PAGES) if page.path == path)


async def test_the_list_has_calls_and_acts_and_goes_on_where_it_ended(pages: Pages, api: FakeApi) -> None:
    api.answers["GET ledger/entries"] = {**FOUND, "entries": [CALL, ACT]}
    api.answers["GET keys"] = {"keys": [{"id": "key_1", "label": f"desk {MARKUP}"}], "next": None}
    html = await pages.show(page_of("record"), pages.visit("record", query={"service": "support", "kind": ""}))
    assert ("GET ledger/entries", {"limit": 50, "service": "support"}, "") in api.asked
    assert ("GET keys", {"limit": 1000}, "") in api.asked  # as many as a page of the API may have: all may be chosen
    assert 'href="/console/record/4"' in html
    assert 'href="?service=support&amp;cursor=3"' in html
    assert MARKUP not in html
    assert html.count("&lt;img") >= 4
    assert '<span title="key_1">desk &lt;img' in html
    assert '<option value="support" selected>' in html  # also where no service has that name any more


async def test_what_the_log_has_lost_is_said_above_the_list(pages: Pages, api: FakeApi) -> None:
    damaged = ["tile/entries/000 holds 255 entries, expected 256"]
    api.answers["GET ledger/entries"] = {**FOUND, "entries": [], "damaged": damaged, "whole": False}
    html = await pages.show(page_of("record"), pages.visit("record"))
    assert damaged[0] in html
    assert "there are older ones" in html


async def test_an_entry_shows_its_seams_and_what_belongs_to_it_and_runs_nothing(pages: Pages, api: FakeApi) -> None:
    api.answers["GET ledger/entries/4"] = {"entry": ENTRY}
    html = await pages.show(page_of("record/{index}"), pages.visit("record/4", names={"index": "4"}))
    assert MARKUP not in html
    assert 'href="/console/record/2"' in html
    assert 'data-index="4" data-size="9"' in html
    assert 'data-field="target"' in html


async def test_an_entry_that_cannot_be_read_opens_all_the_same(pages: Pages, api: FakeApi) -> None:
    problem = {"code": VerificationFailed.code, "detail": "tile/0/000 is missing", "status": 422, "title": "x"}
    api.answers["GET ledger/entries/4"] = {"entry": {**ENTRY, "proof": None, "problem": problem}}
    html = await pages.show(page_of("record/{index}"), pages.visit("record/4", names={"index": "4"}))
    assert "tile/0/000 is missing" in html
    assert "Verify in this browser" in html
    api.answers["GET ledger/entries/5"] = NotFound("there is no entry 5")
    shown = await record.PAGES[1].show(pages.visit("record/5", names={"index": "5"}))
    assert isinstance(shown, Shown)
    assert (shown.status, shown.script) == (404, "")


async def test_a_model_is_shown_with_lineage_template_and_chart_and_runs_nothing(pages: Pages, api: FakeApi) -> None:
    tuning = {
        "model": "tiny", "quick": True, "max_loss": 0.05, "cores": 2, "threads": 2, "engine": MARKUP,
        "text_tokens": 128,
        "formats": [measured("f32", speedup=1.0, loss=0.0, original=True), measured("q8_0", speedup=1.4, loss=0.03)],
        "chosen": "q8_0", "why_none": "", "disturbance": 0.3, "speedup": 1.4, "derived": {"name": "tiny-q8_0"},
        "at": "2026-11-22T15:00:00Z", "by": "op_1",
    }  # fmt: skip
    api.answers["GET models/tiny"] = whole(tunings=[tuning])
    html = await pages.show(page_of("models/{name}"), pages.visit("models/tiny", names={"name": "tiny"}))
    assert MARKUP not in html
    assert html.count('r="9"') == 2
    assert 'class="limit"' in html
    assert 'href="/console/models/tiny-2"' in html
    assert "not in the vault" in html
    assert "differ by 30 %" in html


async def test_what_is_approved_is_what_was_shown(pages: Pages, api: FakeApi) -> None:
    api.answers["POST models/a%2Fb/approve"] = {"custody": CUSTODY}
    form = {"manifest": ("sha256:ef",), "etag": ('"e1"',), "reason": ("I read it",)}
    visit = pages.visit("models/a%2Fb", names={"name": "a/b"}, form=form)
    act = page_of("models/{name}").act
    assert act is not None
    assert await act(visit) == Moved(to="/console/models/a%2Fb#custody")
    assert api.asked == [("POST models/a%2Fb/approve", {"manifest": "sha256:ef", "reason": "I read it"}, '"e1"')]


async def test_an_approval_that_comes_too_late_says_who_was_first(pages: Pages, api: FakeApi) -> None:
    api.answers["GET models/tiny"] = whole()
    api.answers["POST models/tiny/approve"] = Conflict(
        "tiny is not any more as it was shown", etag='"e2"', changed=None
    )
    act = page_of("models/{name}").act
    assert act is not None
    shown = await act(pages.visit("models/tiny", names={"name": "tiny"}, form={"manifest": ("sha256:ef",)}))
    assert isinstance(shown, Shown)
    visit = pages.visit("models/tiny", names={"name": "tiny"})
    assert "not any more as it was shown" in await pages.layout.whole(shown, page_of("models/{name}"), visit)


async def test_talk_offers_services_and_their_targets_as_text(pages: Pages, api: FakeApi) -> None:
    target = {
        "target": MARKUP,
        "kind": "provider",
        "model": MARKUP,
        "operator": "o",
        "state": "active",
        "allowed": True,
    }
    services = [{"name": MARKUP, "data_class": "public", "targets": [target], "answered_by": None}]
    api.answers["GET services"] = {"services": services, "next": None}
    html = await pages.show(page_of("talk"), pages.visit("talk"))
    assert MARKUP not in html
    assert "data-target=" in html
