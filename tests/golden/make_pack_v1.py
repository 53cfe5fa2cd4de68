# SPDX-License-Identifier: Apache-2.0
"""How the pack in pack/v1 was written: once. It stays as it is for ever, so this refuses to write it again.

A witness cosigned the tree that puts it on record; somebody's findings and answers are in it, and two drills, one of
which nothing shows to be on record.
"""

import json
import tempfile
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from tests.ledger_builder import KEY
from tests.pack_builder import SCORECARD, SIGNER, Recipe, make_files

from freehold.signing.cosignature import cosign
from freehold.signing.keys import FileKey
from freehold.signing.note import KeyKind, parse_note
from freehold.verify.form.archive import write_archive
from freehold.verify.form.manifest import RECEIPT, Kind
from freehold.verify.main import main

GOLDEN = Path(__file__).parent / "pack" / "v1"
PARIS = FileKey("witness.paris.example/w1", b"\x01" * 32, KeyKind.ED25519_COSIGNATURE)
POLICY = f"log {KEY.vkey}\nwitness paris {PARIS.vkey}\nquorum paris\n"


def write() -> None:
    GOLDEN.mkdir(parents=True)  # fails where it was written before
    more = {
        "drills/drill_ffffffffffff.json": (Kind.RECORD, SCORECARD),
        "given/exposure.sarif": (Kind.GIVEN, b"{}\n"),
        "reports/csf.html": (Kind.REPORT, b"<!doctype html><title>csf</title>\n"),
        "reports/csf.json": (Kind.DATA, b"{}\n"),
        "estate/freehold.toml": (Kind.SOURCE, b"# settings\n"),
    }
    with tempfile.TemporaryDirectory() as folder:
        files = make_files(Path(folder), Recipe(files=more))
        note = (Path(folder) / "ledger" / "checkpoint").read_text()
    receipt = json.loads(files[RECEIPT])
    cosigned = note + cosign(parse_note(note.encode()).text, PARIS, 1_795_000_000)
    receipt["act"]["proof"] = receipt["act"]["proof"].replace(note, cosigned)
    files[RECEIPT] = json.dumps(receipt, ensure_ascii=False, indent=2).encode() + b"\n"
    (GOLDEN / "pack.zip").write_bytes(write_archive(files))
    (GOLDEN / "ledger.vkey").write_text(f"{KEY.vkey}\n")
    (GOLDEN / "vault.pem").write_bytes(SIGNER.verifier.pem)
    (GOLDEN / "trust.policy").write_text(POLICY)
    told = StringIO()
    with redirect_stdout(told):
        code = main(["pack", str(GOLDEN / "pack.zip"), "--policy", str(GOLDEN / "trust.policy"), "--json"])
    if code:
        raise RuntimeError(told.getvalue())
    (GOLDEN / "told.json").write_text(told.getvalue())


if __name__ == "__main__":
    write()
