# SPDX-License-Identifier: Apache-2.0
"""Writes the source archives of assets/, each with the one defect that it is named for.

Run from the repository's root, and only to add a file: ``python -m tests.attack.engine.make_sources``.
"""

import gzip
import io
import tarfile
from pathlib import Path

from tests.source_builder import FILES, INSIDE, archive

ASSETS = Path(__file__).parent / "assets"


def link(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def claiming(size_bytes: int) -> bytes:
    """An archive whose one file is said to be so large."""
    member = tarfile.TarInfo(f"{INSIDE}/large.c")
    member.size = size_bytes
    return gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def unfolding(size_bytes: int) -> bytes:
    """A small archive of one large file of zeros."""
    packed = io.BytesIO()
    member = tarfile.TarInfo(f"{INSIDE}/zeros.c")
    member.size = size_bytes
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(size_bytes // 2**20):
            file.write(bytes(2**20))
    return packed.getvalue()


def main() -> None:
    ASSETS.mkdir(exist_ok=True)
    members = {
        "path-leads-out": link(tarfile.REGTYPE, "tiny-1.0/../../outside", ""),
        "path-is-absolute": link(tarfile.REGTYPE, "/outside", ""),
        "path-has-a-backslash": link(tarfile.REGTYPE, "tiny-1.0\\..\\outside", ""),
        "symbolic-link-out": link(tarfile.SYMTYPE, f"{INSIDE}/outside", "/etc"),
        "symbolic-link-within": link(tarfile.SYMTYPE, f"{INSIDE}/other.c", "main.c"),
        "hard-link-out": link(tarfile.LNKTYPE, f"{INSIDE}/outside", "/etc/passwd"),
        "device": link(tarfile.CHRTYPE, f"{INSIDE}/null", ""),
        "pipe": link(tarfile.FIFOTYPE, f"{INSIDE}/pipe", ""),
        "file-twice": link(tarfile.REGTYPE, f"{INSIDE}/main.c", ""),
    }
    for name, member in members.items():
        archive(ASSETS / f"{name}.tar.gz", FILES, member)
    sound = archive(ASSETS / "truncated.tar.gz").read_bytes()
    (ASSETS / "truncated.tar.gz").write_bytes(sound[: len(sound) // 2])
    (ASSETS / "bit-flipped.tar.gz").write_bytes(sound[:60] + bytes([sound[60] ^ 4]) + sound[61:])
    (ASSETS / "not-gzip.tar.gz").write_bytes(b"\x04not an archive at all\n" * 9)
    (ASSETS / "empty-file.tar.gz").write_bytes(b"")
    (ASSETS / "file-claims-a-terabyte.tar.gz").write_bytes(claiming(2**40))
    (ASSETS / "unfolds-a-thousandfold.tar.gz").write_bytes(unfolding(2**28 + 2**20))
    archive(ASSETS / "no-lists.tar.gz", {f"{INSIDE}/main.c": "int main(void) { return 0; }\n"})
    archive(ASSETS / "no-file.tar.gz", {})


if __name__ == "__main__":
    main()
