# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import KEY, ORIGIN

from freehold.errors import VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint, read_unverified, sign_checkpoint
from freehold.signing.keys import FileKey
from freehold.signing.note import parse_vkey, sign_note

VERIFIER = parse_vkey(KEY.vkey)
PUBLISHED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_example_of_the_specification_is_read() -> None:
    checkpoint = read_unverified(PUBLISHED.encode())
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_opens_as_it_was(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root)
    assert open_checkpoint(sign_checkpoint(checkpoint, KEY), VERIFIER) == checkpoint


def test_a_checkpoint_of_another_origin_is_refused_even_if_our_key_signed_it() -> None:
    note = sign_checkpoint(Checkpoint(origin="other.example/log", size=0, root=bytes(32)), KEY)
    with pytest.raises(VerificationFailed, match=r"is of 'other\.example/log', expected 'estate\.example/ledger'"):
        open_checkpoint(note, VERIFIER)


def test_a_checkpoint_of_another_key_of_that_name_is_refused() -> None:
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), FileKey(ORIGIN, bytes(32)))
    with pytest.raises(VerificationFailed, match="not signed by a known key"):
        open_checkpoint(note, VERIFIER)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n1\n",
        f"{ORIGIN}\n01\n{'A' * 43}=\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\n",
        f"{ORIGIN}\n1\n{'A' * 42}==\n",
        f"{ORIGIN}\n1\n{'A' * 42}B=\n",
        f"{ORIGIN}\n1\n{'A' * 43}=\n\nextension\n",
        f"\n1\n{'A' * 43}=\n",
        f"{ORIGIN}\n²\n{'A' * 43}=\n",
    ],
)
def test_a_body_that_is_no_checkpoint_is_refused_though_it_is_signed(text: str) -> None:
    with pytest.raises(VerificationFailed, match="the checkpoint"):
        open_checkpoint(sign_note(text, KEY), VERIFIER)
