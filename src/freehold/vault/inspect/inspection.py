# SPDX-License-Identifier: Apache-2.0
"""Inspects all files of one model: what each is, what is in it, and whether that may come in.

1. Every file has a place and a name that a model's file may have, and is by its bytes what its name says.
2. The headers of the weights are read whole; an index fits the files that it names.
3. JSON is read strictly, and asks for no Python of the model's own.
4. Every chat template is read, wherever it lies.
5. What the files say of their licence is gathered; ``licences`` judges it.

Nothing is unpacked, imported, rendered or run. What the operating system says of a failing disk passes through.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from freehold.contract.licence import LicenceBook, ModelOrigin
from freehold.errors import VaultError
from freehold.vault.inspect.documents import Node, read_json
from freehold.vault.inspect.findings import Finding, Severity, gravest_first
from freehold.vault.inspect.gguf import GgufHeader, read_header
from freehold.vault.inspect.kinds import EMPTY, GGUF, SAFETENSORS, TEXT, kind_of
from freehold.vault.inspect.licences import Statement, judge_licence, of_gguf, of_metadata, of_readme, of_text
from freehold.vault.inspect.members import Role, is_loaded_otherwise, role_of, what_is_wrong_with
from freehold.vault.inspect.remote_code import find_remote_code
from freehold.vault.inspect.safetensors import SafetensorsHeader, check_index, read_safetensors
from freehold.vault.inspect.templates import ChatTemplate, in_document, read_template

_MAX_DOCUMENT_BYTES = 64 * 2**20  # the largest tokenizer.json has 33 MB
_MAX_TEXT_BYTES = {Role.TEXT: 16 * 2**20}  # a vocabulary
_MAX_PROSE_BYTES = 2**20
_WEIGHTS = (GGUF, SAFETENSORS)


class Readable(Protocol):
    """A file that is open."""

    @property
    def fd(self) -> int: ...

    @property
    def size_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in one model, the gravest first."""

    findings: tuple[Finding, ...]
    templates: tuple[ChatTemplate, ...] = ()
    licences: tuple[Statement, ...] = ()

    @property
    def refused(self) -> tuple[Finding, ...]:
        return self._of(Severity.REFUSED)

    @property
    def to_approve(self) -> tuple[Finding, ...]:
        return self._of(Severity.APPROVAL)

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._of(Severity.NOTE)

    @property
    def wants_reason(self) -> bool:
        """Whether an approval has to say why: where a licence is in the way."""
        return any(finding.rule.startswith("licence.") for finding in self.to_approve)

    @property
    def licence_digest(self) -> str:
        """Over the first licence whose text came with the files; empty if none did."""
        return next((said.digest for said in self.licences if said.digest and not said.is_notice), "")

    @property
    def licence_names(self) -> tuple[str, ...]:
        """What the licence is called in the files, each name once; those that its texts prove come first."""
        proved = [said.spdx for said in self.licences if said.spdx]
        return tuple(dict.fromkeys([*proved, *(name for said in self.licences for name in said.names)]))

    def require(self, name: str) -> None:
        """Raises VaultError, with every reason, if the model cannot come in."""
        if self.refused:
            reasons = "; ".join(map(str, self.refused[:5]))
            more = f"; and {len(self.refused) - 5} more" if len(self.refused) > 5 else ""
            raise VaultError(f"{name}: {reasons}{more}", hint="docs/reference/inspection.md says what may come in.")

    def _of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is severity)


def inspect(files: Mapping[str, Readable], *, origin: ModelOrigin, book: LicenceBook) -> Inspection:
    """Inspect the files of one model, each by its place in it. What is wrong with them is found, never raised."""
    looked = _Look(alone=len(files) == 1)
    for path, file in sorted(files.items()):
        try:
            looked.at(path, file)
        except VaultError as problem:
            looked.refuse("format.damaged", path, _without(path, problem.message))
    looked.at_indexes()
    findings = [*looked.findings, *judge_licence(tuple(looked.licences), origin, book)]
    findings += [found for template in looked.templates for found in template.findings]
    return Inspection(
        findings=gravest_first(findings), templates=tuple(looked.templates), licences=tuple(looked.licences)
    )


def _without(path: str, message: str) -> str:
    """A reader's message without the file's name, which stands before it anyway."""
    return message.removeprefix(path).lstrip(":, ") or message


class _Look:
    """One inspection under way. ``alone``: the model is one file, whose name means nothing."""

    def __init__(self, *, alone: bool) -> None:
        self.findings: list[Finding] = []
        self.templates: list[ChatTemplate] = []
        self.licences: list[Statement] = []
        self._alone = alone
        self._headers: dict[str, SafetensorsHeader] = {}
        self._indexes: dict[str, Node] = {}

    def refuse(self, rule: str, place: str, message: str) -> None:
        self.findings.append(Finding(severity=Severity.REFUSED, rule=rule, place=place, message=message))

    def at(self, path: str, file: Readable) -> None:
        """Look at one file. Raises VaultError for one that is damaged."""
        if wrong := what_is_wrong_with(path):
            self.refuse("format.name", path, wrong)
            return
        kind, role = kind_of(file.fd, file.size_bytes), role_of(path)
        if self._alone and kind in _WEIGHTS:
            role = Role.WEIGHTS
        if reason := _why_not(path, kind, role):
            self.refuse("format.kind", path, reason)
        elif role is Role.WEIGHTS:
            self._at_weights(path, file, kind)
        elif role in (Role.JSON, Role.INDEX):
            self._at_json(path, read_json(_read(file, path, _MAX_DOCUMENT_BYTES), path), role)
        else:
            limit_bytes = _MAX_TEXT_BYTES.get(role, _MAX_PROSE_BYTES) if role else _MAX_PROSE_BYTES
            self._at_text(path, _text(file, path, limit_bytes), role)

    def at_indexes(self) -> None:
        """What can only be said once all files are known."""
        for path, document in self._indexes.items():
            try:
                check_index(document, path, self._headers)
            except VaultError as problem:
                self.refuse("format.index", path, _without(path, problem.message))

    def _at_weights(self, path: str, file: Readable, kind: str) -> None:
        if kind == SAFETENSORS:
            header = read_safetensors(file.fd, file.size_bytes, path)
            self._headers[path] = header
            self.licences += of_metadata(header.metadata, path)
            return
        gguf = read_header(file.fd, file.size_bytes, path)
        self.licences += of_gguf(gguf, path)
        self.templates += _in_gguf(gguf, path)

    def _at_json(self, path: str, document: Node, role: Role) -> None:
        self.findings += find_remote_code(document, path)
        if role is Role.INDEX:
            self._indexes[path] = document
        for found in in_document(document, path):
            if isinstance(found, Finding):
                self.findings.append(found)
            else:
                self.templates.append(found)

    def _at_text(self, path: str, text: str, role: Role | None) -> None:
        if role is Role.TEMPLATE:
            self.templates.append(read_template(text, name=path.rpartition("/")[2].removesuffix(".jinja"), place=path))
        elif role is Role.LICENCE:
            self.licences += of_text(text, path)
        elif role is Role.README:
            self.licences += of_readme(text, path)


def _in_gguf(header: GgufHeader, path: str) -> Iterator[ChatTemplate]:
    for key, text in header.templates.items():
        name = key.removeprefix("tokenizer.chat_template").lstrip(".")
        yield read_template(text, name=name or "default", place=f"{path}, {key}")


def _why_not(path: str, kind: str, role: Role | None) -> str:
    """Why a file may not be part of a model; empty if it may."""
    if kind in _WEIGHTS:
        suffix = path.lower().rpartition(".")[2]
        if is_loaded_otherwise(path):
            return f"this is {kind} under a name by which loaders take it for something else"
        fits = role is Role.WEIGHTS and (suffix == kind.lower() or suffix not in ("gguf", "safetensors"))
        return "" if fits else f"this is {kind}, and its name says that it is something else"
    if role is None:
        listed = "no file of a model that Freehold takes in has such a name"
        return listed if kind in (TEXT, EMPTY) else f"this is {kind}"
    if role is Role.WEIGHTS:
        return f"this is {kind}; weights are GGUF or safetensors"
    return "" if kind in (TEXT, EMPTY) else f"this is {kind}, and its name says that it is text"


def _text(file: Readable, path: str, limit_bytes: int) -> str:
    try:
        return _read(file, path, limit_bytes).decode()
    except UnicodeDecodeError as exc:
        raise VaultError(f"{path}: is not UTF-8") from exc


def _read(file: Readable, path: str, limit_bytes: int) -> bytes:
    if file.size_bytes > limit_bytes:
        raise VaultError(f"{path}: has {file.size_bytes} bytes; at most {limit_bytes} are read")
    return os.pread(file.fd, file.size_bytes, 0)
