# SPDX-License-Identifier: Apache-2.0
"""The verifier that runs in the browser, held against the logs and receipts of every release, and against every defect.

No estate is up: the browser is given the verifier's files, and a log's files, at an address where nothing listens.
"""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from tests.attack.ledger.log_assets import lay
from tests.attack.ledger.signing_by_hand import OWN
from tests.attack.ledger.test_log_defects import AMBIGUOUS, CHECKPOINTS, DAMAGED_FILES
from tests.attack.ledger.test_note_defects import REASONS as MALFORMED_NOTES
from tests.attack.ledger.test_receipt_defects import REASONS as REFUSED_RECEIPTS
from tests.attack.ledger.test_receipt_defects import SOUND as SOUND_RECEIPTS

TESTS = Path(__file__).parents[2]
ATTACK = TESTS / "attack" / "ledger" / "assets"
GOLDEN = TESTS / "golden"
PROOF = TESTS.parent / "src" / "freehold" / "console" / "static" / "proof"
SAFE, PLAIN = "http://127.0.0.1:9", "http://console.example"  # the second is no secure context

PROVE = """async ([vkey, indexes]) => {
  const { readKey } = await import("/proof/note.js"), { proveEntry } = await import("/proof/log.js");
  const read = async (path) => {
    const answer = await fetch("/log/" + path, { cache: "no-store" });
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  };
  const key = await readKey(vkey), kept = new Map();
  const once = (path) => kept.get(path) ?? kept.set(path, read(path)).get(path);
  const found = [];
  for (const index of indexes) {
    try {
      const { steps, files } = await proveEntry(once, key, index);
      found.push({ steps: steps.length, files });
    } catch (problem) {
      found.push({ problem: problem.constructor.name, message: problem.message });
    }
  }
  return found;
}"""

CHANGE = """async ([vkey, index]) => {
  const { readKey } = await import("/proof/note.js"), { proveEntry } = await import("/proof/log.js");
  const kept = new Map();
  const read = async (path) => {
    if (!kept.has(path)) {
      const answer = await fetch("/log/" + path);
      kept.set(path, answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null);
    }
    return kept.get(path);
  };
  const key = await readKey(vkey), missed = [];
  const { files } = await proveEntry(read, key, index);
  let tried = 0;
  for (const file of files) {
    const bytes = await read(file);
    for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 64))) {
      tried += 1;
      const changed = bytes.slice();
      changed[at] ^= 1;
      try {
        await proveEntry(async (path) => (path === file ? changed : read(path)), key, index);
        missed.push(`${file} at ${at}`);
      } catch (problem) {
        if (problem.constructor.name !== "NotProved") missed.push(`${file} at ${at}: ${problem}`);
      }
    }
  }
  return { tried, missed };
}"""

CHECK = """async ([vkey, what, text]) => {
  const { readKey, openCheckpoint } = await import("/proof/note.js");
  const { checkReceipt } = await import("/proof/receipt.js");
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  try {
    const found = await (what === "receipt" ? checkReceipt : openCheckpoint)(bytes, await readKey(vkey));
    return { holds: true, size: found.size, entries: Object.keys(found.entries ?? {}) };
  } catch (problem) {
    return { holds: false, problem: problem.constructor.name, message: problem.message };
  }
}"""


class Desk:
    """A page with the verifier, before which one log's files can be laid."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = Path("/nowhere")
        page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        path = route.request.url.partition("//")[2].partition("/")[2]
        if path.startswith("proof/"):
            route.fulfill(body=(PROOF / path.removeprefix("proof/")).read_bytes(), content_type="text/javascript")
        elif path.startswith("log/"):
            file = self.log / path.removeprefix("log/")
            route.fulfill(body=file.read_bytes()) if file.is_file() else route.fulfill(status=404)
        else:
            route.fulfill(body="<!doctype html><title>A desk</title>", content_type="text/html")

    def prove(self, vkey: str, *indexes: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(PROVE, [vkey, list(indexes)])
        return found

    def check(self, what: str, data: bytes, vkey: str = OWN.vkey) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(CHECK, [vkey, what, b64encode(data).decode()])
        return found


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Desk]:
    context = browser.new_context()
    made = Desk(context.new_page())
    made.page.goto(SAFE)
    yield made
    context.close()


def vkey_of(release: str) -> str:
    return (GOLDEN / release / "ledger" / "ledger.vkey").read_text().strip()


@pytest.mark.parametrize(("release", "log", "kept", "size"), [("v0.1", "ledger", 0, 263), ("v0.2", "ledger", 0, 528)])
def test_every_entry_of_every_release_is_proved(desk: Desk, release: str, log: str, kept: int, size: int) -> None:
    desk.log = GOLDEN / release / "ledger" / log
    found = desk.prove(vkey_of(release), *range(kept, size))
    assert [one for one in found if "problem" in one] == []
    (beyond,) = desk.prove(vkey_of(release), size)
    assert (beyond["problem"], f"covers {size} entries" in beyond["message"]) == ("NotProved", True)


def test_of_a_pruned_log_it_is_said_which_file_is_gone(desk: Desk) -> None:
    desk.log = GOLDEN / "v0.2" / "ledger" / "pruned"
    gone, kept = desk.prove(vkey_of("v0.2"), 12, 400)
    assert gone["message"] == "tile/entries/000 is missing, expected by the checkpoint"
    assert "problem" not in kept


@pytest.mark.parametrize("index", [3, 300, 520])
def test_one_bit_changed_anywhere_in_what_was_read_is_found(desk: Desk, index: int) -> None:
    desk.log = GOLDEN / "v0.2" / "ledger" / "ledger"
    found = desk.page.evaluate(CHANGE, [vkey_of("v0.2"), index])
    assert found["missed"] == []
    assert found["tried"] > 200


@pytest.mark.parametrize("defect", sorted({*DAMAGED_FILES, *CHECKPOINTS, AMBIGUOUS}))
def test_a_log_with_a_defect_does_not_pass(desk: Desk, defect: str, tmp_path: Path) -> None:
    desk.log = lay(ATTACK / "logs", defect, tmp_path / "log")
    found = desk.prove(OWN.vkey, *range(0, 259, 2), 1)
    problems = {one["problem"] for one in found if "problem" in one}
    assert problems == {"Uncheckable" if defect == "size-beyond-all-numbers" else "NotProved"}


def test_its_sound_twin_passes_whole(desk: Desk, tmp_path: Path) -> None:
    desk.log = lay(ATTACK / "logs", "sound", tmp_path / "log")
    assert [one for one in desk.prove(OWN.vkey, *range(259)) if "problem" in one] == []


@pytest.mark.parametrize("release", ["v0.1", "v0.2"])
def test_receipts_of_every_release_hold(desk: Desk, release: str) -> None:
    receipts = sorted((GOLDEN / release / "ledger").glob("*.receipt.json"))
    assert len(receipts) >= 4
    for path in receipts:
        assert desk.check("receipt", path.read_bytes(), vkey_of(release))["holds"], path.name


def test_receipts_with_a_defect_are_refused_and_their_twins_hold(desk: Desk) -> None:
    passed = []
    for defect in sorted(REFUSED_RECEIPTS):
        found = desk.check("receipt", (ATTACK / "receipts" / f"{defect}.json").read_bytes())
        if found["holds"] or found["problem"] != "NotProved":
            passed.append((defect, found))
    assert passed == []
    for name in sorted(SOUND_RECEIPTS):
        assert desk.check("receipt", (ATTACK / "receipts" / f"{name}.json").read_bytes())["holds"], name


def test_notes_that_break_a_rule_are_refused_and_strange_ones_are_not(desk: Desk) -> None:
    for defect in sorted(MALFORMED_NOTES):
        found = desk.check("checkpoint", (ATTACK / "notes" / "malformed" / f"{defect}.note").read_bytes())
        assert (found["holds"], found.get("problem")) == (False, "NotProved"), defect
    for path in sorted((ATTACK / "notes" / "sound").iterdir()):
        assert desk.check("checkpoint", path.read_bytes())["holds"], path.name


@pytest.mark.parametrize(
    ("vkey", "problem", "said"),
    [
        ("", "Uncheckable", "no verifier key"),
        ("a+b", "Uncheckable", "no verifier key"),
        ("a+00000000+%", "Uncheckable", "the key of a is not base64"),
        (OWN.vkey.replace("007c5d44", "007c5d45"), "Uncheckable", "has the id 007c5d45, expected 007c5d44"),
        ("w+00000000+BA==", "Uncheckable", "not of the type that is checked here"),
    ],
)
def test_a_key_that_is_none_is_said_to_be_none(desk: Desk, vkey: str, problem: str, said: str) -> None:
    found = desk.check("checkpoint", b"", vkey)
    assert found["problem"] == problem
    assert said in found["message"]


def test_where_the_browser_gives_no_cryptography_it_is_said_and_not_guessed(browser: Browser) -> None:
    context = browser.new_context()
    try:
        plain = Desk(context.new_page())
        plain.page.goto(PLAIN)
        found = plain.check("checkpoint", (ATTACK / "notes" / "sound" / "plain.note").read_bytes())
        assert found["problem"] == "Uncheckable"
        assert "over https" in found["message"]
    finally:
        context.close()
