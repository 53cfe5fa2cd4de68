# SPDX-License-Identifier: Apache-2.0
"""The only door from files to weights that may run.

1. Somebody whose word counts here vouches for the model: a trusted signature, or an approval.
2. The files under the manifest's digests are opened; links are not followed.
3. Each is hashed through that very descriptor, and must have the manifest's digest and size. Where the file system
   vouches for it (fs-verity), and the manifest that says so is signed, its word is taken instead. Where the operator
   has said so ([vault] recheck = "changed"), a file that looks as it did when it was last read is not read again.
4. None may have changed meanwhile.
5. What they say is read through the same descriptors, and the chat template must be the one that the manifest pins.
   What wants a person's approval is held against 1 once more.
6. The descriptors themselves are handed on: whoever loads them loads what was checked, whatever becomes of the names.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from freehold.contract.backend import Model
from freehold.contract.weights import Assurance, VerifiedFile, VerifiedWeights
from freehold.errors import OperatorError, VaultError, VerificationFailed
from freehold.vault.concerns import concerns_of, inspect_model
from freehold.vault.describing import Facts, OpenFile, read_facts
from freehold.vault.hashing import Counted, Progress, hash_descriptor, silent
from freehold.vault.manifest import Document, Manifest, ModelFile
from freehold.vault.store import Store, disk_faults
from freehold.vault.trust import Evidence, Trust, Verdict, judge
from freehold.vault.verity import measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms weights may run now."""

    trust: Trust
    at: datetime
    recheck_all: bool = True  # [vault] recheck = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What came of checking one model. ``problem`` is empty if it is as it was imported."""

    name: str
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


def evidence_of(store: Store, document: Document) -> Evidence:
    """All that is kept about a model but its files."""
    name = document.manifest.name
    return Evidence(document=document, signatures=store.signatures(name), approvals=store.approvals(name))


def open_verified(store: Store, document: Document, terms: Terms, progress: Progress) -> VerifiedWeights:
    """Check a model and open its files, which the caller closes. Raises VaultError, VerificationFailed."""
    manifest, evidence = document.manifest, evidence_of(store, document)
    verdict = _require(manifest, judge(evidence, terms.trust, terms.at))  # 1.
    with ExitStack() as opened:
        files = _open_all(store, manifest, opened)  # 2.
        trusting = _Trusting(seals=verdict.manifest_vouched, looks=not terms.recheck_all)
        assurance = _check_all(store, manifest, files, trusting, progress)  # 3. and 4.
        facts = _check_facts(manifest, files)  # 5.
        inspection = inspect_model(manifest, files, terms.trust.licences)
        inspection.require(manifest.name)
        concerns = [concern.what for concern in concerns_of(inspection)]
        verdict = _require(manifest, judge(evidence, terms.trust, terms.at, concerns))
        opened.pop_all()
    first = {file.path for file in manifest.weights}
    return VerifiedWeights(  # 6.
        model=Model(name=manifest.name, digest=manifest.digest),
        format=manifest.format,
        files=tuple(
            VerifiedFile(path=path, fd=file.fd, size_bytes=file.size_bytes)
            for path, file in sorted(files.items(), key=lambda item: item[0] not in first)
        ),
        context_train_tokens=facts.context_train_tokens,
        chat_template=facts.chat_template,
        kv_bytes_per_token=facts.kv_bytes_per_token,
        embeds=facts.embeds,
        assurance=assurance,
        standing=verdict.why,
    )


def open_draft(parent: Manifest, path: Path, file: ModelFile, facts: Facts) -> VerifiedWeights:
    """What was just made of a model that may run, to be tried and not to serve. The caller closes it.

    ``file`` and ``facts`` were read when it was made. Raises VaultError, VerificationFailed if it has changed since.
    """
    with disk_faults(f"read {path}"), ExitStack() as opened:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        opened.callback(os.close, fd)
        digest = hash_descriptor(fd, file.size_bytes, silent)
        if digest != file.digest:
            raise _failed(parent, "digest of what was made of it", file.digest, digest)
        opened.pop_all()
    return VerifiedWeights(
        model=Model(name=parent.name, digest=file.digest),
        format=facts.format,
        files=(VerifiedFile(path=file.path, fd=fd, size_bytes=file.size_bytes),),
        context_train_tokens=facts.context_train_tokens,
        chat_template=facts.chat_template,
        kv_bytes_per_token=facts.kv_bytes_per_token,
        embeds=facts.embeds,
        assurance=Assurance.READ,
        standing=f"made of {parent.name}, which may run",
    )


@contextmanager
def open_files(store: Store, manifest: Manifest) -> Iterator[Mapping[str, OpenFile]]:
    """A model's files, by their places in it, unchecked."""
    with ExitStack() as opened:
        yield _open_all(store, manifest, opened)


def verify(store: Store, manifest: Manifest, progress: Progress) -> None:
    """Read a model's files whole, whoever vouches for them. Raises VaultError, VerificationFailed."""
    with open_files(store, manifest) as files:
        _check_all(store, manifest, files, _Trusting(seals=False, looks=False), progress)
        _check_facts(manifest, files)


def check_all(store: Store, progress: Progress) -> tuple[Check, ...]:
    """Check every model; one that fails does not hide the others. ``progress`` counts each model by itself."""
    return tuple(_check_one(store, name, progress) for name in store.names())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trusting:
    """What may stand in for reading a file: the file system's seal, or that the file looks as it did."""

    seals: bool
    looks: bool


@dataclass(frozen=True, slots=True)
class _Checking:
    """One model's check."""

    store: Store
    manifest: Manifest
    trusting: _Trusting
    progress: Progress


def _require(manifest: Manifest, verdict: Verdict) -> Verdict:
    if verdict.may_run:
        return verdict
    raise VaultError(
        f"{manifest.name} may not run: {verdict.why}",
        hint=f"'freehold vault approve {manifest.name}' shows what there is to approve, and asks.",
    )


def _open_all(store: Store, manifest: Manifest, opened: ExitStack) -> Mapping[str, OpenFile]:
    files = {}
    for file in manifest.files:
        fd = store.open_blob(file.digest)
        opened.callback(os.close, fd)
        files[file.path] = OpenFile(fd=fd, size_bytes=os.fstat(fd).st_size, digest=file.digest)
    return files


def _check_all(
    store: Store, manifest: Manifest, files: Mapping[str, OpenFile], trusting: _Trusting, progress: Progress
) -> Assurance:
    """Hold every file to its digest; the weakest assurance among them. Raises VerificationFailed."""
    counted, assurances = Counted(progress, manifest.size_bytes), set[Assurance]()
    checking = _Checking(store, manifest, trusting, counted)
    for file in manifest.files:
        fd = files[file.path].fd
        with disk_faults(f"read the weights of {manifest.name}"):
            assurances.add(_check(checking, file, fd))
        counted.next(file.size_bytes)
    return next(kind for kind in (Assurance.READ, Assurance.UNCHANGED, Assurance.SEALED) if kind in assurances)


def _check(on: _Checking, file: ModelFile, fd: int) -> Assurance:
    before = os.fstat(fd)
    if on.trusting.seals and file.verity and measure(fd) == file.verity:
        return Assurance.SEALED
    if on.trusting.looks and on.store.last_look(file.digest) == _look(before):
        return Assurance.UNCHANGED
    digest = hash_descriptor(fd, before.st_size, on.progress)
    after = os.fstat(fd)
    path = on.store.blob_path(file.digest)
    if digest != file.digest:
        raise _failed(on.manifest, f"digest of {_called(on.manifest, file)}", file.digest, digest, path)
    if before.st_size != file.size_bytes:
        what = f"size of {_called(on.manifest, file)} in bytes"
        raise _failed(on.manifest, what, str(file.size_bytes), str(before.st_size), path)
    if _look(before) != _look(after):
        raise _failed(on.manifest, "time of its last change", str(before.st_ctime_ns), str(after.st_ctime_ns), path)
    if on.trusting.looks:
        on.store.note_look(file.digest, _look(after))
    return Assurance.READ


def _called(manifest: Manifest, file: ModelFile) -> str:
    return "its weights" if len(manifest.files) == 1 else file.path


def _look(status: os.stat_result) -> bytes:
    """How a file looks from outside. Whoever writes to it changes the last of these, and cannot set it back."""
    return msgspec.json.encode([status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns])


def _check_facts(manifest: Manifest, files: Mapping[str, OpenFile]) -> Facts:
    facts = read_facts(files, manifest.name)
    if facts.chat_template_digest != manifest.chat_template_digest:
        raise _failed(
            manifest,
            "digest of its chat template",
            manifest.chat_template_digest or "none",
            facts.chat_template_digest or "none",
        )
    return facts


def _failed(manifest: Manifest, what: str, expected: str, found: str, path: Path | None = None) -> VerificationFailed:
    return VerificationFailed(
        f"{manifest.name}: the {what} must be {expected} and was found to be {found}",
        hint=f"It does not load. Move {path or 'the file'} away, keep it to find out what changed it, and import the "
        "model again.",
    )


def _check_one(store: Store, name: str, progress: Progress) -> Check:
    try:
        manifest = store.manifest(name)
        if manifest is not None:
            verify(store, manifest, progress)
    except OperatorError as problem:
        return Check(name=name, problem=problem.message)
    return Check(name=name)
