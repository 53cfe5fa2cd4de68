# SPDX-License-Identifier: Apache-2.0
"""fs-verity by a kernel that is played: few hosts that run tests have a file system with it."""

import fcntl
import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf

from freehold.contract.weights import Assurance
from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault
from freehold.vault.trust import Approval, draft_approval
from freehold.vault.verity import measure, seal

SOUND = Gguf().build()
Blobs = Callable[[], list[Path]]


class Kernel:
    """Seals files by their inode, and answers with a digest over what they then held."""

    def __init__(self) -> None:
        self.sealed: dict[int, bytes] = {}
        self.enabled: list[tuple[int, ...]] = []

    def ioctl(self, fd: int, request: int, argument: bytes | int = b"") -> bytes:
        if request == 0x40806685:
            assert isinstance(argument, bytes)
            assert len(argument) == 128
            self.enabled.append(struct.unpack_from("<IIII", argument))
            content = os.pread(fd, 10**6, 0)
            self.sealed[os.fstat(fd).st_ino] = hashlib.sha256(b"merkle" + content).digest()
            return argument
        if request == 0xC0046686 and os.fstat(fd).st_ino in self.sealed:
            return struct.pack("<HH32s", 1, 32, self.sealed[os.fstat(fd).st_ino])
        raise OSError(25, "Inappropriate ioctl for device")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel()
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    return kernel


def test_a_host_without_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    fd = os.open(path, os.O_RDONLY)
    try:
        assert measure(fd) in ("", seal(fd))
    finally:
        os.close(fd)


def test_an_import_seals_the_file_and_pins_what_the_kernel_measured(
    kernel: Kernel, vault: Vault, weights: Path
) -> None:
    manifest = vault.import_model(str(weights), "tiny").manifest
    assert kernel.enabled == [(1, 1, 4096, 0)]
    assert manifest.files[0].verity == "sha256:" + hashlib.sha256(b"merkle" + SOUND).hexdigest()


def reads(vault: Vault, trust: Trust) -> tuple[Assurance, int]:
    """How the file was checked, and how many bytes were read for it."""
    read: list[int] = []
    weights = vault.open_verified("tiny", trust, progress=lambda done, _: read.append(done))
    weights.close()
    return weights.assurance, max(read, default=0)


def test_a_sealed_file_is_not_read_again(kernel: Kernel, vault: Vault, weights: Path, lax: Trust) -> None:
    vault.import_model(str(weights), "tiny")
    assert reads(vault, lax) == (Assurance.SEALED, 0)


def test_another_sealed_file_in_its_place_is_read_and_refused(
    kernel: Kernel, vault: Vault, weights: Path, lax: Trust, blobs: Blobs
) -> None:
    vault.import_model(str(weights), "tiny")
    (blob,) = blobs()
    blob.unlink()
    blob.write_bytes(SOUND[:-1] + b"\xff")
    fd = os.open(blob, os.O_RDONLY)
    seal(fd)
    os.close(fd)
    with pytest.raises(VerificationFailed, match="digest of its weights"):
        vault.open_verified("tiny", lax)


def test_a_file_that_lost_its_seal_is_read(kernel: Kernel, vault: Vault, weights: Path, lax: Trust) -> None:
    vault.import_model(str(weights), "tiny")
    kernel.sealed.clear()
    assert reads(vault, lax) == (Assurance.READ, len(SOUND))


def test_a_pin_in_a_manifest_that_nobody_signed_is_not_believed(
    kernel: Kernel, tmp_path: Path, weights: Path, own: EllipticSigner
) -> None:
    unsigned = Vault(tmp_path / "vault")
    manifest = unsigned.import_model(str(weights), "tiny").manifest
    approval = Approval(
        model=manifest.digest,
        manifest="",
        chat_template=manifest.chat_template_digest,
        licence="",
        reason="",
        approved_by="a release",
        approved_at="2026-11-22T00:00:00Z",
    )
    trust = Trust(release=own.verifier, release_approvals=(draft_approval("tiny", approval, own),))
    assert reads(unsigned, trust) == (Assurance.READ, len(SOUND))


def test_verify_reads_even_what_is_sealed(kernel: Kernel, vault: Vault, weights: Path) -> None:
    vault.import_model(str(weights), "tiny")
    read: list[int] = []
    vault.verify("tiny", progress=lambda done, _: read.append(done))
    assert read[-1] == len(SOUND)
