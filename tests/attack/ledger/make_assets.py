# SPDX-License-Identifier: Apache-2.0
"""Writes assets/: one file, or for a log one folder, for each defect, named for it.

Run from the repository's root, and only to add a file: ``python -m tests.attack.ledger.make_assets``. The recipes
stand in the modules beside this one that are named for what they make.
"""

from pathlib import Path

from tests.attack.ledger.answer_assets import answers
from tests.attack.ledger.log_assets import differences, heads
from tests.attack.ledger.note_assets import broken_cosignatures, malformed_notes, sound_notes
from tests.attack.ledger.policy_assets import (
    cosigned_by_two,
    malformed_policies,
    sound_policies,
    unreached_policies,
)
from tests.attack.ledger.receipt_assets import contents, proofs, receipts, unwitnessed_receipts

ASSETS = Path(__file__).parent / "assets"


def assets() -> dict[str, bytes]:
    """The content of every file, by its path under assets/."""
    files = {f"logs/{defect}/{path}": data for defect, log in differences().items() for path, data in log.items()}
    groups = {
        ("answers", "answer"): answers(),
        ("heads", "checkpoint"): heads(),
        ("notes/sound", "note"): sound_notes(),
        ("notes/malformed", "note"): malformed_notes(),
        ("notes/broken-cosignature", "note"): broken_cosignatures(),
        ("policies", "note"): {"cosigned-by-two": cosigned_by_two()},
        ("policies/sound", "policy"): sound_policies(),
        ("policies/malformed", "policy"): malformed_policies(),
        ("policies/unreached", "policy"): unreached_policies(),
        ("receipts", "json"): receipts(),
        ("receipts/unwitnessed", "json"): unwitnessed_receipts(),
        ("proofs", "tlog-proof"): proofs(),
    }
    for (folder, suffix), group in groups.items():
        files |= {f"{folder}/{name}.{suffix}": data for name, data in group.items()}
    return files | {f"contents/{name}": data for name, data in contents().items()}


if __name__ == "__main__":
    for name, content in assets().items():
        path = ASSETS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
