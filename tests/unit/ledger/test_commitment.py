# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.record.commitment import ANSWER_LABEL, Commitment, answer_commitment, request_commitment

SALT = bytes(range(32))


@given(st.lists(st.binary(max_size=50), max_size=200))
def test_a_commitment_taken_in_pieces_is_that_of_the_whole(pieces: list[bytes]) -> None:
    commitment = Commitment(SALT, ANSWER_LABEL)
    for piece in pieces:
        commitment.update(piece)
    whole = b"".join(pieces)
    assert commitment.hexdigest() == answer_commitment(SALT, whole)


def test_a_request_is_not_an_answer() -> None:
    assert request_commitment(SALT, b"x") != answer_commitment(SALT, b"x")


def test_the_labels_are_part_of_the_format() -> None:
    known = hmac.new(SALT, b"freehold/v1/request\nhello", hashlib.sha256).hexdigest()
    assert request_commitment(SALT, b"hello") == known
