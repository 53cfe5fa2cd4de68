# SPDX-License-Identifier: Apache-2.0
"""A witness that answers nonsense costs a cosignature and nothing else; a 409 beyond our size and a 422 are heard."""

from pathlib import Path

import pytest
from tests.attack.ledger.answer_assets import answers, asked
from tests.attack.ledger.signing_by_hand import AT, PARIS
from tests.oracle.notes import open_note, read_key

from freehold.egress.errand import Reply
from freehold.signing.cosignature import parse_cosigner
from freehold.witness.asking.answers import Conflict, Cosigned, Inconsistent, Meaning, NoUse, read_answer

ASSETS = Path(__file__).parent / "assets" / "answers"
HEARD = {
    "sound-409": Conflict(size=5),
    "sound-409-of-zero": Conflict(size=0),
    "409-with-a-larger-size": Conflict(size=9),
    "422": Inconsistent(),
}
COSIGNED = {"sound", "sound-with-a-stranger-s-line", "sound-twice"}
NO_USE = {
    "409-without-its-media-type": "409 without the size",
    "409-not-a-number": "409 without the size",
    "409-below-zero": "409 without the size",
    "409-with-a-leading-zero": "409 without the size",
    "409-in-other-digits": "409 without the size",
    "409-beyond-all-numbers": "409 without the size",
    "409-empty": "409 without the size",
    "409-with-more-behind-it": "409 without the size",
    "nonsense": "what are no signatures",
    "nothing": "what are no signatures",
    "an-empty-line": "what are no signatures",
    "not-utf-8": "what are no signatures",
    "a-signature-without-newline": "what are no signatures",
    "a-signature-and-nonsense": "what are no signatures",
    "a-signature-of-another-head": "does not hold",
    "a-signature-of-a-longer-text": "what are no signatures",
    "a-signature-without-time": "bears no time",
    "a-signature-of-another-witness": "it did not sign with the key witness.paris.example/w1+9419f127",
    "a-signature-of-another-key-of-that-name": "it did not sign with the key",
    "a-signature-that-is-a-log-s": "it did not sign with the key",
    "a-broken-signature-behind-a-good-one": "does not hold",
    "101-signatures": "what are no signatures",
    "403": "it knows no key of this log",
    "404": "it does not watch this log",
    "500": "status 500",
    "a-teapot": "status 418",
    "302": "status 302",
}


def meaning_of(name: str) -> Meaning:
    first, _, body = (ASSETS / f"{name}.answer").read_bytes().partition(b"\n\n")
    status, _, media = first.decode().partition(" ")
    return read_answer(Reply(status=int(status), media=media, body=body), asked(), parse_cosigner(PARIS.vkey))


@pytest.mark.parametrize("name", sorted(NO_USE))
def test_an_answer_of_no_use_is_told_apart(name: str) -> None:
    meaning = meaning_of(name)
    assert isinstance(meaning, NoUse)
    assert NO_USE[name] in meaning.why


@pytest.mark.parametrize("name", sorted(HEARD))
def test_what_speaks_against_the_log_is_heard(name: str) -> None:
    assert meaning_of(name) == HEARD[name]


@pytest.mark.parametrize("name", sorted(COSIGNED))
def test_a_cosignature_is_kept_as_the_oracle_verifies_it(name: str) -> None:
    meaning = meaning_of(name)
    assert isinstance(meaning, Cosigned)
    key = read_key(PARIS.vkey)
    assert open_note(asked() + meaning.lines.encode(), [key])[1][key] >= AT


def test_every_asset_is_tried_and_is_what_its_recipe_makes() -> None:
    assert {path.stem: path.read_bytes() for path in ASSETS.iterdir()} == answers()
    assert answers().keys() == {*NO_USE, *HEARD, *COSIGNED}
