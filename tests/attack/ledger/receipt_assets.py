# SPDX-License-Identifier: Apache-2.0
"""Receipts and tlog-proofs with one defect each. They come from the golden log of release 0.1, or from a log that lies.

A log that lies has the key: what it proves is proved, and only what the entry says, or how, betrays it.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.attack.ledger.signing_by_hand import BERLIN, OWN, PARIS, STRANGER, THIEF, Hand, head, note
from tests.ledger_builder import AT as AT_UTC
from tests.ledger_builder import TARGETS, act_bytes, admission_bytes, call, decision, outcome, outcome_bytes

from freehold.ledger import compose
from freehold.ledger.record.commitment import answer_commitment, request_commitment

GOLDEN = Path(__file__).parents[2] / "golden" / "v0.1" / "ledger"
Proven = dict[str, str | int]
Receipt = dict[str, str | Proven | None]
SALT = bytes(range(32))
REQUEST = b'{"model":"gpt-4o","messages":[{"role":"user","content":"Ognuno sta solo"}]}'
ANSWER = b'{"choices":[{"message":{"content":"sul cuor della terra"}}]}'
_ADMISSION, _OUTCOME = admission_bytes("call-a"), outcome_bytes(0, "call-a")


def receipts() -> dict[str, bytes]:
    """Refused whoever is trusted; but for ``sound`` and ``sound-cosigned``, their twins."""
    golden, refusal, act_receipt = (_golden(name) for name in ("call", "refusal", "act"))
    other, lie = _of_call_b(), _call([_ADMISSION, _OUTCOME])
    changed: dict[str, Receipt] = {
        "sound": golden,
        "sound-cosigned": _call([_ADMISSION, _OUTCOME], (PARIS, BERLIN)),
        "sound-with-salt": {**lie, "salt": SALT.hex()},
        "sound-forgotten": _erased(act("call.forget", "call-a")),
        "sound-expired": _erased(act("salts.expire", "2026-11-22")),
        "erasure-of-another-call": _erased(act("call.forget", "call-b")),
        "erasure-of-another-day": _erased(act("salts.expire", "2026-11-23")),
        "erasure-that-destroys-nothing": _erased(act("key.revoke", "call-a")),
        "erasure-before-its-call": _erased_before(act("salts.expire", "2026-11-22")),
        "erasure-not-an-act": {**lie, "erasure": lie["outcome"]},
        "erasure-alone": {"receipt": golden["receipt"], "origin": OWN.name, "erasure": act_receipt["act"]},
        "salt-on-an-act": {**act_receipt, "salt": SALT.hex()},
        "salt-of-31-bytes": {**lie, "salt": SALT.hex()[2:]},
        "salt-in-capitals": {**lie, "salt": SALT.hex().upper()},
        "salt-not-hex": {**lie, "salt": "g" * 64},
        "salt-not-text": {**lie, "salt": lie["outcome"]},
        "salt-null": {**lie, "salt": None},
        "outcome-of-another-call": {**golden, "outcome": other["outcome"]},
        "outcome-on-a-refusal": {**refusal, "outcome": golden["outcome"]},
        "outcome-on-its-own-refusal": _call([admission_bytes("call-a", allowed=False), _OUTCOME]),
        "outcome-alone": {name: value for name, value in golden.items() if name != "admission"},
        "outcome-with-another-ending": _changed(golden, "outcome", "entry", _replace('"complete"', '"failed"')),
        "outcome-swapped-with-the-admission": {
            **golden,
            "admission": golden["outcome"],
            "outcome": golden["admission"],
        },
        "outcome-of-another-admission": _call([_ADMISSION, outcome_bytes(1, "call-a")]),
        "outcome-of-another-id": _call([_ADMISSION, outcome_bytes(0, "call-b")]),
        "verdict-changed": _changed(golden, "admission", "entry", _replace('"allowed":false', '"allowed":true')),
        "index-not-of-the-proof": {**golden, "admission": {**_part(golden, "admission"), "index": 1}},
        "index-below-zero": {**golden, "admission": {**_part(golden, "admission"), "index": -1}},
        "proof-of-another-index": _changed(golden, "admission", "proof", _replace("index 0", "index 1"), index=1),
        "proof-without-a-hash": _changed(golden, "admission", "proof", lambda text: _without_line(text, 2)),
        "proof-with-a-hash-too-many": _changed(golden, "admission", "proof", _replace("\n\n", f"\n{'A' * 43}=\n\n", 1)),
        "proof-with-a-hash-changed": _changed(golden, "admission", "proof", _bit_of_line(2)),
        "checkpoint-of-another-size": _changed(golden, "admission", "proof", _replace("\n263\n", "\n264\n")),
        "checkpoint-unsigned": _changed(golden, "admission", "proof", lambda text: text.rpartition("\n\n")[0] + "\n"),
        "checkpoint-of-another-root": _with_head_of([act_bytes()], lie),
        "forked-between-admission-and-outcome": _forked(),
        "log-of-another-key": _call([_ADMISSION, _OUTCOME], signer=THIEF),
        "origin-of-another-log": {**golden, "origin": "other.example/ledger"},
        "act-as-admission": {**golden, "admission": act_receipt["act"], "outcome": None},
        "admission-as-act": {"receipt": golden["receipt"], "origin": OWN.name, "act": golden["admission"]},
        "admission-as-outcome": {**golden, "outcome": other["admission"]},
        "call-and-act": {**golden, "act": act_receipt["act"]},
        "neither-call-nor-act": {"receipt": golden["receipt"], "origin": OWN.name},
        "field-unknown": {**golden, "verdict": "valid"},
        "format-of-a-later-release": {**golden, "receipt": "freehold/receipt/v2"},
        "entry-read-in-two-ways": _alone(
            _ADMISSION.replace(b'"effect":"allow"', b'"effect":"refuse","effect":"allow"')
        ),
        "entry-with-spaces": _alone(_ADMISSION.replace(b",", b", ", 1)),
        "entry-with-keys-out-of-order": _alone(b'{"v":1,' + _ADMISSION[1:].replace(b',"v":1}', b"}")),
        "entry-with-an-escape": _alone(_ADMISSION.replace(b"call-a", b"call\\u002da")),
        "entry-with-a-fraction": _alone(_ADMISSION.replace(b'"snapshot":7', b'"snapshot":7.0')),
        "entry-with-half-a-number": _alone(_ADMISSION.replace(b'"snapshot":7', b'"snapshot":7.5')),
        "entry-of-a-later-version": _alone(_ADMISSION.replace(b'"v":1', b'"v":2')),
        "entry-nested-too-deep": _alone(b"[" * 20_000 + b"]" * 20_000),
        "entry-over-the-limit": _alone(_ADMISSION.replace(b"call-a", b"call-" + b"a" * 65_536)),
        "entry-not-json": _alone(b"an admission"),
        "entry-a-list": _alone(b"[" + _ADMISSION + b"]"),
    }
    whole = {name: json.dumps(receipt, indent=2, ensure_ascii=False).encode() for name, receipt in changed.items()}
    text = json.dumps(golden, ensure_ascii=False).encode()
    return {
        **whole,
        "json-cut-off": text[:-20],
        "json-with-more-behind-it": text + b"{}",
        "json-a-list": b"[" + text + b"]",
        "json-in-utf-16": text.decode().encode("utf-16"),
        "not-json": b"\x00\xff receipt",
        "empty": b"",
        "key-twice": text.replace(b'"origin":', b'"origin": "other.example/ledger", "origin":', 1),
        "key-twice-in-a-part": text.replace(b'"index": 0,', b'"index": 1, "index": 0,', 1),
        "nested-too-deep": b'{"receipt":' * 5000 + b"1" + b"}" * 5000,
    }


def contents() -> dict[str, bytes]:
    """A receipt with its salt, and what was said; and others who would have said it."""
    admission = compose.admission(
        call("call-a", body=REQUEST),
        decision(),
        targets=TARGETS,
        snapshot_version=7,
        request_commitment=request_commitment(SALT, REQUEST),
        at_utc=AT_UTC,
    )
    answered = replace(outcome("call-a"), answer=answer_commitment(SALT, ANSWER), answer_bytes=len(ANSWER))
    receipt = _call([admission, compose.outcome(answered, 0, at_utc=AT_UTC)])
    salts = {
        "": SALT,
        "-salt-bit-flipped": bytes([SALT[0] ^ 1]) + SALT[1:],
        "-salt-erased": bytes(32),
        "-salt-of-another-call": SALT[::-1],
    }
    return {
        **{f"receipt{name}.json": json.dumps({**receipt, "salt": salt.hex()}).encode() for name, salt in salts.items()},
        "receipt-without-salt.json": json.dumps(receipt).encode(),
        "request.json": REQUEST,
        "request-with-a-space.json": REQUEST.replace(b":", b": ", 1),
        "request-cut-off.json": REQUEST[:-1],
        "answer.json": ANSWER,
        "answer-bit-flipped.json": bytes([ANSWER[0] ^ 1]) + ANSWER[1:],
        "answer-longer.json": ANSWER + b"\n",
    }


def unwitnessed_receipts() -> dict[str, bytes]:
    """Well signed by the log, and not what a policy accepts that wants Paris and Berlin both."""
    entries = [_ADMISSION, _OUTCOME]
    late = PARIS.key.sign(b"cosignature/v1\ntime 1\nanother text\n")
    made = {
        "cosigned-by-nobody": _call(entries),
        "cosigned-by-one": _call(entries, (PARIS,)),
        "cosigned-by-one-twice": _call(entries, (PARIS, PARIS)),
        "cosigned-by-a-stranger": _call(entries, (PARIS, STRANGER)),
        "cosigned-by-a-stranger-of-that-name": _call(entries, (PARIS, Hand(BERLIN.name, 4, BERLIN.kind))),
        "timestamp-broken": _call(entries, (PARIS, BERLIN), lambda line: _stamp(line, 1)),
        "timestamp-beyond-the-range": _call(entries, (PARIS, BERLIN), lambda line: _stamp(line, 2**63)),
        "cosignature-of-another-checkpoint": _call(
            entries, (PARIS, BERLIN), lambda _: PARIS.line_of((1).to_bytes(8, "big") + late)
        ),
        "outcome-under-a-checkpoint-of-nobody": {
            **_call(entries, (PARIS, BERLIN)),
            "outcome": _call(entries)["outcome"],
        },
    }
    return {name: json.dumps(receipt, indent=2, ensure_ascii=False).encode() for name, receipt in made.items()}


def proofs() -> dict[str, bytes]:
    """tlog-proofs with the entry in their ``extra`` line, as the product gives them; ``sound`` is."""
    sound = _proof([_ADMISSION, act_bytes(), _OUTCOME], 2, extra=_OUTCOME)
    lines = sound.split("\n")
    made = {
        "sound": sound,
        "first-line-of-a-later-version": sound.replace("@v1", "@v2"),
        "first-line-missing": "\n".join(lines[1:]),
        "byte-order-mark": "\ufeff" + sound,
        "carriage-returns": sound.replace("\n", "\r\n"),
        "extra-missing": _without_line(sound, 1),
        "extra-changed": sound.replace(lines[1], f"extra {base64.b64encode(_ADMISSION).decode()}"),
        "extra-not-base64": sound.replace("extra ", "extra *"),
        "extra-behind-the-index": "\n".join([lines[0], lines[2], lines[1], *lines[3:]]),
        "index-missing": _without_line(sound, 2),
        "index-of-another-entry": sound.replace("index 2", "index 1"),
        "index-with-a-leading-zero": sound.replace("index 2", "index 02"),
        "index-below-zero": sound.replace("index 2", "index -2"),
        "index-beyond-the-tree": sound.replace("index 2", "index 3"),
        "index-beyond-all-numbers": sound.replace("index 2", f"index {2**64}"),
        "index-in-other-digits": sound.replace("index 2", "index ²"),
        "index-with-more-behind-it": sound.replace("index 2", "index 2 3"),
        "hash-missing": _without_line(sound, 3),
        "hash-too-many": sound.replace(lines[3], f"{lines[3]}\n{lines[3]}"),
        "hash-changed": _bit_of_line(3)(sound),
        "hash-of-31-bytes": sound.replace(lines[3], base64.b64encode(bytes(31)).decode()),
        "hash-not-base64": sound.replace(lines[3], "*" * 44),
        "hash-spelt-otherwise": sound.replace(lines[3], _spelt_otherwise(lines[3])),
        "hashes-without-number": sound.replace(lines[3], "\n".join([lines[3]] * 64)),
        "empty-line-missing": sound.replace("\n\n", "\n", 1),
        "empty-line-twice": sound.replace("\n\n", "\n\n\n", 1),
        "checkpoint-missing": sound.partition("\n\n")[0] + "\n\n",
        "checkpoint-of-another-size": sound.replace("\n3\n", "\n4\n"),
        "checkpoint-of-another-key": _proof([_ADMISSION, act_bytes(), _OUTCOME], 2, extra=_OUTCOME, signer=THIEF),
        "cut-off": sound[:-10],
    }
    return {**{name: text.encode() for name, text in made.items()}, "not-utf-8": sound.encode()[:-2] + b"\xff\n"}


def _golden(name: str) -> Receipt:
    receipt: Receipt = json.loads((GOLDEN / f"{name}.receipt.json").read_bytes())
    return receipt


def _of_call_b() -> Receipt:
    """A call, cancelled, in a log of its own."""
    return _call([admission_bytes("call-b"), outcome_bytes(0, "call-b")])


def _call(
    entries: Sequence[bytes],
    witnesses: Sequence[Hand] = (),
    spoil: Callable[[str], str] | None = None,
    *,
    signer: Hand = OWN,
    among: Sequence[bytes] = (),
) -> Receipt:
    """The receipt of a call in a log of two entries, or of more; ``spoil`` changes the first witness's line."""
    parts: list[Proven] = [
        {
            "index": index,
            "entry": entry.decode(),
            "proof": _proof(among or entries, index, signer=signer, witnesses=witnesses, spoil=spoil),
        }
        for index, entry in enumerate(entries)
    ]
    return {"receipt": "freehold/receipt/v1", "origin": signer.name, "admission": parts[0], "outcome": parts[1]}


def _erased(erasure: bytes) -> Receipt:
    """The receipt of a call whose salt was destroyed, or so it says."""
    entries = [_ADMISSION, _OUTCOME, erasure]
    part: Proven = {"index": 2, "entry": erasure.decode(), "proof": _proof(entries, 2)}
    return {**_call(entries[:2], among=entries), "erasure": part}


def _erased_before(erasure: bytes) -> Receipt:
    """The receipt of a refused call of a day whose salts were destroyed before the call was made."""
    entries = [erasure, admission_bytes("call-a", allowed=False)]
    parts: list[Proven] = [
        {"index": index, "entry": entries[index].decode(), "proof": _proof(entries, index)} for index in (0, 1)
    ]
    return {"receipt": "freehold/receipt/v1", "origin": OWN.name, "admission": parts[1], "erasure": parts[0]}


def act(kind: str, subject: str) -> bytes:
    return compose.act(id="act-1", kind=kind, subject=subject, operator="op-1", digests={}, at_utc=AT_UTC)


def _forked() -> Receipt:
    """Admission and outcome under two heads of one size, both signed: the log shows itself that it lies."""
    other = _call([admission_bytes("call-x"), _OUTCOME])
    return {**_call([_ADMISSION, _OUTCOME]), "outcome": other["outcome"]}


def _alone(entry: bytes) -> Receipt:
    """The receipt of an admission without outcome, in a log that holds whatever it is told to."""
    part: Proven = {"index": 0, "entry": entry.decode(), "proof": _proof([entry], 0)}
    return {"receipt": "freehold/receipt/v1", "origin": OWN.name, "admission": part, "outcome": None}


def _with_head_of(entries: Sequence[bytes], receipt: Receipt) -> Receipt:
    """Its admission's proof, over the sound checkpoint of other entries."""
    proof = str(_part(receipt, "admission")["proof"])
    other = _proof(entries, 0).partition("\n\n")[2]
    return {
        **receipt,
        "admission": {**_part(receipt, "admission"), "proof": proof.partition("\n\n")[0] + "\n\n" + other},
    }


def _proof(
    entries: Sequence[bytes],
    index: int,
    *,
    extra: bytes = b"",
    signer: Hand = OWN,
    witnesses: Sequence[Hand] = (),
    spoil: Callable[[str], str] | None = None,
) -> str:
    """A tlog-proof in a tree of at most three entries."""
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    pair = _node(*leaves[:2]) if len(leaves) > 1 else leaves[0]
    root = _node(pair, leaves[2]) if len(leaves) > 2 else pair
    path = [pair] if index == 2 else [leaf for at, leaf in enumerate(leaves[:2]) if at != index] + leaves[2:]
    text = head(len(entries), root, origin=signer.name)
    lines = [witness.line(text) for witness in witnesses]
    if spoil is not None:
        lines[0] = spoil(lines[0])
    first = ["c2sp.org/tlog-proof@v1", *([f"extra {base64.b64encode(extra).decode()}"] if extra else [])]
    hashes = [base64.b64encode(one).decode() for one in path]
    return "\n".join([*first, f"index {index}", *hashes]) + "\n\n" + note(text, signer.line(text), *lines).decode()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _stamp(line: str, at_unix: int) -> str:
    """The signature line with another time in it, as a relay could write one."""
    name, _, encoded = line.rpartition(" ")
    blob = base64.b64decode(encoded)
    return f"{name} {base64.b64encode(blob[:4] + at_unix.to_bytes(8, 'big') + blob[12:]).decode()}\n"


def _part(receipt: Receipt, part: str) -> Proven:
    proven = receipt[part]
    assert isinstance(proven, dict)
    return proven


def _changed(receipt: Receipt, part: str, field: str, change: Callable[[str], str], **more: int) -> Receipt:
    proven = _part(receipt, part)
    before = str(proven[field])
    assert change(before) != before
    return {**receipt, part: {**proven, field: change(before), **more}}


def _replace(old: str, new: str, count: int = -1) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, count)


def _without_line(text: str, number: int) -> str:
    lines = text.split("\n")
    return "\n".join(lines[:number] + lines[number + 1 :])


def _bit_of_line(number: int) -> Callable[[str], str]:
    def change(text: str) -> str:
        lines = text.split("\n")
        raw = base64.b64decode(lines[number])
        lines[number] = base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
        return "\n".join(lines)

    return change


def _spelt_otherwise(encoded: str) -> str:
    """32 bytes end in two bits too many: another spelling of the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return encoded[:-2] + alphabet[alphabet.index(encoded[-2]) ^ 1] + "="
