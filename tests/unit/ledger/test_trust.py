# SPDX-License-Identifier: Apache-2.0
"""What a policy accepts. That a malformed one is refused, and why, is tried in tests/attack/ledger."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ledger_builder import KEY, ORIGIN

from freehold.errors import TrustInvalid, VerificationFailed
from freehold.ledger.check.trust import TrustPolicy, parse_policy, trust_log
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind

AT_UNIX = 1_795_000_000
NAMES = ("x1", "x2", "x3", "y1", "y2", "y3")
WITNESSES = {
    name: FileKey(f"{name}.example", bytes([number] * 32), KeyKind.ED25519_COSIGNATURE)
    for number, name in enumerate(NAMES, 1)
}
LATTICE = FileKey("lattice.example", bytes(32), KeyKind.ML_DSA_44_COSIGNATURE)
HEAD = f"log {KEY.vkey}\n" + "".join(f"witness {name} {key.vkey}\n" for name, key in WITNESSES.items())
EXAMPLE = f"""{HEAD}
group X-witnesses 2 x1 x2 x3
group Y-witnesses any y1 y2 y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""
NOTE = sign_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=bytes(32)), KEY)
TEXT = NOTE.decode().rpartition("\n\n")[0] + "\n"


def cosigned(keys: Iterable[FileKey], note: bytes = NOTE) -> bytes:
    return note + "".join(cosign(TEXT, key, AT_UNIX) for key in keys).encode()


def policy(text: str) -> TrustPolicy:
    return parse_policy(text.encode())


@given(st.sets(st.sampled_from(NAMES)))
def test_the_example_of_the_specification_asks_for_two_and_one(names: set[str]) -> None:
    note = cosigned(WITNESSES[name] for name in sorted(names))
    enough = len(names & {"x1", "x2", "x3"}) >= 2 and bool(names & {"y1", "y2", "y3"})
    if enough:
        found = policy(EXAMPLE).open(note)
        assert {mark.witness for mark in found.cosignatures} == names
        assert {mark.at_unix for mark in found.cosignatures} == {AT_UNIX}
    else:
        with pytest.raises(VerificationFailed, match=r"expected 2 of X-witnesses, Y-witnesses \(group X-and-Y\)"):
            policy(EXAMPLE).open(note)


def test_a_witness_alone_may_be_the_quorum() -> None:
    one = policy(f"{HEAD}quorum y2\n")
    assert one.open(cosigned([WITNESSES["y2"]])).checkpoint.size == 7
    with pytest.raises(VerificationFailed, match="expected y2, found x1"):
        one.open(cosigned([WITNESSES["x1"]]))


def test_a_cosignature_that_a_policy_does_not_know_counts_for_nothing() -> None:
    stranger = FileKey("x1.example", bytes([77] * 32), KeyKind.ED25519_COSIGNATURE)
    with pytest.raises(VerificationFailed, match="expected x1, found nobody"):
        policy(f"{HEAD}quorum x1\n").open(cosigned([stranger]))
    assert policy(f"{HEAD}quorum none\n").open(cosigned([stranger])).cosignatures == ()


def test_a_cosignature_given_twice_counts_once() -> None:
    with pytest.raises(VerificationFailed, match=r"found x1$"):
        policy(f"{HEAD}group g 2 x1 x2\nquorum g\n").open(cosigned([WITNESSES["x1"], WITNESSES["x1"]]))


def test_a_cosignature_of_a_known_witness_that_does_not_hold_refuses_the_note() -> None:
    forged = cosigned([WITNESSES["x1"]]).replace(b"\n7\n", b"\n8\n")
    resigned = sign_checkpoint(Checkpoint(origin=ORIGIN, size=8, root=bytes(32)), KEY)
    assert forged.startswith(resigned.partition(b"\n\n")[0])
    note = resigned + forged.splitlines(keepends=True)[-1]
    with pytest.raises(VerificationFailed, match=r"x1\.example\+[0-9a-f]{8} does not fit the text"):
        policy(f"{HEAD}quorum none\n").open(note)


def test_witnesses_may_sign_with_ml_dsa() -> None:
    lattice = policy(f"log {KEY.vkey}\nwitness w {LATTICE.vkey}\nquorum w\n")
    assert lattice.open(cosigned([LATTICE])).cosignatures[0].at_unix == AT_UNIX


def test_a_log_may_sign_with_ml_dsa() -> None:
    log = FileKey(ORIGIN, bytes(32), KeyKind.ML_DSA_44_COSIGNATURE)
    note = f"{TEXT}\n{cosign(TEXT, log, AT_UNIX)}".encode()
    assert trust_log(log.vkey).open(note).checkpoint.size == 7
    with pytest.raises(VerificationFailed, match="not signed by a known key"):
        trust_log(KEY.vkey).open(note)


def test_a_log_signs_for_its_own_origin_only() -> None:
    other = FileKey("other.example/log", bytes(32))
    text = f"{TEXT}\n".encode()
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=bytes(32)), other)
    assert note.startswith(text)
    with pytest.raises(VerificationFailed, match=r"of 'estate\.example/ledger', expected 'other\.example/log'"):
        trust_log(other.vkey).open(note)


def test_a_policy_without_a_log_accepts_nothing_by_itself() -> None:
    with pytest.raises(VerificationFailed, match="the policy names no log"):
        policy("quorum none").open(NOTE)


def test_octets_that_are_no_utf_8_are_names_like_others() -> None:
    text = (
        f"log {KEY.vkey}\nwitness ".encode()
        + b"\xff\xe2 "
        + f"{WITNESSES['x1'].vkey}\nquorum ".encode()
        + b"\xff\xe2\n"
    )
    found = parse_policy(text)
    assert found.told_quorum == "\\xff\\xe2"
    assert found.open(cosigned([WITNESSES["x1"]])).cosignatures[0].name == b"\xff\xe2"


def test_at_least_32_of_each_kind_are_accepted() -> None:
    keys = [FileKey(f"k{n}", bytes([n] * 32), KeyKind.ED25519_COSIGNATURE) for n in range(64)]
    lines = [f"log {FileKey(f'l{n}', bytes([n] * 32)).vkey}" for n in range(64)]
    lines += [f"witness w{n} {key.vkey}" for n, key in enumerate(keys)]
    lines += [f"group g{n} any w{n}" for n in range(64)]
    lines += [f"group all 32 {' '.join(f'g{n}' for n in range(64))}", "quorum all"]
    assert len(policy("\n".join(lines)).groups) == 65


def test_a_policy_without_bounds_is_refused() -> None:
    with pytest.raises(TrustInvalid, match="expected at most 1048576"):
        parse_policy(b"#" * (1 << 21))


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_reading_arbitrary_bytes_says_what_is_wrong_and_no_more(data: bytes) -> None:
    with pytest.raises(TrustInvalid):
        parse_policy(data)


@pytest.mark.parametrize("vkey", ["", "a", "a+00000000+AA==", WITNESSES["x1"].vkey, KEY.vkey[:-4]])
def test_what_is_no_log_s_key_is_trusted_by_nobody(vkey: str) -> None:
    with pytest.raises(TrustInvalid, match="no log's verifier key"):
        trust_log(vkey)
