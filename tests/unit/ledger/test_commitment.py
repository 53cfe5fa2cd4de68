# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.ledger.record.commitment import (
    ANSWER_LABEL,
    REQUEST_LABEL,
    Commitment,
    answer_commitment,
    request_commitment,
)

SALT = bytes(range(32))


@given(st.lists(st.binary(max_size=50), max_size=200))
def test_a_commitment_taken_in_pieces_is_that_of_the_whole(pieces: list[bytes]) -> None:
    commitment = Commitment(SALT, ANSWER_LABEL)
    for piece in pieces:
        commitment.update(piece)
    whole = b"".join(pieces)
    assert commitment.hexdigest() == answer_commitment(SALT, whole)


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_a_commitment_is_the_hmac_of_rfc_2104(salt: bytes, content: bytes) -> None:
    assert request_commitment(salt, content) == hmac.digest(salt, REQUEST_LABEL + content, "sha256").hex()
    commitment = Commitment(salt, ANSWER_LABEL)
    commitment.update(content)
    assert commitment.hexdigest() == hmac.digest(salt, ANSWER_LABEL + content, "sha256").hex()


@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [  # RFC 4231, test cases 1 to 4
        (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ],
)
def test_the_vectors_of_rfc_4231_hold(key: bytes, data: bytes, mac: str) -> None:
    assert Commitment(key, data).hexdigest() == mac


@given(st.lists(st.binary(max_size=50), max_size=200), st.integers(min_value=0, max_value=200))
def test_what_is_committed_to_on_its_way_is_counted_with_the_rest_and_goes_on(pieces: list[bytes], first: int) -> None:
    commitment, gone = Commitment(SALT, ANSWER_LABEL), list[bytes]()
    for piece in pieces[:first]:
        commitment.update(piece)

    def out(piece: bytes) -> bool:
        gone.append(piece)
        return len(gone) % 2 == 0

    on_its_way = commitment.before(out)
    assert [on_its_way(piece) for piece in pieces[first:]] == [bool(i % 2) for i in range(len(pieces[first:]))]
    whole = b"".join(pieces)
    assert (gone, commitment.size_bytes) == (pieces[first:], len(whole))
    assert (commitment.hexdigest(), commitment.size_bytes) == (answer_commitment(SALT, whole), len(whole))


def test_a_request_is_not_an_answer() -> None:
    assert request_commitment(SALT, b"x") != answer_commitment(SALT, b"x")


def test_the_labels_are_part_of_the_format() -> None:
    known = hmac.new(SALT, b"freehold/v1/request\nhello", hashlib.sha256).hexdigest()
    assert request_commitment(SALT, b"hello") == known
