# SPDX-License-Identifier: Apache-2.0
"""Notes and checkpoints that break one rule each of C2SP's signed-note, tlog-checkpoint or tlog-cosignature.

All of them are signed by the log's own key wherever that can be: what is wrong is the form, or a witness.
"""

import base64
import hashlib

from tests.attack.ledger.signing_by_hand import AT, BERLIN, OWN, PARIS, STRANGER, THIEF, Hand, head, note

ROOT = hashlib.sha256(b"root").digest()
TEXT = head(7, ROOT)


def sound_notes() -> dict[str, bytes]:
    """What must be accepted, however strange it looks."""
    return {
        "plain": note(TEXT, OWN.line(TEXT)),
        "cosigned": note(TEXT, OWN.line(TEXT), PARIS.line(TEXT)),
        "cosigned-before-the-log": note(TEXT, PARIS.line(TEXT), OWN.line(TEXT)),
        "cosigned-by-a-stranger": note(TEXT, OWN.line(TEXT), STRANGER.line(TEXT)),
        "unknown-signature-broken": note(TEXT, OWN.line(TEXT), STRANGER.line_of(bytes(72))),
        "unknown-signature-of-our-name": note(TEXT, OWN.line(TEXT), THIEF.line(TEXT)),
        "unknown-name-with-our-key-id": note(TEXT, OWN.line(TEXT), OWN.line(TEXT).replace("estate", "astute")),
        "unknown-name-in-other-letters": note(TEXT, OWN.line(TEXT), Hand("témoin.example/ω\x7f", 5).line(TEXT)),
        "sixteen-signatures": note(TEXT, OWN.line(TEXT), *(Hand(f"w{n}.example", n).line(TEXT) for n in range(1, 16))),
        "unknown-signature-of-five-kilobytes": note(TEXT, OWN.line(TEXT), STRANGER.line_of(bytes(5000))),
        "extension-lines": _signed(head(7, ROOT, more="one\ntwo three\n")),
    }


def malformed_notes() -> dict[str, bytes]:
    """What must be refused, whoever signed it."""
    sound, line = note(TEXT, OWN.line(TEXT)), OWN.line(TEXT)
    blob = line.rpartition(" ")[2].rstrip("\n")
    return {
        "not-utf-8": _signed_bytes(TEXT.encode().replace(b"estate", b"est\xffte")),
        "control-character-in-the-text": _signed(TEXT.replace("\n7\n", "\n\t7\n")),
        "carriage-returns": _signed(TEXT.replace("\n", "\r\n")),
        "control-character-in-an-unknown-name": note(TEXT, line, Hand("w\x01.example", 5).line(TEXT)),
        "text-without-a-newline": (TEXT[:-1] + "\n\n" + OWN.line(TEXT[:-1])).encode().replace(b"=\n\n", b"=\n"),
        "no-empty-line": (TEXT + line).encode(),
        "no-signature-line": (TEXT + "\n").encode(),
        "no-newline-at-the-end": sound[:-1],
        "empty-line-at-the-end": sound + b"\n",
        "text-behind-the-signatures": sound + b"and more\n",
        "hyphen-for-a-dash": sound.replace("—".encode(), b"-"),
        "two-spaces-before-the-name": sound.replace("— ".encode(), "—  ".encode()),
        "two-spaces-behind-the-name": sound.replace(b"ledger ", b"ledger  "),
        "name-empty": note(TEXT, line, f"—  {blob}\n"),
        "name-with-a-plus": note(TEXT, line, Hand("w+1.example", 5).line(TEXT)),
        "name-with-a-space-of-unicode": note(TEXT, line, Hand("w\u2003.example", 5).line(TEXT)),
        "signature-missing": note(TEXT, line, "— w.example\n"),
        "signature-not-base64": note(TEXT, line, "— w.example AAAA*AAA\n"),
        "signature-base64-of-urls": note(TEXT, line, "— w.example AAAA-_AA\n"),
        "signature-without-padding": note(TEXT, line, "— w.example AAAAAAA\n"),
        "signature-base64-spelt-otherwise": note(TEXT, line, "— w.example AAAAAAB=\n"),
        "signature-only-a-key-id": note(TEXT, line, "— w.example AAAAAA==\n"),
        "signature-of-another-text": note(TEXT, OWN.line(head(8, ROOT))),
        "signature-cut-short": note(TEXT, OWN.line_of(OWN.key.sign(TEXT.encode())[:63])),
        "signature-over-the-empty-line-too": note(TEXT, OWN.line(TEXT + "\n")),
        "second-signature-of-our-key-broken": note(TEXT, line, OWN.line_of(bytes(64))),
        "signed-by-a-cosigner-alone": note(TEXT, PARIS.line(TEXT)),
        "cosignature-under-the-log-s-name": note(TEXT, Hand(OWN.name, 0, PARIS.kind).line(TEXT)),
        "of-two-lines": _signed("estate.example/ledger\n7\n"),
        "origin-empty": _signed(TEXT.replace("estate.example/ledger", "", 1)),
        "origin-of-another-log": _signed(TEXT.replace("estate", "other", 1)),
        "size-with-a-leading-zero": _signed(TEXT.replace("\n7\n", "\n07\n")),
        "size-with-a-sign": _signed(TEXT.replace("\n7\n", "\n+7\n")),
        "size-with-a-space": _signed(TEXT.replace("\n7\n", "\n7 \n")),
        "size-in-other-digits": _signed(TEXT.replace("\n7\n", "\n\N{ARABIC-INDIC DIGIT SEVEN}\n")),
        "size-not-a-number": _signed(TEXT.replace("\n7\n", "\nseven\n")),
        "size-below-zero": _signed(TEXT.replace("\n7\n", "\n-7\n")),
        "root-of-31-bytes": _signed(head(7, ROOT[:31])),
        "root-of-33-bytes": _signed(head(7, ROOT + b"\x00")),
        "root-in-hex": _signed(f"{OWN.name}\n7\n{ROOT.hex()}\n"),
        "root-spelt-otherwise": _signed(head(7, ROOT).replace(_root_end(), _root_end_otherwise())),
        "extension-line-empty": _signed(head(7, ROOT, more="\nmore\n")),
    }


def broken_cosignatures() -> dict[str, bytes]:
    """Checkpoints that the log has signed well, and the witness of Paris not: refused where that witness is known."""
    line = OWN.line(TEXT)
    stamp = AT.to_bytes(8, "big")
    good = PARIS.key.sign(f"cosignature/v1\ntime {AT}\n{TEXT}".encode())
    return {
        "timestamp-changed": note(TEXT, line, PARIS.line_of((AT + 1).to_bytes(8, "big") + good)),
        "timestamp-missing": note(TEXT, line, PARIS.line_of(good)),
        "timestamp-of-four-bytes": note(TEXT, line, PARIS.line_of(stamp[4:] + good)),
        "timestamp-beyond-the-range": note(TEXT, line, PARIS.line(TEXT, at_unix=2**63)),
        "timestamp-little-endian": note(TEXT, line, PARIS.line_of(stamp[::-1] + good)),
        "over-the-bare-text": note(TEXT, line, PARIS.line_of(stamp + PARIS.key.sign(TEXT.encode()))),
        "over-another-head": note(TEXT, line, PARIS.line(head(8, ROOT))),
        "over-a-head-of-another-origin": note(TEXT, line, PARIS.line(head(7, ROOT, origin="other.example/ledger"))),
        "by-another-key": note(TEXT, line, PARIS.line_of(stamp + BERLIN.key.sign(TEXT.encode()))),
        "cut-short": note(TEXT, line, PARIS.line_of(stamp + good[:-1])),
        "too-long": note(TEXT, line, PARIS.line_of(stamp + good + b"\x00")),
        "second-one-broken": note(TEXT, line, PARIS.line(TEXT), PARIS.line_of(bytes(72))),
    }


def _signed(text: str) -> bytes:
    return note(text, OWN.line(text))


def _signed_bytes(text: bytes) -> bytes:
    return text + b"\n" + OWN.line_of(OWN.key.sign(text)).encode()


def _root_end() -> str:
    return base64.b64encode(ROOT).decode()[-4:]


def _root_end_otherwise() -> str:
    """The last three characters of 32 bytes carry two bits too many: another spelling of the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    end = _root_end()
    return end[:2] + alphabet[alphabet.index(end[2]) ^ 1] + "="
