# SPDX-License-Identifier: Apache-2.0
"""A copy of a log holds all that a verifier needs, the same bytes each time, and nothing that is not proved."""

import hashlib
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.ledger_builder import KEY, FailingDisk, append, open_log, write_log
from tests.witness_builder import AT_UNIX, WITNESS_KEY, text_of

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.public.archive import Exported, LogCopy
from freehold.ledger.tree.checkpoint import Checkpoint, sign_checkpoint
from freehold.ledger.tree.store import LedgerFiles
from freehold.ledger.writing.disk import Disk
from freehold.ledger.writing.pruning import prunable, raise_minimum, remove
from freehold.signing.cosignature import cosign

ENTRIES = [b'{"n":%d}' % index for index in range(600)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log"), ENTRIES)


@pytest.fixture
def log(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "ledger")


def copy(log: Path, target: Path, policy: str = "") -> Exported:
    return LogCopy(log, KEY.vkey, policy).write(target)


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_copy_verifies_by_itself_and_has_nothing_of_the_writers(log: Path, tmp_path: Path) -> None:
    exported = copy(log, tmp_path / "copy")
    found = contents(tmp_path / "copy")
    assert set(found) == {
        "checkpoint",
        "ledger.vkey",
        "tlog-policy",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    }
    assert (exported.files, exported.size_bytes) == (len(found), sum(map(len, found.values())))
    policy = parse_policy(found["tlog-policy"])
    assert verify_ledger(tmp_path / "copy", policy).size == 600
    assert found["ledger.vkey"].decode() == f"{KEY.vkey}\n"


def test_the_same_log_gives_the_same_bytes_wherever_it_is_written(log: Path, tmp_path: Path) -> None:
    one, two = copy(log, tmp_path / "one.tar"), copy(log, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    assert one.sha256 == two.sha256 == hashlib.sha256((tmp_path / "one.tar").read_bytes()).hexdigest()
    copy(log, tmp_path / "folder")
    with tarfile.open(tmp_path / "one.tar") as tar:
        tar.extractall(tmp_path / "untarred", filter="data")
        assert {(item.uid, item.mtime, item.mode) for item in tar} == {(0, 0, 0o644)}
    assert contents(tmp_path / "untarred") == contents(tmp_path / "folder")


def test_narrower_forms_that_the_log_has_kept_do_not_matter(tmp_path: Path) -> None:
    log = open_log(tmp_path / "other", disk=FailingDisk())
    for at in range(0, 600, 100):
        append(log, ENTRIES[at : at + 100])
        log.publish()
    log.close()
    copy(tmp_path / "other/ledger", tmp_path / "one")
    copy(write_log(tmp_path / "at-once", ENTRIES), tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_damaged_tile_is_derived_anew_and_a_damaged_entry_is_not_given_out(log: Path, tmp_path: Path) -> None:
    (log / "tile/0/001").write_bytes(bytes(8192))
    copy(log, tmp_path / "copy")
    assert verify_ledger(tmp_path / "copy", KEY.vkey).size == 600
    bundle = log / "tile/entries/001"
    bundle.write_bytes(bundle.read_bytes().replace(b'{"n":300}', b'{"n":301}'))
    with pytest.raises(VerificationFailed, match="the entries lead to root"):
        copy(log, tmp_path / "forged")
    assert not [path for path in tmp_path.iterdir() if "forged" in path.name]


def test_a_path_that_is_taken_stays_as_it_is(log: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/mine").write_bytes(b"mine")
    with pytest.raises(EstateError, match="is there already"):
        copy(log, tmp_path / "taken")
    assert contents(tmp_path / "taken") == {"mine": b"mine"}
    (tmp_path / "empty").mkdir()
    copy(log, tmp_path / "empty")
    with pytest.raises(EstateError, match="cannot be written"):
        copy(log, tmp_path / "no/such/folder")


def test_with_witnesses_the_copy_is_of_what_they_signed_and_its_policy_asks_for_them(log: Path, tmp_path: Path) -> None:
    policy = f"log {KEY.vkey}\nwitness one {WITNESS_KEY.vkey}\nquorum one\n"
    nobody = copy(log, tmp_path / "nobody", policy)
    assert (nobody.size, nobody.cosigned) == (600, False)
    assert contents(tmp_path / "nobody")["tlog-policy"].endswith(b"\nquorum none\n")
    older = sign_checkpoint(Checkpoint(origin=KEY.name, size=512, root=LedgerFiles(log).edge(512).root), KEY)
    (log / "checkpoint.cosigned").write_bytes(older)
    assert copy(log, tmp_path / "too-few", policy).size == 600
    cosigned = older + cosign(text_of(older), WITNESS_KEY, AT_UNIX).encode()
    (log / "checkpoint.cosigned").write_bytes(cosigned)
    exported = copy(log, tmp_path / "copy", policy)
    assert (exported.size, exported.cosigned) == (512, True)
    found = contents(tmp_path / "copy")
    assert (found["checkpoint"], "tile/entries/002.p/88" in found) == (cosigned, False)
    trusted = parse_policy(found["tlog-policy"])
    assert (trusted.asks_witnesses, verify_ledger(tmp_path / "copy", trusted).cosigned_size) == (True, 512)
    assert copy(log, tmp_path / "newest").size == 600
    assert copy(log, tmp_path / "no-more", f"log {KEY.vkey}\nquorum none\n").size == 600


def test_a_pruned_log_is_copied_from_its_minimum_index_on(log: Path, tmp_path: Path) -> None:
    raise_minimum(log, Disk(), 300)
    remove(log, Disk(), prunable(log, 300))
    exported = copy(log, tmp_path / "copy")
    assert exported.minimum_index == 300
    found = contents(tmp_path / "copy")
    assert found["minimum-index"] == b"300\n"
    assert "tile/entries/000" not in found
    assert "tile/entries/001" in found
    assert verify_ledger(tmp_path / "copy", KEY.vkey).minimum_index == 300
