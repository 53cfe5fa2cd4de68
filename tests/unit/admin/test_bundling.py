# SPDX-License-Identifier: Apache-2.0
"""Bundles between estates: what goes along, what is on record, and what is never replaced unasked."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps, take_in

from freehold.admin.bundle_papers import read_papers
from freehold.admin.founding import found
from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import ApproveModel, BundlePart, ExportBundle, ImportBundle, ImportModel
from freehold.contract.estate import Estate
from freehold.engine.building import Builds, cpu
from freehold.engine.building.builds import RECORD, SERVER, Build, Program, digest_of_build, encode
from freehold.errors import EgressDenied, EstateError, LedgerFull, OperatorError, SettingsError, VerificationFailed
from freehold.settings import read_settings
from freehold.vault import Vault, own_signer
from freehold.vault.bundle import Bundles, KnownFile, Wanted, look_into
from freehold.vault.hashing import silent
from freehold.vault.store import Store

RULES = '@id("own")\nforbid (principal, action, resource) when { resource.operator == "nobody" };\n'


def permit_nobody(errand: object) -> Any:
    raise EgressDenied(f"a test tried to contact {errand}")


@pytest.fixture
async def exported(
    operations: Operations, estate: Estate, gguf: Callable[[], Path], steps: Steps, tmp_path: Path
) -> Path:
    """A bundle of an estate with one model, approved, and rules of its own."""
    await take_in(operations, ImportModel(source=str(gguf()), name="tiny"), steps.asker())
    await operations.custody.approve(ApproveModel(name="tiny"), "op_1")
    estate.policies.mkdir()
    (estate.policies / "own.cedar").write_text(RULES)
    (estate.policies / "notes~").write_text("no rule")
    place = tmp_path / "bundle.tar"
    await operations.bundling.export(ExportBundle(path=str(place)), "op_1", silent, permit_nobody)
    return place


@pytest.fixture
def other(tmp_path: Path) -> Estate:
    other = Estate(tmp_path / "other")
    found(other, port=9000, admin_port=9001)
    return other


@pytest.fixture
def there(other: Estate, parts: Parts) -> Operations:
    """The operations of an estate elsewhere."""
    vault = Vault(other.vault, signer=lambda: own_signer(other))
    return Operations(
        replace(parts, estate=other, vault=vault), read_settings(other.settings), now_unix=lambda: NOW_UNIX
    )


def wish(place: Path, estate: Estate, **more: Any) -> ImportBundle:
    return ImportBundle(path=str(place), keys=(f"file:{estate.vault_pub}",), **more)


async def bring(there: Operations, request: ImportBundle) -> Any:
    return (await there.bundling.take_in(request, "op_2", silent))["bundle"]


async def test_an_export_is_on_record_with_the_bundles_digest(
    exported: Path, estate: Estate, ledger: FakeLedger
) -> None:
    kind, subject, operator, digests = ledger.acts[-1]
    assert (kind, subject, operator) == ("bundle.export", read_settings(estate.settings).estate.origin, "op_1")
    assert digests == {"bundle": look_into(exported).digest}


async def test_rules_facts_settings_and_a_bill_of_materials_go_along(exported: Path) -> None:
    bundle = look_into(exported)
    assert set(bundle.papers) == {"bom.cdx.json", "freehold.toml", "policies/own.cedar"}
    bill = json.loads(bundle.papers["bom.cdx.json"])
    assert bill["specVersion"] == "1.7"
    assert bill["metadata"]["timestamp"] == bundle.models[0].document.manifest.imported_at


async def test_an_export_is_the_same_on_another_day(
    exported: Path, estate: Estate, parts: Parts, tmp_path: Path
) -> None:
    later = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX + 86_400)
    request = ExportBundle(path=str(tmp_path / "later.tar"))
    await later.bundling.export(request, "op_1", silent, permit_nobody)
    assert (tmp_path / "later.tar").read_bytes() == exported.read_bytes()


async def test_no_key_and_nothing_of_calls_goes_along(exported: Path, estate: Estate) -> None:
    content = exported.read_bytes()
    for place in (estate.vault_key, estate.ledger_key):
        assert place.read_bytes() not in content
    assert b"PRIVATE KEY" not in content


@pytest.mark.parametrize("secret", ["-----BEGIN PRIVATE KEY-----", "https://user:word@llm.example.fr/v1"])
async def test_a_secret_among_the_papers_stops_the_export(
    secret: str, operations: Operations, estate: Estate, tmp_path: Path
) -> None:
    estate.facts.mkdir()
    (estate.facts / "paris.yaml").write_text(f"# {secret}\n")
    with pytest.raises(EstateError, match=r"facts/paris\.yaml holds a private key, or an address") as refused:
        await operations.bundling.export(ExportBundle(path=str(tmp_path / "b.tar")), "op_1", silent, permit_nobody)
    assert "'--without facts'" in refused.value.advice
    assert not (tmp_path / "b.tar").exists()


async def test_files_that_settings_name_go_along_if_they_lie_in_the_estate(estate: Estate) -> None:
    (estate.keys / "publisher.pem").write_bytes(estate.vault_pub.read_bytes())
    with estate.settings.open("a") as file:
        file.write('\n[trust.publisher]\nmatch = ["*"]\nkeys = ["file:keys/publisher.pem", "file:/etc/other.pem"]\n')
    papers = read_papers(estate, read_settings(estate.settings), ())
    assert set(papers) == {"freehold.toml", "keys/publisher.pem"}


async def test_an_estate_elsewhere_has_all_of_it(
    exported: Path, estate: Estate, other: Estate, there: Operations, ledger: FakeLedger
) -> None:
    before = read_settings(other.settings)
    taken = await bring(there, wish(exported, estate))
    assert [(model["name"], model["new"]) for model in taken["models"]] == [("tiny", True)]
    assert {paper["path"]: paper["outcome"] for paper in taken["papers"]} == {
        "freehold.toml": "same",
        "policies/own.cedar": "new",
    }
    assert (other.policies / "own.cedar").read_text() == RULES
    assert read_settings(other.settings).estate == before.estate
    assert read_settings(other.settings).listen.port == 9000
    assert [act[:3] for act in ledger.acts[-2:]] == [
        ("bundle.import", read_settings(estate.settings).estate.origin, "op_2"),
        ("model.import", "tiny", "op_2"),
    ]


async def test_settings_of_a_fresh_estate_are_replaced_but_for_its_place(  # noqa: PLR0917 - fixtures
    exported: Path, operations: Operations, estate: Estate, other: Estate, there: Operations, tmp_path: Path
) -> None:
    text = estate.settings.read_text().replace("# max_body_mb = 32 ", "max_body_mb = 8 ")
    estate.settings.write_text(text)
    again = tmp_path / "again.tar"
    await operations.bundling.export(ExportBundle(path=str(again)), "op_1", silent, permit_nobody)
    before = read_settings(other.settings)
    await bring(there, wish(again, estate))
    after = read_settings(other.settings)
    assert after.gateway.max_body_mb == 8
    assert (after.estate, after.listen) == (before.estate, before.listen)


async def test_what_differs_is_named_and_not_replaced_unasked(
    exported: Path, estate: Estate, other: Estate, there: Operations, ledger: FakeLedger
) -> None:
    other.policies.mkdir()
    (other.policies / "own.cedar").write_text("// ours\n")
    acts = list(ledger.acts)
    with pytest.raises(EstateError, match=r"policies/own\.cedar \(2 lines more, 1 less\)") as refused:
        await bring(there, wish(exported, estate))
    assert "--replace" in refused.value.advice
    assert (other.policies / "own.cedar").read_text() == "// ours\n"
    assert Vault(other.vault).list() == ()
    assert ledger.acts == acts
    await bring(there, wish(exported, estate, without=("policies",)))
    assert (other.policies / "own.cedar").read_text() == "// ours\n"
    taken = await bring(there, wish(exported, estate, replace=True))
    assert {"path": "policies/own.cedar", "outcome": "replaced"} in taken["papers"]
    assert (other.policies / "own.cedar").read_text() == RULES


async def test_settings_that_somebody_has_edited_are_not_replaced_unasked(
    exported: Path, estate: Estate, other: Estate, there: Operations
) -> None:
    other.settings.write_text(other.settings.read_text().replace("# max_body_mb = 32 ", "max_body_mb = 9 "))
    with pytest.raises(EstateError, match=r"freehold\.toml \(\d+ lines more"):
        await bring(there, wish(exported, estate))
    await bring(there, wish(exported, estate, without=("settings",)))
    assert read_settings(other.settings).gateway.max_body_mb == 9


async def test_a_model_that_was_approved_elsewhere_may_run_here_on_somebodys_word(
    exported: Path, estate: Estate, there: Operations, ledger: FakeLedger
) -> None:
    taken = await bring(there, wish(exported, estate))
    assert not taken["models"][0]["may_run"]
    taken = await bring(there, wish(exported, estate, approve=True))
    assert taken["models"][0]["may_run"]
    assert ledger.acts[-1][:3] == ("model.approve", "tiny", "op_2")


async def test_nobody_is_trusted_unless_the_operator_says_so(exported: Path, there: Operations, other: Estate) -> None:
    with pytest.raises(VerificationFailed, match="nobody has named here"):
        await bring(there, ImportBundle(path=str(exported)))
    await bring(there, ImportBundle(path=str(exported), digest=look_into(exported).digest))
    assert [manifest.name for manifest in Vault(other.vault).list()] == ["tiny"]


async def test_without_a_record_nothing_comes_in(
    exported: Path, estate: Estate, other: Estate, there: Operations, ledger: FakeLedger
) -> None:
    ledger.fault = LedgerFull("the disk of the ledger is full")
    with pytest.raises(LedgerFull):
        await bring(there, wish(exported, estate))
    assert Vault(other.vault).list() == ()
    assert not other.policies.exists()


def bundle_with(place: Path, estate: Estate, papers: dict[str, bytes]) -> Path:
    """A bundle that the estate signs, with whatever papers."""
    bundles = Bundles(Store(estate.vault))
    bundles.write(bundles.pack(Wanted(origin="freehold.local/x", models=[], papers=papers), own_signer(estate)), place)
    return place


NO_PAPERS = [
    "keys/vault.key",
    "state.db",
    "../policies/out.cedar",
    "/etc/passwd",
    "policies/in/it.cedar",
    "policies/.hidden.cedar",
    "vault/lock",
    "run/control.sock",
    "ledger/checkpoint",
    "facts/a.txt",
    "engines/llamacpp/x",
    "acceptance/unnamed.yaml",
]


@pytest.mark.parametrize("path", NO_PAPERS)
async def test_a_file_that_is_no_paper_refuses_the_whole(
    path: str, estate: Estate, other: Estate, there: Operations, tmp_path: Path
) -> None:
    place = bundle_with(tmp_path / "b.tar", estate, {path: b"x", "policies/own.cedar": RULES.encode()})
    with pytest.raises(VerificationFailed, match="no paper of an estate"):
        await bring(there, wish(place, estate))
    assert not other.policies.exists()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("policies/own.cedar", b"permit("),
        ("facts/own.yaml", b"providers: 7"),
        ("freehold.toml", b"[gateway]\nmore = 1\n"),
    ],
)
async def test_rules_facts_and_settings_that_do_not_hold_are_not_let_in(  # noqa: PLR0917 - fixtures
    path: str, content: bytes, estate: Estate, other: Estate, there: Operations, tmp_path: Path
) -> None:
    before = sorted(other.directory.iterdir())
    place = bundle_with(tmp_path / "b.tar", estate, {path: content})
    with pytest.raises(OperatorError):
        await bring(there, wish(place, estate, replace=True))
    assert sorted(other.directory.iterdir()) == before


async def test_a_part_that_is_left_out_of_an_export_is_not_in_it(
    operations: Operations, exported: Path, tmp_path: Path
) -> None:
    parts: tuple[BundlePart, ...] = ("policies", "settings", "bom")
    request = ExportBundle(path=str(tmp_path / "less.tar"), without=parts, models=())
    await operations.bundling.export(request, "op_1", silent, permit_nobody)
    found_in = look_into(tmp_path / "less.tar")
    assert (dict(found_in.papers), found_in.models) == ({}, ())


async def test_settings_that_cannot_be_put_together_are_refused(
    estate: Estate, there: Operations, tmp_path: Path
) -> None:
    text = estate.settings.read_text().replace("[estate]\norigin", '[estate]\nregion = """\n[listen]\n"""\norigin')
    place = bundle_with(tmp_path / "b.tar", estate, {"freehold.toml": text.encode()})
    with pytest.raises(SettingsError):
        await bring(there, wish(place, estate))


def built(estate: Estate, *, features: tuple[str, ...] = ()) -> Build:
    """An engine that the estate has built, as far as anybody looks at it without running it."""
    content = b"an engine"
    program = Program(name=SERVER, digest=f"sha256:{hashlib.sha256(content).hexdigest()}", size_bytes=len(content))
    build = Build(
        source="tiny-1.0.tar.gz",
        source_digest="sha256:" + "00" * 32,
        version="1",
        cmake="3",
        compiler="cc",
        options=(),
        machine=cpu.machine(),
        cpu_features=features,
        programs=(program,),
        built_at="2026-11-22T14:38:05Z",
    )
    folder = estate.engines / "llamacpp" / digest_of_build(build)
    folder.mkdir(parents=True)
    (folder / SERVER).write_bytes(content)
    (folder / RECORD).write_bytes(encode(build))
    return build


async def test_an_engine_goes_along_if_asked_and_is_on_record_where_it_comes_in(
    operations: Operations, estate: Estate, other: Estate, there: Operations, ledger: FakeLedger
) -> None:
    build, place = built(estate), estate.directory.parent / "b.tar"
    request = ExportBundle(path=str(place), engines=True)
    await operations.bundling.export(request, "op_1", silent, permit_nobody)
    taken = await bring(there, wish(place, estate))
    assert [engine["problem"] for engine in taken["engines"]] == [""]
    (kept,) = Builds(other.engines).list()
    assert (kept.digest, kept.problem) == (digest_of_build(build), "")
    assert Builds(other.engines).server() == kept.folder / SERVER
    assert (kept.folder / SERVER).stat().st_mode & 0o777 == 0o555
    assert ledger.acts[-1][:2] == ("engine.import", "llamacpp")
    assert ledger.acts[-1][3]["build"] == f"sha256:{kept.digest}"
    again = await bring(there, wish(place, estate))
    assert [engine["problem"] for engine in again["engines"]] == ["it is here already"]


async def test_an_engine_of_another_processor_is_left_out_and_said(
    estate: Estate, other: Estate, there: Operations, tmp_path: Path
) -> None:
    build = built(estate, features=("avx9000",))
    folder = estate.engines / "llamacpp" / digest_of_build(build)
    files = [
        KnownFile(title=name, path=folder / name, digest=digest, size_bytes=(folder / name).stat().st_size)
        for name, digest in ((RECORD, f"sha256:{digest_of_build(build)}"), (SERVER, build.programs[0].digest))
    ]
    bundles = Bundles(Store(estate.vault))
    whole = bundles.pack(Wanted(origin="freehold.local/x", models=[], engines=[files]), own_signer(estate))
    bundles.write(whole, tmp_path / "b.tar")
    taken = await bring(there, wish(tmp_path / "b.tar", estate))
    assert "avx9000, and this one has not" in taken["engines"][0]["problem"]
    assert Builds(other.engines).list() == ()
