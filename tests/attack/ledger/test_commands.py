# SPDX-License-Identifier: Apache-2.0
"""Every asset, as an auditor would try it: with ``freehold-verify``, ``freehold ledger verify``, ``fsck``, ``receipt``.

What does not hold ends with exit code 1 and a message that says why; what is sound with 0. ``freehold-verify`` gives
2 where nothing can be told: there is no checkpoint, or no policy or salt to judge by.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.attack.ledger.log_assets import lay
from tests.attack.ledger.note_assets import broken_cosignatures, sound_notes
from tests.attack.ledger.policy_assets import sound_policies
from tests.attack.ledger.signing_by_hand import OWN
from tests.attack.ledger.test_log_defects import CHECKPOINTS, CONTENTS, DAMAGED_FILES, MINIMUM
from tests.attack.ledger.test_note_defects import KNOWS_PARIS
from tests.attack.ledger.test_note_defects import REASONS as NOTES
from tests.attack.ledger.test_policy_defects import MALFORMED, UNREACHED
from tests.attack.ledger.test_receipt_defects import BOTH, PROOFS, SOUND, UNWITNESSED
from tests.attack.ledger.test_receipt_defects import REASONS as RECEIPTS

from freehold.cli.main import main as freehold
from freehold.verify.main import main as freehold_verify

ASSETS = Path(__file__).parent / "assets"
Verify = Callable[..., tuple[int, str]]
KEY = ("--vkey", OWN.vkey)


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    """``freehold-verify``: its exit code, and all that it said."""

    def run(*arguments: object) -> tuple[int, str]:
        code = freehold_verify([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Verify:
    """``freehold ledger``: its exit code, and all that it said."""
    monkeypatch.delenv("FREEHOLD_ESTATE", raising=False)

    def run(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(freehold, ["ledger", *(str(argument) for argument in arguments)])
        return done.exit_code, done.output

    return run


@pytest.fixture
def paris(tmp_path: Path) -> Path:
    path = tmp_path / "paris.policy"
    path.write_bytes(KNOWS_PARIS)
    return path


@pytest.fixture
def both(tmp_path: Path) -> Path:
    path = tmp_path / "both.policy"
    path.write_bytes(BOTH)
    return path


def estate_with(defect: str, directory: Path) -> Path:
    """An estate that is down, and whose log has this defect; its directory."""
    (directory / "salts").mkdir(parents=True)
    (directory / "freehold.toml").write_text("")
    lay(ASSETS / "logs", defect, directory / "ledger")
    return directory


def sound_log(directory: Path) -> Path:
    return lay(ASSETS / "logs", "sound", directory / "log")


def heads(*names: str) -> list[Path]:
    return [ASSETS / "heads" / f"{name}.checkpoint" for name in names]


LOGS = {
    **{defect: told for defect, (told, _) in DAMAGED_FILES.items()},
    **CHECKPOINTS,
    **dict.fromkeys(CONTENTS, "outcomes close no call"),
    **dict.fromkeys(MINIMUM, "minimum"),
}


@pytest.mark.parametrize("defect", sorted(LOGS))
def test_a_log_with_a_defect(tmp_path: Path, verify: Verify, ledger: Verify, defect: str) -> None:
    estate = estate_with(defect, tmp_path / "estate")
    code, said = verify("log", estate / "ledger", *KEY)
    assert code == (2 if defect == "checkpoint-missing" else 1), said
    assert LOGS[defect] in said
    code, said = ledger("verify", "--estate", estate, *KEY)
    assert code == 1, said
    assert LOGS[defect] in " ".join(said.split())
    code, said = ledger("fsck", "--estate", estate, *KEY)
    assert code == (0 if defect in CONTENTS else 1), said
    assert defect in CONTENTS or "expected" in said or defect == "checkpoint-missing" or "does not fit" in said


def test_a_sound_log(tmp_path: Path, verify: Verify, ledger: Verify) -> None:
    estate = estate_with("sound", tmp_path / "estate")
    assert verify("log", estate / "ledger", *KEY)[0] == 0
    assert ledger("verify", "--estate", estate, *KEY)[0] == 0
    assert ledger("fsck", "--estate", estate, *KEY)[0] == 0


@pytest.mark.parametrize("defect", sorted(NOTES))
def test_a_malformed_note(verify: Verify, defect: str) -> None:
    code, said = verify("checkpoint", ASSETS / "notes" / "malformed" / f"{defect}.note", *KEY)
    assert (code, NOTES[defect] in said) == (1, True), said


@pytest.mark.parametrize("defect", sorted(broken_cosignatures()))
def test_a_broken_cosignature(verify: Verify, paris: Path, defect: str) -> None:
    note = ASSETS / "notes" / "broken-cosignature" / f"{defect}.note"
    assert verify("checkpoint", note, "--policy", paris)[0] == 1
    assert verify("checkpoint", note, *KEY)[0] == 0


@pytest.mark.parametrize("name", sorted(sound_notes()))
def test_a_note_that_only_looks_strange(verify: Verify, paris: Path, name: str) -> None:
    assert verify("checkpoint", ASSETS / "notes" / "sound" / f"{name}.note", "--policy", paris)[0] == 0


@pytest.mark.parametrize(
    ("folder", "names", "expected"),
    [("malformed", MALFORMED, 2), ("unreached", UNREACHED, 1), ("sound", dict.fromkeys(sound_policies(), ""), 0)],
)
def test_a_policy(verify: Verify, folder: str, names: dict[str, str], expected: int) -> None:
    for name, told in names.items():
        policy = ASSETS / "policies" / folder / f"{name}.policy"
        code, said = verify("checkpoint", ASSETS / "policies" / "cosigned-by-two.note", "--policy", policy)
        if name in {"no-log", "witnesses-alone"}:  # nothing to judge a log by
            assert code == 2, name
            continue
        assert (code, told in said) == (expected, True), f"{name}: {said}"


@pytest.mark.parametrize("defect", sorted(RECEIPTS))
def test_a_receipt_with_a_defect(verify: Verify, ledger: Verify, defect: str) -> None:
    receipt = ASSETS / "receipts" / f"{defect}.json"
    code, said = verify("receipt", receipt, *KEY)
    assert code == 1, said
    assert RECEIPTS[defect] in said or "not UTF-8" in said
    assert ledger("receipt", "--check", receipt, *KEY)[0] == 1


@pytest.mark.parametrize("name", sorted(SOUND))
def test_a_sound_receipt(verify: Verify, ledger: Verify, name: str) -> None:
    assert verify("receipt", ASSETS / "receipts" / f"{name}.json", *KEY)[0] == 0
    assert ledger("receipt", "--check", ASSETS / "receipts" / f"{name}.json", *KEY)[0] == 0


@pytest.mark.parametrize("defect", sorted(UNWITNESSED))
def test_a_receipt_that_too_few_witnessed(verify: Verify, both: Path, defect: str) -> None:
    receipt = ASSETS / "receipts" / "unwitnessed" / f"{defect}.json"
    code, said = verify("receipt", receipt, "--policy", both)
    assert (code, UNWITNESSED[defect] in said) == (1, True), said
    assert verify("receipt", ASSETS / "receipts" / "sound-cosigned.json", "--policy", both)[0] == 0


@pytest.mark.parametrize("defect", sorted({*PROOFS, "not-utf-8"}))
def test_a_tlog_proof_with_a_defect(verify: Verify, ledger: Verify, defect: str) -> None:
    proof = ASSETS / "proofs" / f"{defect}.tlog-proof"
    code, said = verify("receipt", proof, *KEY)
    assert code == 1, said
    assert ledger("receipt", "--check", proof, *KEY)[0] == 1


def test_a_sound_tlog_proof(verify: Verify, ledger: Verify) -> None:
    assert verify("receipt", ASSETS / "proofs" / "sound.tlog-proof", *KEY)[0] == 0
    assert ledger("receipt", "--check", ASSETS / "proofs" / "sound.tlog-proof", *KEY)[0] == 0


@pytest.mark.parametrize(
    ("older", "newer", "told"),
    [
        ("newest", "older", "it has 100 entries, the first 259"),
        ("older-of-another-history", "newest", "the log signed two histories"),
        ("older", "newest-of-another-history", "the log's files lead to root 7da5"),
        ("newest", "newest-of-another-history", "the log signed two histories: 7da5"),
        ("older-of-another-origin", "newest", "other.example/ledger"),
        ("older-of-a-wrong-key", "newest", "expected estate.example/ledger+007c5d44"),
        ("empty-with-a-root", "newest", "does not show"),
    ],
)
def test_two_checkpoints_that_do_not_go_together(
    tmp_path: Path, verify: Verify, older: str, newer: str, told: str
) -> None:
    code, said = verify("consistency", *heads(older, newer), "--log", sound_log(tmp_path), *KEY)
    assert (code, told in said) == (1, True), said


@pytest.mark.parametrize("older", ["older", "empty", "newest"])
def test_two_checkpoints_of_one_history(tmp_path: Path, verify: Verify, older: str) -> None:
    code, said = verify("consistency", *heads(older, "newest"), "--log", sound_log(tmp_path), *KEY)
    assert code == 0, said


@pytest.mark.parametrize(
    ("receipt", "request_", "answer", "expected"),
    [
        ("receipt", "request", "answer", 0),
        ("receipt", "request-with-a-space", "answer", 1),
        ("receipt", "request-cut-off", "answer", 1),
        ("receipt", "answer", "request", 1),
        ("receipt", "request", "answer-bit-flipped", 1),
        ("receipt", "request", "answer-longer", 1),
        ("receipt-salt-bit-flipped", "request", "answer", 1),
        ("receipt-salt-erased", "request", "answer", 1),
        ("receipt-salt-of-another-call", "request", "answer", 1),
        ("receipt-without-salt", "request", "answer", 2),
    ],
)
def test_what_was_said(verify: Verify, receipt: str, request_: str, answer: str, expected: int) -> None:
    said_by = [ASSETS / "contents" / f"{name}.json" for name in (receipt, request_, answer)]
    code, said = verify("receipt", said_by[0], "--request", said_by[1], "--answer", said_by[2], *KEY)
    assert code == expected, said
