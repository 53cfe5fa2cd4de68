# SPDX-License-Identifier: Apache-2.0
"""Packs of an estate that is down: what goes in, what is chosen, and that the whole holds."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.ledger_builder import AT, act_bytes, admission_bytes, outcome_bytes
from tests.unit.assess.evidence.conftest import engine, foreign, reason

from freehold.admin.founding import found
from freehold.assess.evidence.pack import Draft, Wanted, close, draft
from freehold.assess.evidence.pack.chosen import MOST_ACTS, Chosen, choose
from freehold.assess.evidence.pack.index import Indexed, write_index
from freehold.assess.evidence.pack.reports import draw_up
from freehold.assess.evidence.picture import Foresight, Lost, Picture
from freehold.bootstrap.witnesses import trust_policy_of
from freehold.cli.evidence_picture import picture_of
from freehold.contract.estate import Estate
from freehold.contract.record import Ending
from freehold.errors import EstateError, VerificationFailed
from freehold.ledger import compose
from freehold.ledger.check.trust import trust_log
from freehold.ledger.writing.log import Log, NewEntry
from freehold.settings import read_settings
from freehold.signing.keys import load_signer
from freehold.vault import own_signer
from freehold.vault.oms import Kind as Statement
from freehold.vault.oms import sign_own
from freehold.verify.form.archive import read_archive
from freehold.verify.form.manifest import ACT, Kind
from freehold.verify.form.signature import PREDICATE, SUBJECT

FOREIGN = '\n[target.claude]\nprovider = "anthropic"\nmodel = "claude-opus-4-8"\n[provider.anthropic]\nkey = "env:K"\n'
CARD = b'{"id":"drill_0123456789ab"}'
_KIND = Statement(PREDICATE, dict[str, int], "a statement about a pack")


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """With a provider that may answer, a call and an act on record, and somebody's answer."""
    estate = Estate(tmp_path / "estate")
    found(estate)
    text = estate.settings.read_text().replace('targets = ["local"]', 'targets = ["local", "claude"]')
    text = text.replace('# set = "owned-only"', 'set = "open"').replace(
        'data_class = "internal"', 'data_class = "public"'
    )
    estate.settings.write_text(text + FOREIGN)
    write(estate, admission_bytes(), outcome_bytes(0), act_bytes())
    (estate.directory / "evidence").mkdir()
    given = '[[answer]]\nid = "SOV-8.q4"\nvalue = "3"\nby = "Æ <b>"\nsource = "s"\nat = "2026-11-23T00:00:00Z"\n'
    (estate.directory / "evidence" / "answers.toml").write_text(given)
    return estate


def write(estate: Estate, *entries: bytes) -> int:
    """The index of the last one."""
    log = Log(estate.ledger, salts=estate.salts, signer=load_signer(str(estate.ledger_key)))
    for entry in entries:
        salt = bytes(32) if b'"kind":"admission"' in entry else b""
        log.append([NewEntry(entry, salt)], "2026-11-22")
    log.publish()
    size = log.size
    log.close()
    return size - 1


def drafted(estate: Estate, **wanted: object) -> Draft:
    what = replace(Wanted(id="pack_0123456789ab", policy=trust_policy_of(estate)), **wanted)  # type: ignore[arg-type]
    return draft(estate, picture_of(estate, datetime(2026, 11, 23, tzinfo=UTC)), what)


def sealed(estate: Estate, made: Draft) -> tuple[bytes, int]:
    """As the control process does it."""
    digests = {"manifest": made.digest, "key": f"sha256:{made.manifest.key}"}
    act = compose.act(id="act-9", kind=ACT, subject=made.manifest.id, operator="op", digests=digests, at_utc=AT)
    return sign_own(_KIND, SUBJECT, made.digest, {"schema": 1}, own_signer(estate)), write(estate, act)


def test_a_pack_holds_and_has_every_report_in_every_form(estate: Estate) -> None:
    made = drafted(estate)
    signature, index = sealed(estate, made)
    trust = trust_log(estate.ledger_vkey.read_text().strip())
    closing = close(made, signature, estate.ledger, index, trust)
    files = read_archive(closing.content)
    assert next(iter(files)) == "index.html"
    reports = {
        f"reports/{name}.{form}" for name in ("csf", "dora", "gdpr", "ai-act") for form in ("html", "pdf", "json")
    }
    assert reports | {"index.pdf", "reports/dora/exit-anthropic.md", "estate/freehold.toml"} <= files.keys()
    assert {"keys/ledger.vkey", "keys/vault.pem", "ledger/checkpoint", "asserted/answers.toml"} <= files.keys()
    assert {"receipts/0.json", "receipts/2.json", "proof/receipt.json", "proof/consistency/3.txt"} <= files.keys()
    assert (closing.checked.calls, closing.checked.acts, closing.checked.index) == (1, 1, 3)
    assert [one.people for one in closing.checked.statements] == [("Æ <b>",)]
    with pytest.raises(VerificationFailed):
        close(made, signature, estate.ledger, 2, trust)


def test_the_same_estate_and_instant_give_the_same_draft(estate: Estate) -> None:
    assert drafted(estate).manifest_bytes == drafted(estate).manifest_bytes


def test_no_secret_of_the_estate_is_in_a_pack(estate: Estate) -> None:
    made = drafted(estate)
    secrets = [path.read_bytes().strip() for path in estate.keys.iterdir() if path.suffix == ".key"]
    assert secrets
    for content in made.files.values():
        assert not any(secret in content for secret in secrets)
        assert b'"salt"' not in content


class _Page(HTMLParser):
    """Where links lead, and what is loaded."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


def test_every_link_of_the_index_leads_to_a_file_of_the_pack_and_no_page_runs_or_loads_anything(estate: Estate) -> None:
    made = drafted(estate)
    there = {*made.files, "manifest.json"}
    for path, content in made.files.items():
        if path.endswith(".html"):
            page = _Page(content)
            assert set(page.links) <= there
            assert not {"script", "img", "iframe", "form", "object"} & set(page.tags)
            assert b"default-src 'none'" in content
    assert "reports/csf.pdf" in _Page(made.files["index.html"]).links


def test_what_is_put_in_is_marked_as_made_elsewhere_and_named_plainly(estate: Estate, tmp_path: Path) -> None:
    odd = tmp_path / "found by us (1).sarif"
    odd.write_bytes(b"{}")
    files = drafted(estate, given=(odd,)).manifest.files
    (given,) = (file for file in files if file.kind is Kind.GIVEN)
    assert (given.path, given.sha256) == ("given/found-by-us-1-.sarif", hashlib.sha256(b"{}").hexdigest())
    twin = tmp_path / "twin" / "FOUND by us (1).sarif"
    twin.parent.mkdir()
    twin.write_bytes(b"")
    with pytest.raises(EstateError, match="two of the files"):
        drafted(estate, given=(odd, twin))


def test_a_receipt_that_is_asked_for_is_there_by_its_calls_admission(estate: Estate) -> None:
    assert "receipts/0.json" not in drafted(estate, calls_each=0).files
    for asked in ((1,), (0, 1)):
        made = drafted(estate, calls_each=0, receipts=asked)
        assert ("receipts/0.json" in made.files, "receipts/1.json" in made.files) == (True, False)
        assert set(_Page(made.files["index.html"]).links) <= {*made.files, "manifest.json"}
    with pytest.raises(EstateError, match="entry 99 is not in the ledger"):
        drafted(estate, receipts=(99,))


def test_an_estate_whose_ledger_was_never_begun_has_a_pack_that_holds(tmp_path: Path) -> None:
    new = Estate(tmp_path / "new")
    found(new)
    made = drafted(new)
    signature, index = sealed(new, made)
    closing = close(made, signature, new.ledger, index, trust_log(new.ledger_vkey.read_text().strip()))
    assert (closing.checked.manifest.tree_size, closing.checked.head.checkpoint.size) == (0, 1)


def _entries() -> Iterator[bytes]:
    for number in range(5):
        yield admission_bytes(f"call-{number}")
        yield outcome_bytes(2 * number, f"call-{number}", Ending.COMPLETE)
    yield admission_bytes("call-refused", allowed=False)
    yield compose.act(id="a", kind="drill.run", subject="drill_0", operator="op", digests={}, at_utc=AT)
    for number in range(MOST_ACTS + 1):
        yield act_bytes(f"act-{number}")


def test_the_newest_calls_of_each_kind_and_every_drill_are_chosen() -> None:
    chosen = choose(enumerate(_entries()), 2)
    assert chosen.calls == {6: "answered by local", 8: "answered by local", 10: "refused to default"}
    assert (11 in chosen.acts, 12 in chosen.acts, 13 in chosen.acts) == (True, False, True)
    assert (len(chosen.acts), chosen.left_out) == (MOST_ACTS + 1, 1)
    assert choose(enumerate(_entries()), 0).calls == {}


def test_a_call_whose_admission_is_pruned_is_not_chosen() -> None:
    pruned = list(enumerate(_entries()))[7:]
    assert choose(pruned, 2).calls == {8: "answered by local", 10: "refused to default"}


def test_what_no_settings_allow_as_a_name_never_reaches_a_path(estate: Estate) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._/-]+", file.path) for file in drafted(estate).manifest.files)
    assert read_settings(estate.settings).providers.keys() == {"anthropic"}


def test_the_first_page_says_that_a_service_stops_where_who_would_stand_in_is_withdrawn(
    paint: Callable[..., Picture],
) -> None:
    why = "local: it is withdrawn"
    lost = Lost(kind="provider", name="acme", service="support", fate="stops", target="", reason=why)
    for foresight, says in (
        (Foresight(), "support goes on with local: never rehearsed"),
        (Foresight(losses=(lost,)), f"support stops, as the estate is today: {why}."),
    ):
        picture = paint(foreign("acme", reason("US")), engine(), foresight=foresight)
        chosen = Chosen(acts={}, calls={}, left_out=0)
        page = write_index(Indexed(id="pack_1", picture=picture, reports=draw_up(picture), files=(), chosen=chosen))
        assert f"If acme is taken away, {says}" in page.decode()
