# SPDX-License-Identifier: Apache-2.0
"""What a witness may answer to add-checkpoint, sound or not, as files: status and media type, an empty line, the body.

Every answer is one to the checkpoint ``asked``, of 7 entries.
"""

import hashlib

from tests.attack.ledger.signing_by_hand import AT, BERLIN, OWN, PARIS, Hand, head, note

_TEXT = head(7, hashlib.sha256(b"root").digest())
_SIZE = "text/x.tlog.size"
_PLAIN = "text/plain; charset=utf-8"


def asked() -> bytes:
    """The checkpoint that the witness of Paris was asked to cosign."""
    return note(_TEXT, OWN.line(_TEXT))


def answers() -> dict[str, bytes]:
    """The files, by what is wrong in them; ``sound*`` are those of a witness that does what it should."""
    good = PARIS.line(_TEXT)
    longer = f"{_TEXT}\nmore\n"
    impostor = Hand(PARIS.name, 8, PARIS.kind)
    made = {
        "sound": (200, _PLAIN, good),
        "sound-with-a-stranger-s-line": (200, _PLAIN, BERLIN.line(_TEXT) + good),
        "sound-twice": (200, _PLAIN, good + PARIS.line(_TEXT, at_unix=AT + 1)),
        "sound-409": (409, _SIZE, "5\n"),
        "sound-409-of-zero": (409, _SIZE, "0\n"),
        "409-with-a-larger-size": (409, _SIZE, "9\n"),
        "422": (422, _PLAIN, "the proof does not hold\n"),
        "409-without-its-media-type": (409, _PLAIN, "5\n"),
        "409-not-a-number": (409, _SIZE, "five\n"),
        "409-below-zero": (409, _SIZE, "-5\n"),
        "409-with-a-leading-zero": (409, _SIZE, "05\n"),
        "409-in-other-digits": (409, _SIZE, "\N{ARABIC-INDIC DIGIT FIVE}\n"),
        "409-beyond-all-numbers": (409, _SIZE, f"{2**63}\n"),
        "409-empty": (409, _SIZE, ""),
        "409-with-more-behind-it": (409, _SIZE, "5\n6\n"),
        "nonsense": (200, _PLAIN, "<html>It works!</html>\n"),
        "nothing": (200, _PLAIN, ""),
        "an-empty-line": (200, _PLAIN, "\n"),
        "not-utf-8": (200, _PLAIN, "\udcff\n"),
        "a-signature-without-newline": (200, _PLAIN, good[:-1]),
        "a-signature-and-nonsense": (200, _PLAIN, good + "thank you\n"),
        "a-signature-of-another-head": (200, _PLAIN, PARIS.line(head(8, bytes(32)))),
        "a-signature-of-a-longer-text": (200, _PLAIN, f"more\n\n{PARIS.line(longer)}"),
        "a-signature-without-time": (200, _PLAIN, PARIS.line(_TEXT, at_unix=0)),
        "a-signature-of-another-witness": (200, _PLAIN, BERLIN.line(_TEXT)),
        "a-signature-of-another-key-of-that-name": (200, _PLAIN, impostor.line(_TEXT)),
        "a-signature-that-is-a-log-s": (200, _PLAIN, Hand(PARIS.name, 1).line(_TEXT)),
        "a-broken-signature-behind-a-good-one": (200, _PLAIN, good + PARIS.line_of(bytes(72))),
        "101-signatures": (200, _PLAIN, good * 101),
        "403": (403, _PLAIN, "no\n"),
        "404": (404, _PLAIN, "no\n"),
        "500": (500, _PLAIN, "no\n"),
        "a-teapot": (418, _PLAIN, good),
        "302": (302, _PLAIN, good),
    }
    return {
        name: f"{status} {media}\n\n{body}".encode("utf-8", "surrogateescape")
        for name, (status, media, body) in made.items()
    }
