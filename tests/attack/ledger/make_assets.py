# SPDX-License-Identifier: Apache-2.0
"""Writes the receipts of assets/, each with the one defect that it is named for.

Run from the repository's root, and only to add a file: ``python -m tests.attack.ledger.make_assets``.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.ledger_builder import DAY, KEY, ORIGIN, admission_bytes

from freehold.ledger.check.receipt import receipt_for
from freehold.ledger.writing.log import Log, NewEntry
from freehold.signing.keys import FileKey
from freehold.signing.note import Signer

ASSETS = Path(__file__).parent / "assets"
GOLDEN = Path(__file__).parents[2] / "golden" / "v0.1" / "ledger"
Proven = dict[str, str | int]
Receipt = dict[str, str | Proven | None]


def defects() -> dict[str, bytes]:
    """Every asset's bytes, by the name of its defect."""
    call, refusal, act = (_golden(name) for name in ("call", "refusal", "act"))
    other = json.loads(receipt_for(GOLDEN / "ledger", ORIGIN, 1))
    receipts: dict[str, Receipt] = {
        "outcome-of-another-call": {**call, "outcome": other["outcome"]},
        "outcome-on-a-refusal": {**refusal, "outcome": call["outcome"]},
        "outcome-alone": {name: value for name, value in call.items() if name != "admission"},
        "outcome-with-another-ending": _changed(call, "outcome", "entry", _replace('"complete"', '"failed"')),
        "verdict-changed": _changed(call, "admission", "entry", _replace('"allowed":false', '"allowed":true')),
        "index-not-of-the-proof": {**call, "admission": {**_part(call, "admission"), "index": 1}},
        "proof-of-another-index": _changed(call, "admission", "proof", _replace("index 0", "index 1"), index=1),
        "proof-without-a-hash": _changed(call, "admission", "proof", lambda text: _without_line(text, 2)),
        "checkpoint-of-another-size": _changed(call, "admission", "proof", _replace("\n263\n", "\n264\n")),
        "checkpoint-unsigned": _changed(call, "admission", "proof", lambda text: text.rpartition("\n\n")[0] + "\n"),
        "log-of-another-key": _receipt_of(admission_bytes(), FileKey(ORIGIN, bytes(32))),
        "origin-of-another-log": {**call, "origin": "other.example/ledger"},
        "act-as-admission": {**call, "admission": act["act"], "outcome": None},
        "admission-as-act": {"receipt": call["receipt"], "origin": ORIGIN, "act": call["admission"]},
        "admission-as-outcome": {**call, "outcome": other["admission"]},
        "call-and-act": {**call, "act": act["act"]},
        "field-unknown": {**call, "verdict": "valid"},
        "format-of-a-later-release": {**call, "receipt": "freehold/receipt/v2"},
        "entry-read-in-two-ways": _receipt_of(
            admission_bytes().replace(b'"effect":"allow"', b'"effect":"refuse","effect":"allow"'), KEY
        ),
    }
    assets = {name: json.dumps(receipt, indent=2, ensure_ascii=False).encode() for name, receipt in receipts.items()}
    return {**assets, "json-cut-off": json.dumps(call).encode()[:-20], "not-json": b"\x00\xff receipt"}


def _golden(name: str) -> Receipt:
    receipt: Receipt = json.loads((GOLDEN / f"{name}.receipt.json").read_bytes())
    return receipt


def _part(receipt: Receipt, part: str) -> Proven:
    proven = receipt[part]
    assert isinstance(proven, dict)
    return proven


def _changed(receipt: Receipt, part: str, field: str, change: Callable[[str], str], **more: int) -> Receipt:
    proven = _part(receipt, part)
    before = str(proven[field])
    assert change(before) != before
    return {**receipt, part: {**proven, field: change(before), **more}}


def _replace(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def _without_line(text: str, number: int) -> str:
    lines = text.split("\n")
    return "\n".join(lines[:number] + lines[number + 1 :])


def _receipt_of(entry: bytes, signer: Signer) -> Receipt:
    """The receipt of the one entry of a log that holds whatever it is told to."""
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "ledger", salts=Path(folder) / "salts", signer=signer)
        log.append([NewEntry(entry)], DAY)
        log.publish()
        log.close()
        receipt: Receipt = json.loads(receipt_for(Path(folder) / "ledger", ORIGIN, 0))
        return receipt


if __name__ == "__main__":
    ASSETS.mkdir(exist_ok=True)
    for defect, content in defects().items():
        (ASSETS / f"{defect}.json").write_bytes(content)
