# SPDX-License-Identifier: Apache-2.0
"""Judges whether a model may run, from its manifest and what was signed about it. Pure: reads no file, knows no clock.

A model may run when one of these holds:

1. an approval about it is signed by this estate, by a key of its source's rule, or by the release for a model it pins;
2. a key of its source's rule has signed exactly its files, this estate has signed its manifest, and nothing in it
   wants a person's approval;
3. its source's rule is off or warn, and this estate has signed its manifest.

The estate signs a manifest when it imports the model, so that what it says cannot be changed in the vault unseen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticVerifier
from freehold.vault.manifest import MANIFEST_FILE, Document
from freehold.vault.oms import IGNORED, ONLY_FILE, Bundle, Resource, Statement, read_bundle, read_statement, signer_of
from freehold.vault.trust.approval import Approval, read_approval
from freehold.vault.trust.rules import Mode, Rule, Trust

_FILES_ONLY = "files"  # what a signature is over
_MANIFEST_TOO = "files and manifest"
_DOES_NOT_FIT = "the signature does not fit what it is over"
_UNSIGNED = "nobody has approved it, and what its manifest says is not signed by this estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is kept about one model but its files."""

    document: Document
    signatures: tuple[bytes, ...] = ()
    approvals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One signature as a person sees it. ``problem`` is empty if it holds."""

    signer: str  # what the key is called here; empty: it is not known
    hint: str  # of the key; empty for certificates
    manifest_too: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``why`` completes "it may run:" or "it may not run:"."""

    may_run: bool
    mode: Mode
    why: str
    approval: Approval | None = None
    manifest_vouched: bool = False  # somebody whose word counts has signed what the manifest says
    warned: bool = False  # nobody vouches for it, and the rule of its source has that said


def judge(evidence: Evidence, trust: Trust, at: datetime, concerns: Sequence[str] = ()) -> Verdict:
    """Whether the model may run. ``concerns``: what of it wants a person's approval."""
    document, rule = evidence.document, trust.rule_for(evidence.document.manifest)
    approval = next(_approvals(evidence, trust, rule), None)
    guarded = trust.estate is not None and any(
        bundle.hint == trust.estate.hint
        and _covers(bundle, document) == _MANIFEST_TOO
        and bundle.holds_for(trust.estate)
        for bundle in _bundles(evidence.signatures)
    )
    if approval is not None:
        said = f": {approval.reason}" if approval.reason else ""
        why = f"approved by {approval.approved_by} on {approval.approved_at[:10]}{said}"
        vouched = guarded or bool(approval.manifest)
        return Verdict(may_run=True, mode=rule.mode, why=why, approval=approval, manifest_vouched=vouched)
    if not guarded:
        return Verdict(may_run=False, mode=rule.mode, why=_UNSIGNED)
    return _by_rule(evidence, rule, at, concerns)


def signatures_of(evidence: Evidence, trust: Trust, at: datetime) -> tuple[Signed, ...]:
    """Every kept signature, for a person to see, with whose it is and whether it holds."""
    return tuple(_shown(content, evidence.document, trust, at) for content in evidence.signatures)


def approvals_of(evidence: Evidence, trust: Trust) -> tuple[Approval, ...]:
    """Those that hold."""
    return tuple(_approvals(evidence, trust, trust.rule_for(evidence.document.manifest)))


def _by_rule(evidence: Evidence, rule: Rule, at: datetime, concerns: Sequence[str]) -> Verdict:
    signed, reason = False, "nobody has approved it, and no key that is trusted for its source has signed it"
    for bundle in _bundles(evidence.signatures):
        if _covers(bundle, evidence.document):
            try:
                signed = signed or _made_by(bundle, rule, at)
            except VerificationFailed as problem:
                reason = f"nobody has approved it, and {problem.message}"
    if signed and not concerns:
        why = f"signed by a key of trust.{rule.name}"
        return Verdict(may_run=True, mode=rule.mode, why=why, manifest_vouched=True)
    if signed:
        reason = f"it is signed by a key of trust.{rule.name} and wants an approval all the same: {'; '.join(concerns)}"
    if rule.mode is Mode.ENFORCE:
        return Verdict(may_run=False, mode=rule.mode, why=reason, manifest_vouched=True)
    return Verdict(
        may_run=True,
        mode=rule.mode,
        why=f"trust.{rule.name} is {rule.mode}: {reason}",
        manifest_vouched=True,
        warned=rule.mode is Mode.WARN,
    )


def _approvals(evidence: Evidence, trust: Trust, rule: Rule) -> Iterator[Approval]:
    """Those that hold and are about this very model."""
    for bundle in _bundles((*evidence.approvals, *trust.release_approvals)):
        key = next((key for key in _approvers(trust, rule) if key.hint == bundle.hint), None)
        if key is None or not bundle.holds_for(key):
            continue
        try:
            approval = read_approval(bundle)
        except VerificationFailed:
            continue
        if approval.fits(evidence.document, any_manifest=key is trust.release):
            yield approval


def _approvers(trust: Trust, rule: Rule) -> Iterator[EllipticVerifier]:
    yield from (key for key in (trust.estate, trust.release) if key is not None)
    yield from rule.keys


def _bundles(contents: Sequence[bytes]) -> Iterator[Bundle]:
    """Those that can be read; what cannot vouches for nothing."""
    for content in contents:
        try:
            yield read_bundle(content)
        except VerificationFailed:
            continue


def _covers(bundle: Bundle, document: Document) -> str:
    """What a bundle is over: exactly the model's files, these and its manifest, or (empty) something else."""
    try:
        statement = read_statement(bundle.payload)
    except VerificationFailed:
        return ""
    return covered(statement, document)


def covers_manifest(content: bytes, document: Document) -> bool:
    """Whether a kept signature, whoever made it, is over the model's files and its manifest."""
    return any(_covers(bundle, document) == _MANIFEST_TOO for bundle in _bundles((content,)))


def covered(statement: Statement, document: Document) -> str:
    """The same of what was read already. What the outside tool passes over by itself may be missing."""
    files = frozenset(Resource(name=file.path, digest=file.digest) for file in document.manifest.files)
    needed = frozenset(file for file in files if file.name not in IGNORED)
    manifest = Resource(name=MANIFEST_FILE, digest=document.digest)
    if needed <= statement.resources - {manifest} <= files:
        return _MANIFEST_TOO if manifest in statement.resources else _FILES_ONLY
    alone = frozenset({Resource(name=ONLY_FILE, digest=document.manifest.digest)})
    return _FILES_ONLY if len(files) == 1 and statement.resources == alone else ""


def _made_by(bundle: Bundle, rule: Rule, at: datetime) -> bool:
    """Whether a key of the rule made the signature. Raises VerificationFailed saying why certificates do not hold."""
    if bundle.certificates and rule.roots:
        return bundle.holds_for(signer_of(bundle.certificates, rule.roots, at))
    return any(key.hint == bundle.hint and bundle.holds_for(key) for key in rule.keys)


def _shown(content: bytes, document: Document, trust: Trust, at: datetime) -> Signed:
    try:
        bundle = read_bundle(content)
        over = covered(read_statement(bundle.payload), document)
    except VerificationFailed as problem:
        return Signed(signer="", hint="", problem=problem.message)
    if bundle.certificates:
        signer, wrong = _certified(bundle, trust.rule_for(document.manifest), at)
    else:
        signer, key = next(((name, key) for name, key in trust.known_keys() if key.hint == bundle.hint), ("", None))
        wrong = "" if key is None or bundle.holds_for(key) else _DOES_NOT_FIT
    if not over:
        wrong = "it is over other files, or another manifest"
    return Signed(signer=signer, hint=bundle.hint, manifest_too=over == _MANIFEST_TOO, problem=wrong)


def _certified(bundle: Bundle, rule: Rule, at: datetime) -> tuple[str, str]:
    """Whose certificates a bundle has, and what is wrong with it."""
    if not rule.roots:
        return "", ""
    try:
        holds = bundle.holds_for(signer_of(bundle.certificates, rule.roots, at))
    except VerificationFailed as problem:
        return f"trust.{rule.name}", problem.message
    return f"trust.{rule.name}", "" if holds else _DOES_NOT_FIT
