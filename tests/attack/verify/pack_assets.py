# SPDX-License-Identifier: Apache-2.0
"""Writes packs/: evidence packs, each with the defect that it is named for, and a sound one.

Run from the repository's root, and only to add a file: ``python -m tests.attack.verify.pack_assets``.
"""

import io
import json
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.ledger_builder import ORIGIN, act_bytes, admission_bytes, write_log
from tests.pack_builder import DRILL, SCORECARD, SIGNER, STRANGER, Recipe, make_files, make_pack

from freehold.ledger.check.issuing import receipt_for
from freehold.verify.form.archive import write_archive
from freehold.verify.form.manifest import KEY, MANIFEST, RECEIPT, SIGNATURE, Kind, Manifest

PACKS: Final = Path(__file__).parent / "packs"
Files = dict[str, bytes]


def assets() -> dict[str, bytes]:
    """The content of every file, by its name. Slow: each has a ledger of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sound = make_files(root / "sound")
        made = {"sound": write_archive(sound), **_of_bytes(sound), **_of_zip(sound), **_of_files(sound, root)}
        made |= {name: make_pack(root / name, recipe) for name, recipe in _recipes(root).items()}
        return {f"{name}.zip": content for name, content in made.items()}


def _of_bytes(sound: Files) -> dict[str, bytes]:
    """The archive itself is spoilt."""
    whole = write_archive(sound)
    first, last = next(iter(sound)), len(whole)
    at = whole.index(sound[first])
    symlink = struct.pack("<I", (stat.S_IFLNK | 0o777) << 16)
    return {
        "cut-off-in-a-file": whole[: at + 5],
        "cut-off-before-the-directory": whole[: whole.index(b"PK\x01\x02")],
        "cut-off-at-the-end": whole[:-3],
        "bytes-behind-the-end": whole + b"more",
        "a-second-pack-behind-it": whole + whole,
        "bytes-before-the-beginning": b"#!/bin/sh\n" + whole,
        "with-a-comment": whole[:-2] + struct.pack("<H", 4) + b"said",
        "a-byte-changed": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
        "flagged-as-encrypted": whole[:6] + b"\x01\x00" + whole[8:],
        "sizes-behind-the-data": whole[:6] + b"\x08\x00" + whole[8:],
        "with-a-date": whole[:10] + b"\x01\x60" + whole[12:],
        "a-link-in-the-directory": whole.replace(struct.pack("<I", (stat.S_IFREG | 0o644) << 16), symlink, 1),
        "the-directory-lists-less": _directory_without(whole, last),
        "no-zip-at-all": b"This is evidence. Believe it.\n",
        "empty": b"",
    }


def _directory_without(whole: bytes, last: int) -> bytes:
    """The last file lies in the archive, and the directory does not say so."""
    start = whole.index(b"PK\x01\x02")
    final = whole.rindex(b"PK\x01\x02")
    count = whole.count(b"PK\x01\x02") - 1
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, final - start, start, 0)
    return whole[:final] + end


def _of_zip(sound: Files) -> dict[str, bytes]:
    """As other tools would write it, or somebody who means harm."""
    name, content = next(iter(sound.items()))
    return {
        "compressed": _zipped(sound, zipfile.ZIP_DEFLATED),
        "a-bomb": _zipped({**sound, "bomb.html": bytes(1 << 24)}, zipfile.ZIP_DEFLATED),
        "a-folder-in-it": _zipped({**sound, "folder/": b""}),
        "a-path-that-leads-out": _raw({"../outside.html": content, **sound}),
        "an-absolute-path": _raw({"/outside.html": content, **sound}),
        "a-path-with-backslashes": _raw({"..\\outside.html": content, **sound}),
        "a-name-with-a-newline": _raw({"index\n.html": content, **sound}),
        "a-name-twice": _raw_pairs([*sound.items(), (name, b"another")]),
        "a-name-twice-but-for-case": _raw({**sound, name.upper(): content}),
        "a-file-that-is-a-folder": _raw({**sound, f"{name}/inside": content}),
        "a-tar": _tarred(sound),
    }


def _of_files(sound: Files, root: Path) -> dict[str, bytes]:
    """A sound archive of files that do not belong together."""
    other = make_files(root / "other", Recipe(manifest=lambda manifest: replace(manifest, id="pack_ffffffffffff")))
    elsewhere = write_log(root / "elsewhere", [admission_bytes("call-9"), act_bytes()])
    manifest = json.loads(sound[MANIFEST])
    changes: dict[str, Callable[[Files], Files]] = {
        "a-file-changed": lambda files: files | {"index.html": files["index.html"].replace(b"pack", b"sack")},
        "a-file-added": lambda files: files | {"reports/more.html": b"more"},
        "a-file-missing": lambda files: _without(files, "asserted/answers.toml"),
        "a-proof-added": lambda files: files | {"proof/consistency/1.txt": b""},
        "a-receipt-added": lambda files: files | {"receipts/1.json": files["receipts/0.json"]},
        "receipts-swapped": lambda files: (
            files | {"receipts/0.json": files["receipts/2.json"], "receipts/2.json": files["receipts/0.json"]}
        ),
        "no-manifest": lambda files: _without(files, MANIFEST),
        "no-signature": lambda files: _without(files, SIGNATURE),
        "no-receipt": lambda files: _without(files, RECEIPT),
        "no-proof-of-one-history": lambda files: _without(files, "proof/consistency/3.txt"),
        "signature-of-another-pack": lambda files: files | {SIGNATURE: other[SIGNATURE]},
        "receipt-of-another-pack": lambda files: files | {RECEIPT: other[RECEIPT]},
        "receipt-of-another-log": lambda files: files | {RECEIPT: receipt_for(elsewhere, ORIGIN, 1)},
        "manifest-changed": lambda files: files | {MANIFEST: files[MANIFEST].replace(b"2026-11-23", b"2025-11-23")},
        "manifest-with-a-name-twice": lambda files: files | {MANIFEST: b'{"pack":"x",' + files[MANIFEST][1:]},
        "manifest-with-a-field-more": lambda files: files | {MANIFEST: json.dumps({**manifest, "more": 1}).encode()},
        "manifest-of-a-later-form": lambda files: (
            files | {MANIFEST: json.dumps({**manifest, "pack": "freehold/pack/v2"}).encode()}
        ),
        "signature-is-no-json": lambda files: files | {SIGNATURE: b"signed"},
    }
    return {name: write_archive(change(dict(sound))) for name, change in changes.items()}


def _recipes(root: Path) -> dict[str, Recipe]:
    """Signed and put on record as they are, by somebody who has the estate's keys or thinks so."""
    elsewhere = write_log(root / "elsewhere-too", [admission_bytes("call-9"), act_bytes()])
    foreign = receipt_for(elsewhere, ORIGIN, 0)
    renamed = make_files(root / "named")["receipts/2.json"]

    def listed_twice(manifest: Manifest) -> Manifest:
        return replace(manifest, files=(*manifest.files, manifest.files[0]))

    return {
        "signed-by-a-stranger": Recipe(signer=STRANGER),
        "a-stranger-s-key-in-it": Recipe(files={KEY: (Kind.KEY, STRANGER.verifier.pem)}),
        "signed-by-a-stranger-throughout": Recipe(
            signer=STRANGER,
            files={KEY: (Kind.KEY, STRANGER.verifier.pem)},
            manifest=lambda manifest: replace(manifest, key=STRANGER.verifier.hint),
        ),
        "another-key-on-record": Recipe(act=lambda digests: digests | {"key": f"sha256:{STRANGER.verifier.hint}"}),
        "another-manifest-on-record": Recipe(act=lambda digests: digests | {"manifest": f"sha256:{'00' * 32}"}),
        "another-subject-on-record": Recipe(subject="pack_ffffffffffff"),
        "another-act-on-record": Recipe(kind="estate.backup"),
        "listed-twice": Recipe(manifest=listed_twice),
        "of-another-origin": Recipe(manifest=lambda manifest: replace(manifest, origin="estate.example/other")),
        "reports-of-another-root": Recipe(manifest=lambda manifest: replace(manifest, root="00" * 32)),
        "reports-of-a-larger-tree": Recipe(manifest=lambda manifest: replace(manifest, tree_size=9)),
        "reports-of-no-root": Recipe(manifest=lambda manifest: replace(manifest, root="none")),
        "another-scorecard": Recipe(
            files={f"drills/{DRILL}.json": (Kind.RECORD, SCORECARD.replace(b"true", b"false"))}
        ),
        "a-receipt-of-another-history": Recipe(files={"receipts/0.json": (Kind.RECEIPT, foreign)}),
        "a-receipt-under-another-name": Recipe(files={"receipts/1.json": (Kind.RECEIPT, renamed)}),
        "a-receipt-that-is-none": Recipe(files={"receipts/2.json": (Kind.RECEIPT, _of_nothing())}),
        "a-head-that-nobody-signed": Recipe(files={"ledger/checkpoint": (Kind.HEAD, _unsigned())}),
        "a-key-that-is-none": Recipe(files={KEY: (Kind.KEY, b"key")}),
    }


def _unsigned() -> bytes:
    key = f"{ORIGIN}\n1\n{'A' * 43}=\n\n\N{EM DASH} {ORIGIN} {'A' * 91}=\n"
    return key.encode()


def _of_nothing() -> bytes:
    return json.dumps({"receipt": "freehold/receipt/v1", "origin": ORIGIN}).encode()


def _without(files: Files, name: str) -> Files:
    return {path: content for path, content in files.items() if path != name}


def _zipped(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def _raw(files: Files) -> bytes:
    return _raw_pairs(list(files.items()))


def _raw_pairs(pairs: list[tuple[str, bytes]]) -> bytes:
    """As the format has it, with names that it has not."""
    body, directory = b"", b""
    for name, content in pairs:
        common = (20, 0, 0, 0, 33, zlib.crc32(content), len(content), len(content), len(name), 0)
        mode = (stat.S_IFREG | 0o644) << 16
        central = struct.pack("<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 788, *common, 0, 0, 0, mode, len(body))
        directory += central + name.encode()
        body += struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", *common) + name.encode() + content
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(pairs), len(pairs), len(directory), len(body), 0)
    return body + directory + end


def _tarred(files: Files) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return out.getvalue()


if __name__ == "__main__":
    PACKS.mkdir(exist_ok=True)
    for name, content in assets().items():
        (PACKS / name).write_bytes(content)
    print(SIGNER.verifier.hint)  # noqa: T201 - which key the sound one is signed by
