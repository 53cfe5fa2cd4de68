# SPDX-License-Identifier: Apache-2.0
"""Product and oracle, side by side: the same roots, the same proofs, the same verdict on whatever was damaged."""

import shutil
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger_builder import KEY, ORIGIN, act_bytes, admission_bytes, outcome_bytes, write_log
from tests.oracle import tree
from tests.oracle.notes import open_note, read_head, read_key
from tests.oracle.policies import Policy
from tests.oracle.proofs import check_proof, read_proof
from tests.oracle.receipts import canonical, check_receipt, commitment, read_json
from tests.oracle.refused import Refused
from tests.oracle.tiles import number_path, read_log, split_bundle

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check import receipt
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.record.commitment import answer_commitment, request_commitment
from freehold.ledger.record.entry import is_canonical
from freehold.ledger.tree import layout, merkle
from freehold.ledger.tree.bundle import join_entries, split_entries
from freehold.ledger.tree.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from freehold.ledger.tree.growth import Edge, grow
from freehold.ledger.tree.proof import TlogProof, write_proof
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing import note
from freehold.signing.keys import FileKey

VERIFIER = note.parse_vkey(KEY.vkey)
ORACLE_KEY = read_key(KEY.vkey)
POLICY = Policy(logs=[ORACLE_KEY])
GOLDEN = Path(__file__).parents[1] / "golden" / "v0.1" / "ledger"
quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def holds(check: Callable[[], object]) -> bool:
    """The verdict of either side."""
    try:
        check()
    except (Refused, VerificationFailed, EstateError):
        return False
    return True


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 entries: two full bundles and a partial one, written by the product."""
    calls = [data for n in range(200) for data in (admission_bytes(f"call-{n}"), outcome_bytes(3 * n, f"call-{n}"))]
    acts = [act_bytes(f"act-{n}") for n in range(200)]
    entries = [entry for n in range(200) for entry in (calls[2 * n], acts[n], calls[2 * n + 1])]
    return write_log(tmp_path_factory.mktemp("log"), entries)


@quick
@given(st.lists(st.integers(0, 600), max_size=5), st.binary(max_size=20))
def test_a_log_that_grew_in_steps_is_the_same_log_to_both(tmp_path: Path, steps: list[int], seed: bytes) -> None:
    directory = tmp_path / "grown"
    shutil.rmtree(directory, ignore_errors=True)
    edge = Edge()
    for step in steps:
        growth = grow(edge, [seed + struct.pack(">I", edge.size + n) for n in range(step)])
        for path, data in growth.files:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(data)
        edge = growth.edge
    directory.mkdir(exist_ok=True)
    signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=edge.size, root=edge.root), KEY)
    (directory / "checkpoint").write_bytes(signed)
    whole = read_log(directory, [ORACLE_KEY])
    report = verify_ledger(directory, KEY.vkey)
    assert (whole.head.size, whole.head.root.hex()) == (report.size, report.root)
    assert whole.entries == tuple(entry for _, entry in LedgerFiles(directory).entries(0, edge.size))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_proofs_from_tiles_are_the_recursive_ones(log: Path, data: st.DataObject) -> None:
    leaves = read_log_once(log)
    files = LedgerFiles(log)
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    subtree = files.subtree(len(leaves))
    root = tree.mth(leaves[:size])
    assert merkle.root(size, subtree) == root
    included = merkle.inclusion_proof(index, size, subtree)
    assert included == tree.path(index, leaves[:size])
    assert tree.root_by_path(index, size, leaves[index], included) == root
    consistent = merkle.consistency_proof(old, size, subtree)
    assert consistent == tree.proof(old, leaves[:size])
    tree.check_consistency(old, tree.mth(leaves[:old]), size, root, consistent)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_proof_is_judged_alike(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    leaves = [tree.leaf(bytes([n])) for n in range(size)]
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    roots = tree.mth(leaves[:old]), tree.mth(leaves)
    path = damaged_list(data, tree.path(index, leaves))
    proof = damaged_list(data, tree.proof(old, leaves))
    index, size = index + data.draw(st.integers(-1, 1)), size + data.draw(st.integers(-1, 1))
    leaf = leaves[min(max(index, 0), len(leaves) - 1)]
    try:
        led_to = tree.root_by_path(index, size, leaf, path)
    except Refused:
        led_to = None
    assert merkle.root_from_inclusion(leaf, index, size, path) == led_to
    assert merkle.is_consistent(old, roots[0], size, roots[1], proof) == holds(
        lambda: tree.check_consistency(old, roots[0], size, roots[1], proof)
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_log_is_judged_alike(tmp_path: Path, data: st.DataObject) -> None:
    directory = tmp_path / "ledger"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(GOLDEN / "ledger", directory)
    path = data.draw(st.sampled_from(sorted(_files_under_checkpoint(directory))))
    path.write_bytes(damaged(data, path.read_bytes()))
    ours = holds(lambda: verify_ledger(directory, KEY.vkey))
    assert ours == holds(lambda: read_log(directory, [ORACLE_KEY]))
    assert ours == (path.read_bytes() == (GOLDEN / path.relative_to(tmp_path)).read_bytes())


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_note_is_judged_alike(data: st.DataObject) -> None:
    other = FileKey("other.example/log", bytes(31) + b"\x01")
    signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=7, root=bytes(32), extensions=("more",)), KEY)
    text, _, line = note.sign_note(signed.decode().partition("\n\n")[0] + "\n", other).decode().rpartition("\n\n")
    assert text
    whole = damaged(data, signed + line.encode())
    keys = data.draw(st.sampled_from([[KEY], [other], [KEY, other]]))
    ours = holds(lambda: note.open_note(whole, [note.parse_vkey(key.vkey) for key in keys]))
    assert ours == holds(lambda: open_note(whole, [read_key(key.vkey) for key in keys]))
    assert holds(lambda: open_checkpoint(whole, VERIFIER)) == holds(lambda: _head_of_ours(whole))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_tlog_proof_is_judged_alike(data: st.DataObject) -> None:
    entries = [bytes([n]) * n for n in range(9)]
    leaves = [tree.leaf(entry) for entry in entries]
    signed = sign_checkpoint(Checkpoint(origin=ORIGIN, size=9, root=tree.mth(leaves)), KEY)
    index = data.draw(st.integers(0, 8))
    whole = TlogProof(index=index, hashes=tuple(tree.path(index, leaves)), checkpoint=signed, extra=entries[index])
    text = damaged(data, write_proof(whole).encode()).decode("utf-8", "replace")
    ours = holds(lambda: receipt.open_tlog_proof(text, KEY.vkey, entries[index]))
    assert ours == holds(lambda: check_proof(read_proof(text.encode()), entries[index], POLICY))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_receipt_is_judged_alike(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["call", "open", "refusal", "act"]))
    whole = damaged(data, (GOLDEN / f"{name}.receipt.json").read_bytes())
    assert holds(lambda: receipt.check_receipt(whole, KEY.vkey)) == holds(lambda: check_receipt(whole, POLICY))


@pytest.mark.parametrize("name", ["call", "open", "refusal", "act"])
def test_receipts_are_judged_alike(name: str) -> None:
    data = (GOLDEN / f"{name}.receipt.json").read_bytes()
    parts = check_receipt(data, POLICY)
    checked = receipt.check_receipt(data, KEY.vkey)
    assert {part for part in parts if getattr(checked, part) is not None} == set(parts)


def test_a_golden_log_is_the_same_log_to_both() -> None:
    whole = read_log(GOLDEN / "ledger", [ORACLE_KEY])
    assert verify_ledger(GOLDEN / "ledger", KEY.vkey).root == whole.head.root.hex()
    assert all(canonical(read_json(entry)) == entry and is_canonical(entry) for entry in whole.entries)


@given(st.lists(st.binary(max_size=300), max_size=20), st.binary(max_size=5))
def test_bundles_are_split_alike(entries: list[bytes], tail: bytes) -> None:
    data = join_entries(entries) + tail
    try:
        naive: list[bytes] | None = split_bundle(data)
    except Refused:
        naive = None
    assert split_entries(data) == naive


@given(st.integers(0, 10**12))
def test_numbers_are_spread_over_directories_alike(number: int) -> None:
    assert layout.bundle_path(number) == f"tile/entries/{number_path(number)}"


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_commitments_are_the_same(salt: bytes, body: bytes) -> None:
    assert request_commitment(salt, body) == commitment(salt, "request", body)
    assert answer_commitment(salt, body) == commitment(salt, "answer", body)


def damaged(data: st.DataObject, whole: bytes) -> bytes:
    """One small harm, or none: a bit, a byte put in, bytes taken out, a line moved, an ending."""
    kind = data.draw(st.sampled_from(["none", "bit", "insert", "cut", "lines", "tail"]))
    at = data.draw(st.integers(0, max(0, len(whole) - 1)))
    match kind:
        case "bit" if whole:
            return whole[:at] + bytes([whole[at] ^ 1 << data.draw(st.integers(0, 7))]) + whole[at + 1 :]
        case "insert":
            octets = data.draw(st.sampled_from([b"\n", b" ", b"\r", b"\t", b"\x7f", b"\x00", b"+", "\u2003".encode()]))
            return whole[:at] + octets + whole[at:]
        case "cut":
            return whole[:at] + whole[at + data.draw(st.integers(1, 40)) :]
        case "lines":
            return b"\n".join(data.draw(st.permutations(whole.split(b"\n"))))
        case "tail":
            return whole + data.draw(st.binary(max_size=3))
    return whole


def damaged_list(data: st.DataObject, hashes: Sequence[bytes]) -> list[bytes]:
    kind = data.draw(st.sampled_from(["none", "changed", "longer", "shorter", "turned"]))
    match kind:
        case "changed" if hashes:
            at = data.draw(st.integers(0, len(hashes) - 1))
            return [*hashes[:at], bytes(32), *hashes[at + 1 :]]
        case "longer":
            return [*hashes, bytes(32)]
        case "shorter":
            return list(hashes[:-1])
        case "turned":
            return list(reversed(hashes))
    return list(hashes)


_leaves: dict[Path, tuple[bytes, ...]] = {}


def read_log_once(directory: Path) -> tuple[bytes, ...]:
    if directory not in _leaves:
        _leaves[directory] = read_log(directory, [ORACLE_KEY]).leaves
    return _leaves[directory]


def _head_of_ours(whole: bytes) -> None:
    text, _ = open_note(whole, [ORACLE_KEY])
    if read_head(text).origin != ORIGIN.encode():
        raise Refused("of another origin")


def _files_under_checkpoint(directory: Path) -> list[Path]:
    return [directory / "checkpoint", *(path for path in (directory / "tile").rglob("*") if path.is_file())]
