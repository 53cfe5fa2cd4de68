# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.vault_builder import AT, Authority, der, signer

from freehold.admin.founding import found
from freehold.contract.estate import Estate
from freehold.errors import SettingsError
from freehold.settings import parse_settings, read_settings
from freehold.signing.elliptic import EllipticSigner
from freehold.vault.manifest import Document, Manifest, ModelFile, encode, model_digest
from freehold.vault.oms import Resource, Statement, sign, write_statement
from freehold.vault.trust import (
    Approval,
    Evidence,
    Mode,
    Rule,
    Trust,
    draft_approval,
    judge,
    read_trust,
    signatures_of,
)
from freehold.vault.trust.custody import sign_model
from freehold.vault.trust.judge import covered

OWN, PUBLISHER, RELEASE, STRANGER = (signer() for _ in range(4))
FILE = ModelFile(path="model.gguf", digest="sha256:" + "ab" * 32, size_bytes=3)
PUBLISHED = Rule(name="publisher", match=("example.org/*",), keys=(PUBLISHER.verifier,))
TRUST = Trust(rules=(PUBLISHED,), estate=OWN.verifier, release=RELEASE.verifier)


def document(*files: ModelFile, repository: str = "example.org/m", template: str = "sha256:" + "cd" * 32) -> Document:
    files = files or (FILE,)
    manifest = Manifest(
        name="m",
        digest=model_digest(files),
        size_bytes=sum(file.size_bytes for file in files),
        files=files,
        title="",
        architecture="llama",
        parameters=1,
        quantisation="F32",
        context_train_tokens=1,
        chat_template_digest=template,
        tokenizer="",
        licence="MIT",
        origin="/media/m.gguf",
        repository=repository,
        imported_at="2026-11-22T14:38:05Z",
    )
    return Document(manifest=manifest, content=encode(manifest))


def approval(of: Document, by: EllipticSigner = OWN, **changes: str) -> bytes:
    manifest = of.manifest
    approved = Approval(
        model=manifest.digest,
        manifest=of.digest,
        chat_template=manifest.chat_template_digest,
        licence="MIT",
        reason="read",
        approved_by="op_1",
        approved_at="2026-11-22T15:00:00Z",
    )
    return draft_approval("m", msgspec.structs.replace(approved, **changes), by)


def published(of: Document, by: EllipticSigner = PUBLISHER, *, digest: str = "") -> bytes:
    """A signature as the outside tool makes it over the model's folder."""
    resources = [Resource(name=file.path, digest=digest or file.digest) for file in of.manifest.files]
    return sign(write_statement("folder", resources), by)


def may_run(trust: Trust, *signatures: bytes, approvals: tuple[bytes, ...] = (), of: Document | None = None) -> bool:
    evidence = Evidence(document=of or document(), signatures=signatures, approvals=approvals)
    return judge(evidence, trust, AT).may_run


def guarded() -> bytes:
    return sign_model(document(), OWN)


def test_without_anybodys_word_nothing_runs() -> None:
    assert not may_run(TRUST)
    assert not may_run(TRUST, guarded())
    assert not may_run(Trust())


def test_an_approval_lets_exactly_this_model_run() -> None:
    assert may_run(TRUST, approvals=(approval(document()),))
    others = [document(replace_digest(FILE)), document(template=""), document(repository="example.org/other")]
    for other in others:
        assert not may_run(TRUST, approvals=(approval(document()),), of=other)


def replace_digest(file: ModelFile) -> ModelFile:
    return msgspec.structs.replace(file, digest="sha256:" + "ef" * 32)


@pytest.mark.parametrize("field", ["model", "manifest", "chat_template"])
def test_an_approval_of_something_else_does_not_count(field: str) -> None:
    assert not may_run(TRUST, approvals=(approval(document(), OWN, **{field: "sha256:" + "00" * 32}),))


def test_approvals_count_from_the_estate_a_key_of_the_source_and_the_release() -> None:
    assert may_run(TRUST, approvals=(approval(document(), PUBLISHER),))
    assert may_run(TRUST, approvals=(approval(document(), RELEASE),))
    assert not may_run(TRUST, approvals=(approval(document(), STRANGER),))
    elsewhere = document(repository="elsewhere.org/m")
    assert not may_run(TRUST, approvals=(approval(elsewhere, PUBLISHER),), of=elsewhere)


def test_only_a_release_may_leave_the_manifest_open() -> None:
    trust = replace(TRUST, release_approvals=(approval(document(), RELEASE, manifest=""),))
    assert may_run(trust)
    assert may_run(trust, of=document(repository="elsewhere.org/m"))
    assert not may_run(trust, of=document(template=""))
    assert not may_run(TRUST, approvals=(approval(document(), OWN, manifest=""),))


def test_a_publishers_signature_needs_the_estates_own_on_the_manifest() -> None:
    assert may_run(TRUST, guarded(), published(document()))
    assert not may_run(TRUST, published(document()))
    assert not may_run(TRUST, sign_model(document(), STRANGER), published(document()))


def test_a_signature_of_one_file_by_itself_counts() -> None:
    alone = sign(write_statement("model.gguf", [Resource(name=".", digest=FILE.digest)]), PUBLISHER)
    assert may_run(TRUST, guarded(), alone)


def test_only_what_the_outside_tool_passes_over_may_lack_a_signature() -> None:
    attributes = ModelFile(path=".gitattributes", digest=FILE.digest, size_bytes=1)
    assert may_run(
        TRUST, sign_model(document(FILE, attributes), OWN), published(document()), of=document(FILE, attributes)
    )
    for other in ("README.md", "a/.gitattributes"):
        more = document(FILE, ModelFile(path=other, digest=FILE.digest, size_bytes=1))
        assert not may_run(TRUST, sign_model(more, OWN), published(document()), of=more)


def test_a_signature_that_names_what_may_be_missing_has_to_name_what_is_there() -> None:
    attributes = ModelFile(path=".gitattributes", digest=FILE.digest, size_bytes=1)
    model = document(FILE, attributes)
    named = [Resource(name=file.path, digest=file.digest) for file in model.manifest.files]
    assert covered(Statement(name="any", resources=frozenset(named)), model)
    other = [*named[:-1], Resource(name=named[-1].name, digest="sha256:" + "ef" * 32)]
    assert not covered(Statement(name="any", resources=frozenset(other)), model)


def test_a_signature_by_another_key_or_over_other_files_does_not_count() -> None:
    more = document(FILE, ModelFile(path="README.md", digest=FILE.digest, size_bytes=1))
    assert not may_run(TRUST, guarded(), published(document(), STRANGER))
    assert not may_run(TRUST, guarded(), published(document(), digest="sha256:" + "00" * 32))
    assert not may_run(TRUST, guarded(), published(more))
    assert not may_run(TRUST, sign_model(more, OWN), published(document()), of=more)


def test_a_publisher_is_believed_for_its_own_sources_alone() -> None:
    elsewhere = document(repository="elsewhere.org/m")
    assert not may_run(TRUST, sign_model(elsewhere, OWN), published(elsewhere), of=elsewhere)


def test_what_wants_an_approval_does_not_run_on_a_signature() -> None:
    evidence = Evidence(document=document(), signatures=(guarded(), published(document())))
    verdict = judge(evidence, TRUST, AT, ["its licence caps revenue"])
    assert (verdict.may_run, "its licence caps revenue" in verdict.why) == (False, True)
    approved = replace(evidence, approvals=(approval(document()),))
    assert judge(approved, TRUST, AT, ["its licence caps revenue"]).may_run


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.WARN])
def test_where_nothing_is_asked_the_manifest_must_still_be_the_estates(mode: Mode) -> None:
    trust = Trust(rules=(Rule(name="lab", match=("*",), mode=mode),), estate=OWN.verifier)
    verdict = judge(Evidence(document=document(), signatures=(guarded(),)), trust, AT)
    assert (verdict.may_run, verdict.warned) == (True, mode is Mode.WARN)
    assert not may_run(trust)
    assert not may_run(trust, sign_model(document(repository="other"), OWN))


def test_the_longest_pattern_decides() -> None:
    rules = (
        Rule(name="all", match=("*",), mode=Mode.OFF),
        Rule(name="org", match=("example.org/*",), mode=Mode.WARN),
        Rule(name="one", match=("example.org/m",)),
    )
    trust = Trust(rules=rules)
    names = ["elsewhere.org/m", "example.org/n", "example.org/m"]
    assert [trust.rule_for(document(repository=name).manifest).name for name in names] == ["all", "org", "one"]
    by_file = Trust(rules=(Rule(name="usb", match=("/media/*.gguf",)),))
    assert by_file.rule_for(document(repository="").manifest).name == "usb"
    assert Trust().rule_for(document().manifest) == Rule()


def certified(root: Authority, *, days: int = 365) -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    statement = write_statement("m", [Resource(name=FILE.path, digest=FILE.digest)])
    return sign(statement, EllipticSigner(private), der([root.issue(private.public_key(), days=days)]))


def test_certificates_count_while_they_hold_and_lead_to_a_root_of_the_source() -> None:
    root, other = Authority(), Authority()
    trust = replace(TRUST, rules=(replace(PUBLISHED, keys=(), roots=(root.certificate,)),))
    assert may_run(trust, guarded(), certified(root))
    assert not may_run(trust, guarded(), certified(other))
    evidence = Evidence(document=document(), signatures=(guarded(), certified(root, days=3)))
    assert judge(evidence, trust, AT + timedelta(days=2)).may_run
    late = judge(evidence, trust, AT + timedelta(days=4))
    assert not late.may_run
    assert "is not valid on 2026-11-26" in late.why


def test_a_person_sees_whose_signature_holds() -> None:
    false = sign(b"{}", STRANGER).replace(STRANGER.verifier.hint.encode(), OWN.verifier.hint.encode())
    evidence = Evidence(
        document=document(),
        signatures=(guarded(), published(document()), published(document(), STRANGER), b"nothing", false),
    )
    own, publisher, stranger, nothing, other = signatures_of(evidence, TRUST, AT)
    assert (own.signer, own.manifest_too, own.problem) == ("this estate", True, "")
    assert (publisher.signer, publisher.manifest_too, publisher.problem) == ("trust.publisher", False, "")
    assert (stranger.signer, stranger.problem) == ("", "")
    assert (nothing.problem, other.problem) != ("", "")


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[str], Trust]:
    estate = Estate(tmp_path / "estate")
    found(estate)
    (estate.keys / "publisher.pem").write_bytes(PUBLISHER.verifier.pem)

    def read(text: str) -> Trust:
        with estate.settings.open("a", encoding="utf-8") as file:
            file.write(text)
        return read_trust(estate, read_settings(estate.settings))

    return read


def test_settings_name_keys_in_the_estate(configured: Callable[[str], Trust]) -> None:
    trust = configured('\n[trust.publisher]\nmatch = ["example.org/*"]\nkeys = ["file:keys/publisher.pem"]\n')
    (rule,) = trust.rules
    assert (rule.name, rule.mode, [key.hint for key in rule.keys]) == (
        "publisher",
        Mode.ENFORCE,
        [PUBLISHER.verifier.hint],
    )
    assert trust.estate is not None
    assert trust.release is not None
    assert trust.release_approvals


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ('keys = ["file:keys/missing.pem"]', r"line \d+: \[trust.p\] keys: the key file .*missing.pem cannot be read"),
        ('keys = ["pkcs11:token"]', r"\[trust.p\] keys: no key can be read from pkcs11:"),
        ('certificates = ["file:freehold.toml"]', r"\[trust.p\] certificates: .* holds no certificates"),
    ],
)
def test_a_key_that_cannot_be_read_is_blamed_on_its_line(
    configured: Callable[[str], Trust], setting: str, reason: str
) -> None:
    with pytest.raises(SettingsError, match=reason):
        configured(f'\n[trust.p]\nmatch = ["*"]\n{setting}\n')


def test_one_pattern_in_two_tables_is_refused() -> None:
    text = """
    [estate]
    origin = "a/b"
    [service.s]
    targets = ["t"]
    [target.t]
    engine = "llamacpp"
    model = "m"
    [trust.one]
    match = ["*"]
    [trust.two]
    match = ["x", "*"]
    """
    with pytest.raises(SettingsError, match=r"\[trust.two\] match: '\*' is matched by \[trust.one\] already"):
        parse_settings(text)
