# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.witness_builder import ToyLog, b64

from freehold.errors import InvalidRequest
from freehold.witness.protocol.request import MAX_PROOF_LINES, read_request, read_size, write_request

LOG = ToyLog()
CHECKPOINT = LOG.checkpoint(9)
NODE = b64(bytes(32)).encode()


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=MAX_PROOF_LINES))
def test_what_is_written_is_read_again(old_size: int, proof: list[bytes]) -> None:
    read = read_request(write_request(old_size, proof, CHECKPOINT))
    assert (read.old_size, list(read.proof)) == (old_size, proof)
    assert (read.checkpoint.origin, read.checkpoint.size) == (LOG.key.name, 9)


@given(st.binary(max_size=400))
def test_nothing_but_invalid_request_is_raised(body: bytes) -> None:
    for whole in (body, b"old 0\n\n" + body, b"old 4\n" + body + b"\n\n" + CHECKPOINT):
        try:
            read_request(whole)
        except InvalidRequest:
            continue


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no empty line"),
        (b"old 0\n" + CHECKPOINT, "the first line|base64|hash|bytes"),
        (b"\n\n" + CHECKPOINT, "the first line"),
        (b"old\n\n" + CHECKPOINT, "the first line"),
        (b"old 01\n\n" + CHECKPOINT, "the first line"),
        (b"old +1\n\n" + CHECKPOINT, "the first line"),
        (b"old -1\n\n" + CHECKPOINT, "the first line"),
        (b"old  1\n\n" + CHECKPOINT, "the first line"),
        (b"old 1 \n\n" + CHECKPOINT, "the first line"),
        (b"old 1\r\n\n" + CHECKPOINT, "the first line"),
        (b"Old 1\n\n" + CHECKPOINT, "the first line"),
        ("old \u0661\n\n".encode() + CHECKPOINT, "ASCII"),
        (b"old 9223372036854775808\n\n" + CHECKPOINT, "the first line"),
        (b"old 1\n" + NODE[:-4] + b"\n\n" + CHECKPOINT, "32 bytes|base64"),
        (b"old 1\n" + NODE + b" \n\n" + CHECKPOINT, "base64"),
        (b"old 1\n" + b"A" * 43 + b"\n\n" + CHECKPOINT, "base64"),
        (b"old 1\n" + b"A" * 42 + b"B=\n\n" + CHECKPOINT, "canonical"),
        (b"old 1\n" + b"\n".join([NODE] * 64) + b"\n\n" + CHECKPOINT, "64 lines"),
        (b"old 1\n\n" + CHECKPOINT[:-1], "no signatures"),
        (b"old 1\n\n" + CHECKPOINT.partition(b"\n\n")[0] + b"\n", "no signatures"),
        (b"old 1\n\n" + CHECKPOINT.replace(b"\n9\n", b"\n09\n"), "size"),
        (b"old 1\n\n" + CHECKPOINT.replace(b"\n9\n", b"\n9223372036854775808\n"), "over"),
        (b"old 1\n\n" + CHECKPOINT + b"\xff\n", "UTF-8"),
        (b"old 1\n\n" + CHECKPOINT + b"no signature\n", "no signature"),
    ],
)
def test_a_malformed_body_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        read_request(body)


@pytest.mark.parametrize("text", ["", "00", "01", "+1", "1 ", "1\n", "\u0661", "9223372036854775808", "1" * 30])
def test_what_is_no_size_is_none(text: str) -> None:
    assert read_size(text) is None
