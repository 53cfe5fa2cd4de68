# SPDX-License-Identifier: Apache-2.0
"""A repository of the hub as a source: the same with its own client, over HTTP to a stand-in, and with the fake.

The first of them fetches huggingface_hub from the package index that this machine is set up for.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.bert_builder import bert_files
from tests.gguf_builder import Gguf, Tensor
from tests.hub_builder import COMMIT, OTHER_COMMIT, REPOSITORY, FakeClient, StandIn, serving_hub

from freehold.contract.grant import Allowance, Errand, Place
from freehold.errors import EgressDenied, VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Imported, Vault
from freehold.vault.fetching import Delivery, PipFetch
from freehold.vault.hashing import silent
from freehold.vault.hub.answers import own_places
from freehold.vault.hub.client import LOCK, Client, Installer
from freehold.vault.hub.repository import ClientHub, Installs, no_hub

SMALL = Gguf().build()
LARGE = Gguf(tensors=(Tensor("token_embd.weight", (1024, 768)),)).build()  # of 3 MB: more than is lost by a break
FILES: Mapping[str, bytes] = {"tiny.gguf": SMALL, "README.md": b"---\nlicense: mit\n---\n", "LICENSE": b"MIT\n"}
ONE = f"hf:{REPOSITORY}@{COMMIT}!tiny.gguf"
MIB = 2**20


class InstalledOnce:
    """The real client, from wheels that are fetched for the first test and installed for all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._client: Path | None = None

    def installed(self, endpoint: str, delivery: Delivery) -> Client:
        if self._client is None:
            wheels, scratch = self._folder / "wheels", self._folder / "scratch"
            scratch.mkdir()
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            subprocess.run([*command, "--require-hashes", f"--requirement={LOCK}", f"--dest={wheels}"], check=True)
            first = Delivery(scratch=scratch, log=self._folder / "log", progress=silent, permit=_nothing)
            Installer(wheels, PipFetch()).installed(endpoint, first)
            self._client = scratch / "client"
        delivery.log.unlink(missing_ok=True)
        return Client(self._client, endpoint, delivery)


@dataclass
class House:
    """A vault, the hub that it is set up for, and where both lie."""

    vault: Vault
    hub: StandIn
    folder: Path
    real: bool

    def bring(self, source: str = ONE, *, sha256: str | None = None) -> Imported:
        return self.vault.import_model(source, sha256=sha256, permit=self.hub.permit)

    @property
    def parts(self) -> list[Path]:
        return sorted(path for path in (self.folder / "vault" / "partial").rglob("*") if not path.is_dir())


def _nothing(errand: Errand) -> Allowance:
    raise AssertionError(f"the wheels are here, and {errand} would have been contacted")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> InstalledOnce:
    return InstalledOnce(tmp_path_factory.mktemp("client"))


@pytest.fixture(params=["fake", pytest.param("real", marks=[pytest.mark.system, pytest.mark.timeout(300)])])
def house(request: pytest.FixtureRequest, once: InstalledOnce, tmp_path: Path) -> Iterator[House]:
    own = EllipticSigner(ec.generate_private_key(ec.SECP256R1()))
    with serving_hub() as hub:
        hub.put(FILES)
        real = request.param == "real"
        client: Installs = once if real else FakeClient(hub)
        vault = Vault(tmp_path / "vault", hub=ClientHub(endpoint=hub.url, installer=client), signer=lambda: own)
        yield House(vault, hub, tmp_path, real)


@pytest.fixture
def fake_house(tmp_path: Path) -> Iterator[House]:
    """For what the client has no part in."""
    with serving_hub() as hub:
        hub.put(FILES)
        vault = Vault(tmp_path / "vault", hub=ClientHub(endpoint=hub.url, installer=FakeClient(hub)))
        yield House(vault, hub, tmp_path, real=False)


def test_a_file_of_a_commit_is_fetched_and_its_origin_is_on_record(house: House) -> None:
    steps: list[tuple[int, int]] = []
    manifest = house.vault.import_model(ONE, progress=lambda *at: steps.append(at), permit=house.hub.permit).manifest
    assert (manifest.name, manifest.origin, manifest.licence) == ("tiny", ONE, "Apache-2.0")
    assert (manifest.repository, manifest.revision) == (REPOSITORY, COMMIT)
    assert manifest.digest == f"sha256:{hashlib.sha256(SMALL).hexdigest()}"
    assert (len(SMALL), len(SMALL)) in steps
    assert house.parts == []
    if house.real:
        assert not any("authorization" in fields for _, _, fields in house.hub.heard)
        assert {fields["user-agent"].partition(";")[0] for _, _, fields in house.hub.heard} == {"unknown/None"}


def test_a_repository_that_is_one_model_comes_in_whole(house: House) -> None:
    house.hub.put({**FILES, "pytorch_model.bin": b"\x80\x04."})
    imported = house.bring(f"hf:{REPOSITORY}@{COMMIT}")
    assert [file.path for file in imported.manifest.files] == ["LICENSE", "README.md", "tiny.gguf"]
    assert imported.left_out == ("pytorch_model.bin",)
    assert house.hub.asked("GET", "pytorch_model.bin") == []


def test_what_is_here_is_not_fetched_again(house: House) -> None:
    house.bring()
    house.hub.heard.clear()
    assert not house.bring().weights_are_new
    assert house.hub.asked("GET", "tiny.gguf") == []


def test_a_branch_alone_is_resolved_shown_and_refused(house: House) -> None:
    with pytest.raises(VaultError, match=f"main of {REPOSITORY} is commit {COMMIT} today") as refused:
        house.bring(f"hf:{REPOSITORY}@main!tiny.gguf")
    assert f"hf:{REPOSITORY}@{COMMIT}!tiny.gguf" in refused.value.advice
    assert house.hub.asked("GET", "tiny.gguf") == []


def test_a_branch_with_a_digest_is_imported_and_its_commit_recorded(house: House) -> None:
    sha256 = hashlib.sha256(SMALL).hexdigest()
    manifest = house.bring(f"hf:{REPOSITORY}@main!tiny.gguf", sha256=sha256).manifest
    assert (manifest.revision, manifest.origin) == (COMMIT, f"hf:{REPOSITORY}@main!tiny.gguf")


def test_a_branch_that_moved_is_refused_and_says_from_where_to_where(fake_house: House) -> None:
    source, sha256 = f"hf:{REPOSITORY}@main!tiny.gguf", hashlib.sha256(SMALL).hexdigest()
    fake_house.bring(source, sha256=sha256)
    fake_house.hub.put({"tiny.gguf": LARGE}, commit=OTHER_COMMIT)
    with pytest.raises(VaultError, match=f"is commit {OTHER_COMMIT} today"):
        fake_house.bring(source)
    with pytest.raises(VaultError, match="already stands for"):
        fake_house.bring(source, sha256=hashlib.sha256(LARGE).hexdigest())


def test_a_commit_that_is_listed_otherwise_than_before_is_refused_and_says_what_changed(house: House) -> None:
    house.bring()
    house.hub.put({"tiny.gguf": LARGE})
    with pytest.raises(VerificationFailed, match=rf"has changed: tiny was imported from {COMMIT}.*changed: tiny.gguf"):
        house.bring()
    assert len(house.hub.asked("GET", "tiny.gguf")) == 1


@pytest.mark.parametrize("lie", ["answers_as", "hands_out_as"])
def test_another_commit_than_the_one_asked_for_is_refused(house: House, lie: str) -> None:
    setattr(house.hub, lie, OTHER_COMMIT)
    with pytest.raises(VerificationFailed, match=OTHER_COMMIT):
        house.bring()
    assert house.hub.asked("GET", "tiny.gguf") == []


@pytest.mark.parametrize("path", ["tiny.gguf", "README.md"])
def test_content_that_is_not_what_was_listed_is_refused_and_not_kept(house: House, path: str) -> None:
    house.hub.instead[path] = bytes(len(FILES[path]))
    with pytest.raises(VerificationFailed, match=f"{path}.* must be .* and was found to be"):
        house.bring(f"hf:{REPOSITORY}@{COMMIT}")
    assert (house.vault.list(), house.parts) == ((), [])


@pytest.mark.parametrize("path", ["tiny.gguf", "README.md"])
def test_a_file_without_an_end_does_not_fill_the_disk(house: House, path: str) -> None:
    house.hub.put({path: FILES[path], "tiny.gguf": SMALL})
    house.hub.goes_on = True
    with pytest.raises(VerificationFailed, match="hands out more than is listed"):
        house.bring(f"hf:{REPOSITORY}@{COMMIT}")
    assert (house.vault.list(), house.parts) == ((), [])


def test_a_list_without_an_end_does_not_take_the_memory_of_the_host(house: House) -> None:
    house.hub.lists_on = True
    with pytest.raises(VaultError, match="cannot be understood"):
        house.bring()
    assert house.vault.list() == ()


@pytest.mark.parametrize(("status", "code"), [(403, "GatedRepo"), (401, "")])
def test_a_gated_repository_is_refused_and_says_that_no_token_is_sent(house: House, status: int, code: str) -> None:
    house.hub.refuses = (status, code)
    with pytest.raises(VaultError, match=f"{REPOSITORY} at {COMMIT} is not given to everybody.* {status}") as refused:
        house.bring()
    assert "sends no token" in refused.value.advice


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (f"hf:acme/none@{COMMIT}!tiny.gguf", "has no repository acme/none"),
        (f"hf:{REPOSITORY}@{OTHER_COMMIT}!tiny.gguf", f"{REPOSITORY} has no revision {OTHER_COMMIT}"),
    ],
)
def test_what_is_not_there_is_said_by_name(house: House, source: str, said: str) -> None:
    with pytest.raises(VaultError, match=said):
        house.bring(source)


@pytest.mark.parametrize("member", ["none.gguf", "none/"])
def test_a_file_that_is_not_listed_is_said_by_name(fake_house: House, member: str) -> None:
    with pytest.raises(VaultError, match=f"has no '{member}'"):
        fake_house.bring(f"hf:{REPOSITORY}@{COMMIT}!{member}")


def test_a_file_that_is_listed_and_not_handed_out_is_refused(house: House) -> None:
    house.hub.hides = ("tiny.gguf",)
    with pytest.raises(VaultError, match="has no such file, or the hub does not hand it out"):
        house.bring()


def test_of_several_models_one_has_to_be_named_before_anything_is_fetched(fake_house: House) -> None:
    fake_house.hub.put({"tiny.q4.gguf": SMALL, "tiny.q8.gguf": SMALL})
    with pytest.raises(VaultError, match=r"holds 2 GGUF files: tiny.q4.gguf, tiny.q8.gguf") as refused:
        fake_house.bring(f"hf:{REPOSITORY}@{COMMIT}")
    assert f"hf:{REPOSITORY}@{COMMIT}!tiny.q4.gguf" in refused.value.advice
    assert fake_house.hub.asked("GET", "gguf") == []


@pytest.mark.parametrize("path", ["../escaped.gguf", "a/../../escaped.gguf", "/escaped.gguf", "a\\..\\escaped.gguf"])
def test_a_path_that_leads_out_is_refused_before_anything_is_fetched(fake_house: House, path: str) -> None:
    fake_house.hub.put({**FILES, path: SMALL})
    with pytest.raises(VaultError, match="leads out of the model"):
        fake_house.bring(f"hf:{REPOSITORY}@{COMMIT}")
    assert list(fake_house.folder.rglob("*escaped*")) == []


def test_a_link_where_a_part_is_to_come_is_not_followed(fake_house: House) -> None:
    fake_house.hub.put({"tiny.gguf": LARGE})
    fake_house.hub.breaks_after = [MIB, *[0] * 10]
    with pytest.raises(VaultError):
        fake_house.bring()
    outside = fake_house.folder / "outside"
    outside.write_bytes(b"not to be touched")
    (part,) = fake_house.parts
    part.unlink()
    part.symlink_to(outside)
    fake_house.hub.breaks_after = []
    with pytest.raises(VaultError, match="is a symbolic link"):
        fake_house.bring()
    assert outside.read_bytes() == b"not to be touched"


def test_an_answer_that_breaks_off_is_gone_on_with_by_the_next_import(house: House) -> None:
    house.hub.put({"tiny.gguf": LARGE})
    house.hub.breaks_after = [MIB + 100, *[0] * 10]
    with pytest.raises(VaultError, match="broke off") as refused:
        house.bring()
    assert "goes on from there" in refused.value.advice
    (part,) = house.parts
    begun = part.stat().st_size
    assert MIB <= begun <= MIB + 100
    house.hub.breaks_after = []
    house.hub.heard.clear()
    assert house.bring().manifest.digest == f"sha256:{hashlib.sha256(LARGE).hexdigest()}"
    assert [fields["range"] for fields in house.hub.asked("GET", "tiny.gguf")] == [f"bytes={begun}-"]


def test_an_import_that_is_interrupted_is_gone_on_with_by_the_next(house: House) -> None:
    if not house.real:
        pytest.skip("the fake has no process to be ended")
    house.hub.put({"tiny.gguf": LARGE})
    house.hub.stalls_after = 2 * MIB

    def interrupt(done_bytes: int, total_bytes: int) -> None:
        if done_bytes >= MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.vault.import_model(ONE, progress=interrupt, permit=house.hub.permit)
    house.hub.stalls_after = 0
    house.hub.go.set()
    house.hub.heard.clear()
    house.bring()
    (fields,) = house.hub.asked("GET", "/cdn/")
    assert int(fields["range"].removeprefix("bytes=").removesuffix("-")) >= MIB


def test_a_host_without_ranges_is_asked_for_the_whole(house: House) -> None:
    if not house.real:
        pytest.skip("the fake does not ask again by itself")
    house.hub.put({"tiny.gguf": LARGE})
    house.hub.ranges = False
    house.hub.breaks_after = [MIB + 100]
    assert house.bring().weights_are_new


def test_a_hub_that_limits_how_often_it_is_asked_is_named_with_how_long_to_wait(house: House) -> None:
    house.hub.limited, house.hub.retry_after_s = 1, 7
    with pytest.raises(VaultError, match="429: it limits how often it is asked") as refused:
        house.bring()
    assert "Wait 7 s" in refused.value.advice
    house.hub.retry_after_s = 0
    assert house.bring().weights_are_new


def test_a_hub_that_hands_out_large_files_itself_is_believed_no_less(house: House) -> None:
    house.hub.cdn = ""
    assert house.bring().weights_are_new


def test_a_redirect_to_a_host_that_is_not_granted_is_refused_before_it_is_contacted(house: House) -> None:
    house.hub.cdn = "http://files.example.org"
    with pytest.raises(EgressDenied, match=r"sends to files.example.org:80 for files, which is not granted") as refused:
        house.bring()
    assert '[grant.NAME] with for = "import"' in refused.value.advice
    assert house.hub.asked("GET", "tiny.gguf") == []


def test_a_hub_that_is_not_granted_is_not_contacted(house: House) -> None:
    def elsewhere(errand: Errand) -> Allowance:
        assert errand.places == {house.hub.place}
        return Allowance(places=frozenset({Place("mirror.example.org")}))

    if house.real:
        with pytest.raises(EgressDenied, match=f"{house.hub.place} is not granted"):
            house.vault.import_model(ONE, permit=elsewhere)
        assert house.hub.heard == []


def test_a_sealed_estate_refuses_before_it_tries(tmp_path: Path) -> None:
    with pytest.raises(EgressDenied, match=f"{REPOSITORY} is not fetched: the estate is sealed"):
        Vault(tmp_path / "vault", hub=no_hub).import_model(ONE)


def test_a_sentence_encoder_is_converted_and_its_origin_is_on_record(fake_house: House) -> None:
    fake_house.hub.put(bert_files())
    manifest = fake_house.bring(f"hf:{REPOSITORY}@{COMMIT}").manifest
    assert (manifest.format, manifest.repository, manifest.revision) == ("gguf", REPOSITORY, COMMIT)
    assert manifest.lineage.parents


def test_one_import_asks_once_for_leave_and_names_whom_it_contacts(fake_house: House) -> None:
    asked: list[Errand] = []

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        return fake_house.hub.permit(errand)

    fake_house.vault.import_model(ONE, permit=permit)
    assert asked == [Errand(contacted=frozenset({fake_house.hub.place}))]


def test_hosts_of_the_hubs_own_domains_are_asked_for_with_it() -> None:
    hub, own = Place("huggingface.co"), Place("us.aws.cdn.hf.co")
    others = {Place("huggingface.co.example.org"), Place("hf.co.example.org"), Place("xhf.co"), Place("127.0.0.1")}
    assert own_places(hub, {hub, own, *others}) == {hub, own}
    assert own_places(Place("hub.example.org"), {hub, own, Place("hub.example.org")}) == {Place("hub.example.org")}


def test_a_disk_without_the_room_is_said_before_anything_is_fetched(fake_house: House) -> None:
    fake_house.hub.put({"tiny.gguf": LARGE})
    full = Vault(fake_house.folder / "vault", hub=fake_house.vault._importer._resolve._hub, free=lambda _: MIB)  # type: ignore[attr-defined]
    with pytest.raises(VaultError, match="bytes for this model and has"):
        full.import_model(ONE, permit=fake_house.hub.permit)
    assert fake_house.hub.asked("GET", "tiny.gguf") == []
