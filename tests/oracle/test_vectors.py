# SPDX-License-Identifier: Apache-2.0
"""What others published, held against the oracle and against the product: vectors/README.md says where it is from."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.oracle import tree
from tests.oracle.notes import open_note, read_head, read_key, split
from tests.oracle.policies import accept, read_policy
from tests.oracle.refused import Refused
from tests.oracle.tiles import number_path, partial_width, read_log

from freehold.errors import VerificationFailed
from freehold.ledger.tree import layout, merkle
from freehold.ledger.tree.bundle import split_entries
from freehold.ledger.tree.checkpoint import open_checkpoint, read_unverified
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing import note

VECTORS = Path(__file__).parent / "vectors"
TESSERA_VKEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
SPEC_COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()
SPEC_PROOF_6962 = {  # §2.1.3: the nodes a to l of the tree over d0 to d6, by the ranges that they span
    "a": (0, 1), "b": (1, 2), "c": (2, 3), "d": (3, 4), "e": (4, 5), "f": (5, 6), "j": (6, 7),
    "g": (0, 2), "h": (2, 4), "i": (4, 6), "k": (0, 4), "l": (4, 7),
}  # fmt: skip
D7 = [f"d{number}".encode() for number in range(7)]


def probes(kind: str) -> list[Any]:
    lines = (VECTORS / f"{kind}.jsonl").read_text().splitlines()
    return [pytest.param(probe, id=probe["name"]) for probe in map(json.loads, lines)]


def unpack(encoded: str | None) -> bytes:
    return base64.b64decode(encoded or "")


@pytest.mark.parametrize("probe", probes("inclusion"))
def test_inclusion_proofs_of_the_reference_tree(probe: dict[str, Any]) -> None:
    index, size, leaf = probe["leafIdx"], probe["treeSize"], unpack(probe["leafHash"])
    root, hashes = unpack(probe["root"]), [unpack(one) for one in probe["proof"] or []]
    try:
        naive = tree.root_by_path(index, size, leaf, hashes) == root and len(leaf) == 32
    except Refused:
        naive = False
    assert naive is not probe["wantErr"]
    if len(leaf) == 32:  # what hashes a leaf gives no other length
        assert (merkle.root_from_inclusion(leaf, index, size, hashes) == root) is not probe["wantErr"]


@pytest.mark.parametrize("probe", probes("consistency"))
def test_consistency_proofs_of_the_reference_tree(probe: dict[str, Any]) -> None:
    if probe["name"] == "consistency/additional/size1-is-zero-and-size2-is-not-zero":
        probe = {**probe, "wantErr": False}  # tlog-witness, add-checkpoint: the empty tree is consistent with any tree
    old, new = (probe["size1"], unpack(probe["root1"])), (probe["size2"], unpack(probe["root2"]))
    hashes = [unpack(one) for one in probe["proof"] or []]
    try:
        tree.check_consistency(*old, *new, hashes)
        naive = True
    except Refused:
        naive = False
    assert naive is not probe["wantErr"]
    assert merkle.is_consistent(*old, *new, hashes) is not probe["wantErr"]


@pytest.mark.parametrize(("m", "nodes"), [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")])
def test_the_paths_that_rfc_6962_draws(m: int, nodes: str) -> None:
    expected = [_spanned(name) for name in nodes]
    leaves = [tree.leaf(entry) for entry in D7]
    assert tree.path(m, leaves) == expected
    assert merkle.inclusion_proof(m, 7, _subtree) == expected


@pytest.mark.parametrize(("m", "nodes"), [(3, "cdgl"), (4, "l"), (6, "ijk")])
def test_the_consistency_proofs_that_rfc_6962_draws(m: int, nodes: str) -> None:
    expected = [_spanned(name) for name in nodes]
    leaves = [tree.leaf(entry) for entry in D7]
    assert tree.proof(m, leaves) == expected
    assert merkle.consistency_proof(m, 7, _subtree) == expected


@pytest.mark.parametrize(("vkey", "data"), [(SPEC_VKEY, SPEC_NOTE), (SUMDB_VKEY, None)], ids=["C2SP", "sum.golang.org"])
def test_notes_that_others_signed(vkey: str, data: bytes | None) -> None:
    signed = data or (VECTORS / "sumdb.checkpoint").read_bytes()
    text, _ = open_note(signed, [read_key(vkey)])
    assert note.open_note(signed, [note.parse_vkey(vkey)]).text.encode() == text
    changed = signed.replace(b"e", b"a", 1)
    with pytest.raises(Refused):
        open_note(changed, [read_key(vkey)])
    with pytest.raises(VerificationFailed):
        note.open_note(changed, [note.parse_vkey(vkey)])


def test_the_checkpoint_in_the_specification_is_read_alike() -> None:
    text, lines = split(SPEC_COSIGNED)
    head, ours = read_head(text), read_unverified(SPEC_COSIGNED)
    assert (head.origin.decode(), head.size, head.root) == (ours.origin, ours.size, ours.root)
    assert int.from_bytes(lines[1].signature[:8], "big") == 1679315147  # "time 1679315147", says the text
    assert [(line.name.decode(), line.key_id, line.signature) for line in lines] == [
        (line.name, line.key_id, line.signature) for line in note.parse_note(SPEC_COSIGNED).signatures
    ]


def test_the_log_of_another_implementation_holds_at_every_size() -> None:
    log = read_log(VECTORS / "tessera", [read_key(TESSERA_VKEY)])
    assert (log.entries[0], log.entries[14]) == (b"one", b"fivten")
    files = LedgerFiles(VECTORS / "tessera")
    verifier = note.parse_vkey(TESSERA_VKEY)
    heads = [open_checkpoint((VECTORS / "tessera" / f"checkpoint.{n}").read_bytes(), verifier) for n in range(16)]
    for size, head in enumerate(heads):
        assert (head.size, head.root) == (size, tree.mth(log.leaves[:size]))
        assert merkle.root(size, files.subtree(size)) == head.root
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, files.subtree(size))
            assert tree.root_by_path(index, size, log.leaves[index], proof) == head.root
        proof = merkle.consistency_proof(size, 15, files.subtree(15))
        tree.check_consistency(size, head.root, 15, heads[15].root, proof)
    bundle = (VECTORS / "tessera" / "tile" / "entries" / "000.p" / "15").read_bytes()
    assert split_entries(bundle) == list(log.entries)


def test_a_head_that_eight_witnesses_cosigned_reaches_the_quorum_of_its_policy() -> None:
    policy = read_policy((VECTORS / "sigsum.policy").read_bytes())
    cosigned = (VECTORS / "sigsum.checkpoint").read_bytes()
    assert accept(policy, cosigned).size == 17157
    assert len(open_note(cosigned, policy.witnesses.values())[1]) == 8
    lines = cosigned.split(b"\n")
    with pytest.raises(Refused, match="the quorum is not reached"):
        accept(policy, b"\n".join(lines[:8]) + b"\n")  # the log and three witnesses


def test_a_checkpoint_that_another_implementation_signed_with_ml_dsa() -> None:
    signed = (VECTORS / "torchwood.checkpoint").read_bytes()
    key = read_key((VECTORS / "torchwood.vkey").read_text().strip())
    assert open_note(signed, [key])[1] == {key: 0}
    with pytest.raises(Refused, match="ML-DSA-44"):
        open_note(signed.replace(b"\n1\n", b"\n2\n"), [key])


def test_the_numbers_of_tlog_tiles_are_its_own() -> None:
    assert number_path(1234067) == "x001/x234/067"
    assert layout.tile_path(1, 1234067) == "tile/1/x001/x234/067"
    assert [partial_width(70_000, level) for level in range(4)] == [112, 17, 1, 0]
    tiles = list(layout.tiles_of(70_000))
    assert [sum(1 for level, _, width in tiles if (level, width) == (n, 256)) for n in range(3)] == [273, 1, 0]
    assert [width for _, _, width in tiles if width < 256] == [112, 17, 1]
    assert list(layout.tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]


def _spanned(name: str) -> bytes:
    start, end = SPEC_PROOF_6962[name]
    return tree.mth([tree.leaf(entry) for entry in D7[start:end]])


def _subtree(height: int, index: int) -> bytes:
    return tree.mth([tree.leaf(entry) for entry in D7[index << height : (index + 1) << height]])
