# SPDX-License-Identifier: Apache-2.0
"""A witness asked by honest logs, forked ones and fools, in any order: every status is the one the oracle expects."""

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import tree
from tests.oracle.notes import open_note, read_head, read_key
from tests.oracle.witness import Witness

from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.signing.keys import FileKey
from freehold.witness.protocol.request import write_request
from freehold.witness.serving.home import Home, make_home, watch

KEYS = [FileKey("log.example/one", bytes(32)), FileKey("log.example/two", bytes(31) + b"\x01")]
STRANGER = FileKey("log.example/one", bytes(31) + b"\x02")
UNKNOWN = FileKey("log.example/three", bytes(31) + b"\x03")
HONEST = [tree.leaf(b"entry %d" % number) for number in range(12)]
FORKED = [*HONEST[:4], *(tree.leaf(b"forged %d" % number) for number in range(4, 12))]
AT_UNIX = 1_800_000_000


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request: mostly what a log would send that is honest, or forked after four entries, or behind."""
    leaves = draw(st.sampled_from([HONEST, HONEST, FORKED]))
    size = draw(st.integers(0, len(leaves)))
    old = draw(st.integers(0, size) | st.integers(0, 13))
    proof = tree.proof(old, leaves[:size]) if 0 < old <= size else []
    match draw(st.sampled_from(["right", "right", "right", "right", "longer", "shorter", "root", "size", "body"])):
        case "longer":
            proof = [*proof, bytes(32)]
        case "shorter":
            proof = proof[:-1]
        case "root":
            leaves = [bytes(32), *leaves]
        case "size":
            size += 1
        case "body":
            return draw(st.sampled_from([b"", b"old 0\n\n", b"old 00\n\nx\n", b"new 0\n\n", b"old 0\nAAAA\n\n"]))
    signer = draw(st.sampled_from([*KEYS, *KEYS, STRANGER, UNKNOWN]))
    head = Checkpoint(origin=signer.name, size=size, root=tree.mth(leaves[:size]))
    return write_request(old, proof, sign_checkpoint(head, signer))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(requests(), max_size=12))
def test_every_answer_is_the_one_that_the_specification_asks_for(tmp_path: Path, asked: list[bytes]) -> None:
    directory = tmp_path / "witness"
    shutil.rmtree(directory, ignore_errors=True)
    make_home(directory, name="witness.example/w1", key_type="ed25519")
    for key in KEYS:
        watch(directory, key.vkey)
    oracle = Witness(logs={key.name.encode(): [read_key(key.vkey)] for key in KEYS})
    home = Home(directory, now_unix=lambda: AT_UNIX)
    cosigner = read_key(home.vkey)
    try:
        for body in asked:
            answer = home.witness.add_checkpoint(body)
            status, said = oracle.add_checkpoint(body)
            assert answer.status == status
            if status == 409:
                assert (answer.body.encode(), answer.media) == (said, "text/x.tlog.size")
            if status == 200:
                note = body.partition(b"\n\n")[2]
                text, signed = open_note(note + answer.body.encode(), [cosigner])
                assert signed == {cosigner: AT_UNIX}
                assert oracle.latest[read_head(text).origin] == (read_head(text).size, read_head(text).root)
    finally:
        home.close()
