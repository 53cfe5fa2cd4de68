# SPDX-License-Identifier: Apache-2.0
"""A witness, request by request: every status of c2sp.org/tlog-witness, and what it remembers."""

import errno
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from tests.ledger_builder import Dead, FailingDisk
from tests.witness_builder import (
    AT_UNIX,
    LOG_KEY,
    ML_DSA_KEY,
    ORIGIN,
    OTHER_LOG_KEY,
    STRANGER_KEY,
    ToyLog,
    b64,
    text_of,
)

from freehold.errors import EstateError, VerificationFailed
from freehold.ledger.tree.checkpoint import Checkpoint, read_unverified, sign_checkpoint
from freehold.ledger.writing.disk import Disk
from freehold.signing.cosignature import cosign, parse_cosigner
from freehold.signing.note import open_note, parse_note, parse_signature_line, parse_vkey, sign_note
from freehold.witness.protocol.request import write_request
from freehold.witness.serving.home import Home, make_home, watch
from freehold.witness.serving.memory import hash_of
from freehold.witness.serving.service import Answer, Witness

LOG = ToyLog()
FORK = ToyLog(fork=3)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "witness"
    make_home(made, name="witness.example/w1", key_type="ed25519")
    watch(made, LOG_KEY.vkey)
    return made


@pytest.fixture
def home(directory: Path) -> Iterator[Home]:
    opened = open_home(directory)
    yield opened
    opened.close()


@pytest.fixture
def witness(home: Home) -> Witness:
    return home.witness


def open_home(directory: Path, disk: Disk | None = None) -> Home:
    return Home(directory, now_unix=lambda: AT_UNIX, disk=disk)


def cosigned_at(home: Home, answer: Answer, note: bytes) -> int | None:
    line = parse_signature_line(answer.body.removesuffix("\n"))
    cosigner = parse_cosigner(home.vkey)
    assert (line.name, line.key_id) == (cosigner.name, cosigner.key_id)
    return cosigner.verified_at(text_of(note), line.signature)


def test_the_first_checkpoint_of_a_log_is_cosigned(home: Home) -> None:
    answer = home.witness.add_checkpoint(LOG.request(0, 5))
    assert answer.status == 200
    assert cosigned_at(home, answer, LOG.checkpoint(5)) == AT_UNIX


@pytest.mark.parametrize("key_type", ["ed25519", "ml-dsa-44"])
def test_either_type_of_key_cosigns(tmp_path: Path, key_type: str) -> None:
    make_home(tmp_path, name="witness.example/w2", key_type=key_type)
    watch(tmp_path, LOG_KEY.vkey)
    home = open_home(tmp_path)
    assert cosigned_at(home, home.witness.add_checkpoint(LOG.request(0, 5)), LOG.checkpoint(5)) == AT_UNIX
    home.close()
    open_home(tmp_path).close()  # it knows its own signature again


@pytest.mark.parametrize(("old", "new"), [(1, 2), (1, 8), (4, 7), (5, 5), (6, 300), (256, 257), (0, 0)])
def test_a_log_that_grows_is_cosigned_again(witness: Witness, old: int, new: int) -> None:
    assert witness.add_checkpoint(LOG.request(0, old)).status == 200
    assert witness.add_checkpoint(LOG.request(old, new)).status == 200


def test_the_same_checkpoint_may_be_cosigned_again_by_whoever_missed_the_answer(witness: Witness) -> None:
    witness.add_checkpoint(LOG.request(0, 5))
    assert witness.add_checkpoint(LOG.request(5, 5)).status == 200


def test_signatures_of_others_are_ignored_and_not_kept(home: Home) -> None:
    note = LOG.checkpoint(5) + sign_note(text_of(LOG.checkpoint(5)), STRANGER_KEY).rpartition(b"\n\n")[2]
    assert home.witness.add_checkpoint(write_request(0, (), note)).status == 200
    kept = home.witness.checkpoint(hash_of(ORIGIN)).body
    assert len(parse_note(kept.encode()).signatures) == 2, "the log's and the witness's own"


def test_extension_lines_are_cosigned_with_the_rest(home: Home) -> None:
    note = LOG.checkpoint(5, extensions=("something more",))
    answer = home.witness.add_checkpoint(write_request(0, (), note))
    assert cosigned_at(home, answer, note) == AT_UNIX


def test_many_signatures_of_the_log_are_taken(directory: Path) -> None:
    rotated = ToyLog(STRANGER_KEY)
    watch(directory, STRANGER_KEY.vkey)
    home = open_home(directory)
    note = LOG.checkpoint(5) + rotated.checkpoint(5).rpartition(b"\n\n")[2]
    assert home.witness.add_checkpoint(write_request(0, (), note)).status == 200
    assert home.witness.add_checkpoint(rotated.request(5, 6)).status == 200, "either key will do"
    home.close()


def test_a_log_that_signs_with_ml_dsa_44_can_be_watched(directory: Path) -> None:
    watch(directory, ML_DSA_KEY.vkey)
    home = open_home(directory)
    text = text_of(sign_checkpoint(Checkpoint(origin=ML_DSA_KEY.name, size=4, root=LOG.root(4)), LOG_KEY))
    note = f"{text}\n{cosign(text, ML_DSA_KEY, 1)}".encode()
    assert home.witness.add_checkpoint(write_request(0, (), note)).status == 200
    assert home.witness.add_checkpoint(write_request(4, (), note[:-8] + b"AAAAAAA\n")).status in {400, 403}
    home.close()


def test_an_unknown_origin_is_404(witness: Witness) -> None:
    assert witness.add_checkpoint(ToyLog(OTHER_LOG_KEY).request(0, 5)).status == 404


def test_an_unknown_key_is_403(witness: Witness) -> None:
    assert witness.add_checkpoint(ToyLog(STRANGER_KEY).request(0, 5)).status == 403


def test_a_signature_of_the_log_that_does_not_hold_is_403_even_beside_one_that_does(witness: Witness) -> None:
    other = LOG.checkpoint(6).rpartition(b"\n\n")[2]
    assert witness.add_checkpoint(write_request(0, (), LOG.checkpoint(5) + other)).status == 403


def test_an_old_size_beyond_the_checkpoint_is_400(witness: Witness) -> None:
    witness.add_checkpoint(LOG.request(0, 9))
    assert witness.add_checkpoint(LOG.request(9, 5, proof=())).status == 400


def test_another_old_size_is_409_with_the_size_that_was_cosigned(witness: Witness) -> None:
    before = witness.add_checkpoint(LOG.request(3, 9))
    assert (before.status, before.body, before.media) == (409, "0\n", "text/x.tlog.size")
    witness.add_checkpoint(LOG.request(0, 5))
    for old in (0, 3, 6):
        answer = witness.add_checkpoint(LOG.request(old, 9))
        assert (answer.status, answer.body, answer.media) == (409, "5\n", "text/x.tlog.size")


@pytest.mark.parametrize(
    "body",
    [
        LOG.request(0, 0).replace(b64(LOG.root(0)).encode(), b64(bytes(32)).encode()),
    ],
)
def test_a_checkpoint_changed_after_it_was_signed_is_403(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 403


def test_an_empty_tree_with_another_root_is_422(witness: Witness) -> None:
    note = LOG.checkpoint(0, root=bytes(32))
    assert witness.add_checkpoint(write_request(0, (), note)).status == 422


def test_a_proof_from_size_zero_is_422(witness: Witness) -> None:
    assert witness.add_checkpoint(LOG.request(0, 5, proof=(bytes(32),))).status == 422


@pytest.mark.parametrize(
    "body",
    [
        FORK.request(5, 9),
        LOG.request(5, 9, proof=()),
        LOG.request(5, 9, proof=LOG.proof(5, 9)[:-1]),
        LOG.request(5, 9, proof=[*LOG.proof(5, 9), bytes(32)]),
        LOG.request(5, 9, proof=LOG.proof(4, 9)),
        LOG.request(5, 5, proof=(bytes(32),)),
    ],
    ids=["fork", "no proof", "short", "long", "of another size", "where none is needed"],
)
def test_a_proof_that_does_not_hold_is_422_and_changes_nothing(witness: Witness, body: bytes) -> None:
    witness.add_checkpoint(LOG.request(0, 5))
    assert witness.add_checkpoint(body).status == 422
    assert witness.add_checkpoint(LOG.request(5, 9)).status == 200


def test_a_split_view_is_422_and_both_checkpoints_are_kept(directory: Path, home: Home) -> None:
    home.witness.add_checkpoint(LOG.request(0, 5))
    assert home.witness.add_checkpoint(FORK.request(5, 5)).status == 422
    kept = sorted((directory / "evidence" / hash_of(ORIGIN) / "5").iterdir())
    assert {path.name for path in kept} == {LOG.root(5).hex(), FORK.root(5).hex()}
    for path in kept:
        note = path.read_bytes()
        open_note(note, [parse_vkey(LOG_KEY.vkey)])
        assert read_unverified(note).root.hex() == path.name


def test_a_split_view_is_kept_whatever_the_old_size_says(directory: Path, home: Home) -> None:
    home.witness.add_checkpoint(LOG.request(0, 5))
    assert home.witness.add_checkpoint(FORK.request(2, 5)).status == 409
    assert len(list((directory / "evidence" / hash_of(ORIGIN) / "5").iterdir())) == 2


def test_evidence_is_bounded(directory: Path, home: Home) -> None:
    home.witness.add_checkpoint(LOG.request(0, 5))
    for fork in range(100):
        note = LOG.checkpoint(5, root=fork.to_bytes(32))
        assert home.witness.add_checkpoint(write_request(5, (), note)).status == 422
    assert sum(path.is_file() for path in (directory / "evidence").rglob("*")) <= 65


def test_a_monitor_gets_the_log_s_signature_and_the_cosignature(home: Home) -> None:
    assert home.witness.checkpoint(hash_of(ORIGIN)).status == 404
    home.witness.add_checkpoint(LOG.request(0, 5))
    answer = home.witness.checkpoint(hash_of(ORIGIN))
    assert answer.status == 200
    note = open_note(answer.body.encode(), [parse_vkey(LOG_KEY.vkey)])
    assert parse_cosigner(home.vkey).verified_at(note.text, note.signatures[-1].signature) == AT_UNIX


def test_it_remembers_after_a_restart(directory: Path) -> None:
    home = open_home(directory)
    home.witness.add_checkpoint(LOG.request(0, 5))
    home.close()
    again = open_home(directory)
    assert again.witness.add_checkpoint(FORK.request(0, 9)).body == "5\n"
    assert again.witness.add_checkpoint(LOG.request(5, 9)).status == 200
    again.close()


def test_a_directory_that_is_no_witness_s_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="there is no witness") as caught:
        open_home(tmp_path)
    assert "witness init" in caught.value.advice


def test_a_witness_is_made_once_and_one_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    vkey = make_home(tmp_path, name="witness.example/w1", key_type="ed25519")
    with pytest.raises(EstateError, match=r"a witness in .* already"):
        make_home(tmp_path, name="witness.example/w1", key_type="ed25519")
    (tmp_path / "logs").unlink()
    assert make_home(tmp_path, name="witness.example/w1", key_type="ed25519") == vkey
    assert (tmp_path / "witness.key").stat().st_mode & 0o777 == 0o600


def test_two_processes_in_one_directory_are_refused(directory: Path, home: Home) -> None:
    with pytest.raises(EstateError, match="another process"):
        open_home(directory)


def test_a_memory_that_was_changed_stops_the_start(directory: Path) -> None:
    home = open_home(directory)
    home.witness.add_checkpoint(LOG.request(0, 5))
    home.close()
    path = directory / "seen" / hash_of(ORIGIN)
    path.write_bytes(path.read_bytes().replace(b"\n5\n", b"\n4\n"))
    with pytest.raises(VerificationFailed, match="not a checkpoint that this witness has cosigned"):
        open_home(directory)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_refuses_gets_no_cosignature_and_the_witness_goes_on_when_it_is_well(
    directory: Path, error: int
) -> None:
    for step in range(6):
        disk = FailingDisk()
        disk.error = error
        home = open_home(directory, disk)
        size = 10 * (step + 1)
        old = 10 * step
        disk.fail_after(step % 4)
        refused = home.witness.add_checkpoint(LOG.request(old, size))
        disk.heal()
        assert refused.status in {200, 503}
        if refused.status == 503:
            assert home.witness.add_checkpoint(LOG.request(old, size)).status == 200
        home.close()


def test_killed_anywhere_it_never_cosigns_two_trees_of_a_size(directory: Path) -> None:
    """Whatever was answered before the kill is still held to; whether the unanswered one is remembered is open."""
    home = open_home(directory)
    assert home.witness.add_checkpoint(LOG.request(0, 5)).status == 200
    home.close()
    for step in range(5):
        home = open_home(directory, FailingDisk(at=step))
        answered = False
        with suppress(Dead):
            answered = home.witness.add_checkpoint(LOG.request(5, 9)).status == 200
        home.close()
        again = open_home(directory)
        forked = again.witness.add_checkpoint(FORK.request(5, 9))
        assert forked.status in ({409} if answered else {409, 422})
        again.close()
        (directory / "seen" / hash_of(ORIGIN)).unlink()
        home = open_home(directory)
        home.witness.add_checkpoint(LOG.request(0, 5))
        home.close()


def test_of_many_requests_at_once_exactly_one_is_first_and_none_goes_back(home: Home) -> None:
    home.witness.add_checkpoint(LOG.request(0, 5))
    start = threading.Barrier(8)

    def ask(size: int) -> int:
        start.wait()
        return home.witness.add_checkpoint(LOG.request(5, size)).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(ask, range(6, 14)))
    assert sorted(statuses) == [200, *[409] * 7]


def test_a_log_that_is_added_is_watched_at_once(directory: Path, witness: Witness) -> None:
    other = ToyLog(OTHER_LOG_KEY)
    assert witness.add_checkpoint(other.request(0, 5)).status == 404
    watch(directory, OTHER_LOG_KEY.vkey)
    assert witness.add_checkpoint(other.request(0, 5)).status == 200


def test_a_list_of_logs_that_breaks_leaves_the_logs_as_they_were(directory: Path, witness: Witness) -> None:
    with (directory / "logs").open("a") as file:
        file.write("log nonsense\n")
    assert witness.add_checkpoint(LOG.request(0, 5)).status == 200
