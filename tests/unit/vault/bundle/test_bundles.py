# SPDX-License-Identifier: Apache-2.0
"""Bundles out of one vault and into another: the same bytes every time, and everything as it was."""

import errno
import hashlib
import json
import shutil
import tarfile
import threading
from pathlib import Path

import pytest
from tests.bundle_builder import TINY, Builder, tar_of
from tests.gguf_builder import Gguf, number
from tests.vault_builder import AT, model_files, signer, write_files

from freehold.errors import VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault
from freehold.vault.bundle import Asked, Terms, Wanted, look_into
from freehold.vault.trust import Rule

OWN, OTHER = signer(), signer()
PAPERS = {"policies/own.cedar": b"// none\n", "facts/own.yaml": b"{}\n"}
NAMED = Terms(trust=Trust(estate=OTHER.verifier), at=AT, keys=(OWN.verifier,))


@pytest.fixture
def exporter(tmp_path: Path) -> Vault:
    """A vault with a model of one file and one of several."""
    vault = Vault(tmp_path / "from", signer=lambda: OWN, now=lambda: AT)
    (tmp_path / "tiny.gguf").write_bytes(TINY)
    vault.import_model(str(tmp_path / "tiny.gguf"), "tiny")
    vault.import_model(str(write_files(tmp_path / "many", model_files())), "many")
    vault.keep_approval("tiny", vault.draft_approval("tiny", OWN, reason="read by two people", by="op_1"))
    return vault


@pytest.fixture
def importer(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "to", signer=lambda: OTHER)


def export(vault: Vault, place: Path, *models: str, key: EllipticSigner = OWN, as_folder: bool = False) -> str:
    wanted = Wanted(origin="freehold.local/test", models=models or ("tiny", "many"), papers=PAPERS)
    whole = vault.bundles.pack(wanted, key)
    vault.bundles.write(whole, place, as_folder=as_folder)
    return whole.digest


def take_in(vault: Vault, place: Path, terms: Terms = NAMED, models: frozenset[str] | None = None) -> str:
    with vault.bundles.staged(place, Asked(terms=terms, models=models)) as staged:
        staged.commit(OTHER)
        return staged.bundle.signer


def test_the_same_vault_gives_the_same_bytes(exporter: Vault, tmp_path: Path) -> None:
    one, other = tmp_path / "one.tar", tmp_path / "other.tar"
    assert export(exporter, one, "tiny", "many") == export(exporter, other, "many", "tiny")
    assert one.read_bytes() == other.read_bytes()


def test_a_vault_that_was_copied_gives_the_same_bytes(exporter: Vault, tmp_path: Path) -> None:
    copy = shutil.copytree(tmp_path / "from", tmp_path / "copy", copy_function=shutil.copyfile)
    export(exporter, tmp_path / "one.tar")
    export(Vault(copy), tmp_path / "other.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "other.tar").read_bytes()


def test_nothing_in_the_archive_says_who_wrote_it_or_when(exporter: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "one.tar")
    with tarfile.open(tmp_path / "one.tar") as archive:
        members = archive.getmembers()
    assert {(member.uid, member.gid, member.uname, member.mtime, member.mode) for member in members} == {
        (0, 0, "", 0, 0o444)
    }
    assert [member.name for member in members][:2] == ["oci-layout", "index.json"]


def test_a_folder_has_the_files_of_the_archive(exporter: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "one.tar")
    export(exporter, tmp_path / "folder", as_folder=True)
    with tarfile.open(tmp_path / "one.tar") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    files = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "folder", tmp_path / "unpacked")
    ]
    assert files[0] == files[1]


@pytest.mark.parametrize("as_folder", [False, True])
def test_models_come_in_with_all_that_was_said_of_them(
    exporter: Vault, importer: Vault, tmp_path: Path, *, as_folder: bool
) -> None:
    export(exporter, tmp_path / "bundle", as_folder=as_folder)
    take_in(importer, tmp_path / "bundle")
    assert [(check.name, check.problem) for check in importer.verify_all()] == [("many", ""), ("tiny", "")]
    for name in ("many", "tiny"):
        assert importer.document(name).content == exporter.document(name).content
    hints = {signed.hint for signed in importer.judge("tiny", Trust()).signatures}
    assert hints == {OWN.verifier.hint, OTHER.verifier.hint}


def test_an_approval_counts_where_the_exporters_key_is_trusted(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    export(exporter, tmp_path / "bundle.tar")
    take_in(importer, tmp_path / "bundle.tar")
    stranger = Trust(estate=OTHER.verifier)
    assert not importer.judge("tiny", stranger).verdict.may_run
    rule = Rule(name="headquarters", match=("*",), keys=(OWN.verifier,))
    verdict = importer.judge("tiny", Trust(estate=OTHER.verifier, rules=(rule,))).verdict
    assert verdict.why == "approved by op_1 on 2026-11-22: read by two people"


def test_what_came_in_is_exported_as_the_same_models(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "one.tar")
    take_in(importer, tmp_path / "one.tar")
    export(importer, tmp_path / "two.tar", key=OTHER)
    one, two = look_into(tmp_path / "one.tar"), look_into(tmp_path / "two.tar")
    assert [model.artifact for model in one.contents.models] == [model.artifact for model in two.contents.models]


def test_a_bundle_that_is_taken_in_twice_changes_nothing(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    take_in(importer, tmp_path / "bundle.tar")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "to").rglob("*") if path.is_file()}
    take_in(importer, tmp_path / "bundle.tar")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_file_that_was_damaged_here_does_not_pass_for_the_one_that_comes_in(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    export(exporter, tmp_path / "bundle.tar")
    take_in(importer, tmp_path / "bundle.tar")
    (file,) = importer.show("tiny").files
    blob = tmp_path / "to" / "blobs" / "sha256" / file.digest.removeprefix("sha256:")
    blob.chmod(0o600)
    blob.write_bytes(TINY[:-1] + b"!")
    with pytest.raises(VerificationFailed, match=f"{blob} is in the vault: its digest must be {file.digest}"):
        take_in(importer, tmp_path / "bundle.tar")
    blob.rename(tmp_path / "kept")
    take_in(importer, tmp_path / "bundle.tar")
    assert not any(check.problem for check in importer.verify_all())


def test_only_the_models_that_are_asked_for_come_in(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    take_in(importer, tmp_path / "bundle.tar", models=frozenset({"tiny"}))
    assert [manifest.name for manifest in importer.list()] == ["tiny"]
    with pytest.raises(VerificationFailed, match="no model 'huge'; it has many, tiny"):
        take_in(importer, tmp_path / "bundle.tar", models=frozenset({"huge"}))


def test_a_name_that_stands_for_other_weights_refuses_the_whole(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    export(exporter, tmp_path / "bundle.tar")
    (tmp_path / "else.gguf").write_bytes(Gguf().with_value("llama.context_length", number(256)).build())
    importer.import_model(str(tmp_path / "else.gguf"), "tiny")
    with pytest.raises(VaultError, match="tiny already stands for"):
        take_in(importer, tmp_path / "bundle.tar")
    assert [manifest.name for manifest in importer.list()] == ["tiny"]


def terms(**what: object) -> Terms:
    trust = Trust(estate=OTHER.verifier, rules=what.pop("rules", ()))  # type: ignore[arg-type]  # one of each test's own
    return Terms(trust=trust, at=AT, **what)  # type: ignore[arg-type]


def test_nobody_is_trusted_because_a_bundle_brings_their_key(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    with pytest.raises(VerificationFailed, match="nobody has named here") as refused:
        take_in(importer, tmp_path / "bundle.tar", terms())
    assert "--digest or --key" in refused.value.advice


def test_a_key_that_is_named_a_rule_that_matches_and_the_digest_each_do(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    place = tmp_path / "bundle.tar"
    digest = export(exporter, place)
    for_bundles = Rule(name="hq", match=("bundle:freehold.local/*",), keys=(OWN.verifier,))
    for_the_place = Rule(name="usb", match=(f"{tmp_path}/*",), keys=(OWN.verifier,))
    for given, why in (
        (terms(keys=(OWN.verifier,)), "that was named"),
        (terms(rules=(for_bundles,)), "trust.hq"),
        (terms(rules=(for_the_place,)), "trust.usb"),
        (terms(digest=digest), "of the bundle whose digest was named"),
    ):
        assert why in take_in(importer, place, given)


def test_a_rule_about_other_sources_does_not(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    rule = Rule(name="publisher", match=("pkg:*",), keys=(OWN.verifier,))
    with pytest.raises(VerificationFailed, match="nobody has named here"):
        take_in(importer, tmp_path / "bundle.tar", terms(rules=(rule,)))


def test_another_bundle_than_the_one_that_was_named_is_refused(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    export(exporter, tmp_path / "bundle.tar")
    with pytest.raises(VerificationFailed, match="the bundle must be sha256:0000"):
        take_in(importer, tmp_path / "bundle.tar", terms(keys=(OWN.verifier,), digest="sha256:" + "00" * 32))


def test_the_estate_that_wrote_a_bundle_takes_it_back(exporter: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    exporter.remove("tiny")
    with exporter.bundles.staged(
        tmp_path / "bundle.tar", Asked(terms=Terms(trust=Trust(estate=OWN.verifier), at=AT))
    ) as staged:
        staged.commit(OWN)
    assert exporter.verify("tiny").name == "tiny"


def test_nothing_is_written_over_what_is_there(exporter: Vault, tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").write_text("mine")
    for place, as_folder in ((tmp_path / "bundle.tar", False), (tmp_path / "folder", True)):
        with pytest.raises(VaultError, match="is there already"):
            export(exporter, place, as_folder=as_folder)
    export(exporter, tmp_path / "empty", as_folder=True)


@pytest.mark.parametrize("as_folder", [False, True])
def test_an_export_that_fails_leaves_nothing(exporter: Vault, tmp_path: Path, *, as_folder: bool) -> None:
    out = tmp_path / "out"
    out.mkdir()
    blob = max((tmp_path / "from" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.chmod(0o644)
    blob.write_bytes(b"x" * blob.stat().st_size)
    with pytest.raises(VerificationFailed, match="the digest must be"):
        export(exporter, out / "bundle", as_folder=as_folder)
    assert list(out.iterdir()) == []


def test_an_export_that_is_interrupted_leaves_nothing(exporter: Vault, tmp_path: Path) -> None:
    def interrupt(done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    whole = exporter.bundles.pack(Wanted(origin="o", models=["tiny"]), OWN)
    for as_folder in (False, True):
        with pytest.raises(KeyboardInterrupt):
            exporter.bundles.write(whole, out / "bundle", interrupt, as_folder=as_folder)
    assert list(out.iterdir()) == []


def test_a_disk_that_is_too_small_is_seen_before_anything_is_copied(exporter: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    small = Vault(tmp_path / "to", free=lambda _: 64 * 2**20 + 10, signer=lambda: OTHER)
    with pytest.raises(VaultError, match="bytes for this model and has"):
        take_in(small, tmp_path / "bundle.tar")
    assert small.list() == ()


def test_a_disk_that_is_full_at_nine_tenths_leaves_the_vault_as_it_was(
    exporter: Vault, importer: Vault, tmp_path: Path
) -> None:
    def full(done_bytes: int, total_bytes: int) -> None:
        if done_bytes >= 0.9 * total_bytes:
            raise OSError(errno.ENOSPC, "no space")

    export(exporter, tmp_path / "bundle.tar")
    with (
        pytest.raises(VaultError, match="No space left on device"),
        importer.bundles.staged(tmp_path / "bundle.tar", Asked(terms=NAMED), full),
    ):
        pass
    assert [path.name for path in (tmp_path / "to").rglob("*") if path.is_file()] == ["lock"]


def test_two_imports_at_once_keep_everything_once(exporter: Vault, importer: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "bundle.tar")
    together, ended = threading.Barrier(2), list[str]()

    def take() -> None:
        with importer.bundles.staged(tmp_path / "bundle.tar", Asked(terms=NAMED)) as staged:
            together.wait()
            staged.commit(OTHER)
            ended.append(staged.bundle.digest)

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 2
    assert [check.problem for check in importer.verify_all()] == ["", ""]
    assert list((tmp_path / "to" / "incoming").iterdir()) == []


def test_a_second_writer_of_the_format_is_read_as_the_first(importer: Vault, tmp_path: Path) -> None:
    (tmp_path / "bundle.tar").write_bytes(tar_of(Builder(OWN).build()))
    take_in(importer, tmp_path / "bundle.tar")
    assert [manifest.name for manifest in importer.list()] == ["other", "tiny"]


@pytest.mark.parametrize("writer", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_an_archive_that_other_tools_wrote_is_read(
    exporter: Vault, importer: Vault, tmp_path: Path, writer: int
) -> None:
    export(exporter, tmp_path / "folder", as_folder=True)
    with tarfile.open(tmp_path / "again.tar", "w", format=writer) as archive:
        archive.add(tmp_path / "folder", arcname=".")
    take_in(importer, tmp_path / "again.tar")
    assert len(importer.list()) == 2


def test_an_archive_is_read_piece_by_piece(exporter: Vault, tmp_path: Path) -> None:
    """Progress counts every byte that is copied, and ends with all of them."""
    seen: list[tuple[int, int]] = []
    whole = exporter.bundles.pack(Wanted(origin="o", models=["tiny", "many"]), OWN)
    exporter.bundles.write(whole, tmp_path / "b.tar", lambda done, total: seen.append((done, total)))
    total = sum(blob.size_bytes for blob in whole.packed.large)
    assert seen[-1] == (total, total)
    assert (tmp_path / "b.tar").stat().st_size == whole.packed.size_bytes


def test_every_blob_lies_under_its_digest(exporter: Vault, tmp_path: Path) -> None:
    export(exporter, tmp_path / "folder", as_folder=True)
    for blob in (tmp_path / "folder" / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        assert blob.stat().st_mode & 0o777 == 0o444


def test_a_models_artifact_is_a_modelpack(exporter: Vault, tmp_path: Path) -> None:
    """And is imported like any other, by what imports OCI layouts."""
    export(exporter, tmp_path / "folder", "many", as_folder=True)
    found = look_into(tmp_path / "folder")
    artifact = found.contents.models[0].artifact.removeprefix("sha256:")
    manifest = json.loads((tmp_path / "folder" / "blobs" / "sha256" / artifact).read_text())
    assert manifest["artifactType"] == "application/vnd.cncf.model.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.model.config.v1+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {
        "application/vnd.cncf.model.weight.v1.raw",
        "application/vnd.cncf.model.weight.config.v1.raw",
        "application/vnd.cncf.model.doc.v1.raw",
    }
