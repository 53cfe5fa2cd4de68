# SPDX-License-Identifier: Apache-2.0
"""Signatures that lie beside a source: kept if they are over the model, refused if they contradict it.

Whose they are is judged when the model is to run; but one that a known key should have made must hold at once.
"""

from collections.abc import Sequence

from freehold.errors import VerificationFailed
from freehold.vault.arrival import FoundSignature
from freehold.vault.manifest import Document
from freehold.vault.oms import IGNORED, ONLY_FILE, Statement, read_bundle, read_statement
from freehold.vault.trust import Trust
from freehold.vault.trust.judge import covered


def check_found(found: Sequence[FoundSignature], document: Document, trust: Trust) -> tuple[bytes, ...]:
    """Those to keep. Raises VerificationFailed for one that is over other files of these names, or not genuine."""
    return tuple(signature.content for signature in found if _is_to_keep(signature, document, trust))


def _is_to_keep(found: FoundSignature, document: Document, trust: Trust) -> bool:
    try:
        bundle = read_bundle(found.content)
        statement = read_statement(bundle.payload)
    except VerificationFailed as problem:
        raise _refused(found, problem.message) from problem
    if not covered(statement, document):
        if found.may_be_of_others and not _contradicts(statement, document):
            return False
        raise _refused(found, f"it is not over exactly the files of the model: {_difference(statement, document)}")
    for name, key in trust.known_keys():
        if key.hint == bundle.hint and not bundle.holds_for(key):
            raise _refused(found, f"the key that it names, of {name}, did not make it")
    return True


def _contradicts(statement: Statement, document: Document) -> bool:
    """Whether a signature names the model's one file, with another digest."""
    file = document.manifest.files[0]
    names = {file.path, ONLY_FILE} if statement.name == file.path else {file.path}
    return any(resource.name in names and resource.digest != file.digest for resource in statement.resources)


def _difference(statement: Statement, document: Document) -> str:
    """The first file in which a signature and the model differ, and how."""
    signed = {resource.name: resource.digest for resource in statement.resources}
    here = {
        file.path: file.digest for file in document.manifest.files if file.path in signed or file.path not in IGNORED
    }
    name = min(name for name in signed.keys() | here.keys() if signed.get(name) != here.get(name))
    if name not in here:
        return f"{name[:200]!r} was signed, and is none that comes in here"
    return f"{name!r} was {'changed since' if name in signed else 'not signed'}"


def _refused(found: FoundSignature, why: str) -> VerificationFailed:
    return VerificationFailed(
        f"the signature {found.place} does not vouch for the model: {why}",
        hint="Nothing was imported. Get both again from whoever signed; move the signature away to go on without it.",
    )
