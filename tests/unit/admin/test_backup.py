# SPDX-License-Identifier: Apache-2.0
"""A backup is whole or it is none; what comes out of it is the estate, and a copy that knows that it is one."""

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyrage import x25519
from tests.ledger_builder import KEY, admission_bytes, append, open_log

from freehold.admin.backup import Restored, Taken, require_possible, restore, take
from freehold.admin.backup.contents import CONTENTS, MARK, Contents, decode, encode
from freehold.admin.keys import KeyRecord, digest_of
from freehold.admin.state import State
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.errors import EstateError, FreeholdError, NotAtHome
from freehold.ledger.writing.home import require_home

AT = datetime(2027, 1, 1, tzinfo=UTC)
SECRET = b"an age identity\n"
Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], object]


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    """One that was at work: a ledger with a published and an unpublished part, keys, models, a database."""
    house = Estate(tmp_path / "house")
    log = open_log(house.directory)
    append(log, [admission_bytes(f"call-{number}") for number in range(300)])
    log.publish()
    append(log, [admission_bytes("call-later")])
    log.close()
    house.keys.mkdir(mode=0o700)
    house.ledger_vkey.write_text(f"{KEY.vkey}\n")
    house.age_key.write_bytes(SECRET)
    house.age_key.chmod(0o600)
    house.settings.write_text("# settings\n")
    for name in ("vault/blobs/sha256/ab", "vault/manifests/tiny.json", "vault/incoming/half", "run/control.log"):
        path = house.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    (house.vault / "blobs" / "sha256" / "ab").chmod(0o444)
    state = State(house.state)
    state.add_api_key(key(), b"")
    state.close()
    return house


def key() -> KeyRecord:
    return KeyRecord(
        id="key_1",
        label="billing",
        secret_sha256=digest_of("fh_secret"),
        services=("*",),
        data_class=DataClass.PERSONAL,
        created_unix=1.0,
        requests_per_minute=0,
        expires_unix=0.0,
    )


def taken(estate: Estate, target: Path, *recipients: str, models: bool = True) -> Taken:
    return take(estate, target, AT, recipients=recipients, models=models, progress=lambda *_: None)


def restored(source: Path, place: Path, identity: Path | None = None) -> Restored:
    return restore(source, Estate(place), identity=identity, progress=lambda *_: None)


def files(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path.relative_to(directory).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_an_estate_comes_back_as_it_was(estate: Estate, tmp_path: Path) -> None:
    report = taken(estate, tmp_path / "b.tar")
    back = restored(tmp_path / "b.tar", tmp_path / "back")
    was, now = files(estate.directory), files(tmp_path / "back")
    for name in (
        "freehold.toml",
        "keys/age.key",
        "vault/blobs/sha256/ab",
        "vault/manifests/tiny.json",
        "ledger/checkpoint",
    ):
        assert now[name] == was[name]
    assert (back.origin, back.entries, back.files) == (KEY.name, 300, report.files)
    with closing(State(tmp_path / "back" / "state.db", read_only=True)) as state:
        assert [key.id for key in state.api_keys()] == ["key_1"]


def test_what_is_made_anew_or_belongs_to_a_process_is_not_in_it(estate: Estate, tmp_path: Path) -> None:
    taken(estate, tmp_path / "b.tar")
    restored(tmp_path / "b.tar", tmp_path / "back")
    now = files(tmp_path / "back")
    assert not [name for name in now if name.startswith(("run/", "vault/incoming/", "ledger/home", "ledger/journal"))]


def test_the_restored_ledger_knows_that_it_is_a_copy(estate: Estate, tmp_path: Path) -> None:
    taken(estate, tmp_path / "b.tar")
    restored(tmp_path / "b.tar", tmp_path / "back")
    with pytest.raises(NotAtHome):
        require_home(tmp_path / "back" / "ledger")


def test_a_backup_is_for_its_owner_alone(estate: Estate, tmp_path: Path) -> None:
    taken(estate, tmp_path / "b.tar")
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600


def test_its_digest_is_that_of_the_file(estate: Estate, tmp_path: Path) -> None:
    report = taken(estate, tmp_path / "b.tar")
    assert report.sha256 == hashlib.sha256((tmp_path / "b.tar").read_bytes()).hexdigest()
    assert report.size_bytes == (tmp_path / "b.tar").stat().st_size


def test_weights_may_be_left_out_and_what_is_known_of_them_stays(estate: Estate, tmp_path: Path) -> None:
    taken(estate, tmp_path / "b.tar", models=False)
    back = restored(tmp_path / "b.tar", tmp_path / "back")
    assert not back.models
    assert not (tmp_path / "back" / "vault" / "blobs").exists()
    assert (tmp_path / "back" / "vault" / "manifests" / "tiny.json").exists()


def test_links_are_named_and_not_followed(estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("of somebody else")
    (estate.directory / "facts").symlink_to(tmp_path / "elsewhere")
    assert taken(estate, tmp_path / "b.tar").left_out == ("facts",)
    assert b"of somebody else" not in (tmp_path / "b.tar").read_bytes()


def test_an_estate_that_never_signed_anything_has_a_backup(tmp_path: Path) -> None:
    house = Estate(tmp_path / "house")
    house.directory.mkdir()
    house.settings.write_text("# settings\n")
    assert taken(house, tmp_path / "b.tar").origin == ""
    assert restored(tmp_path / "b.tar", tmp_path / "back").files == 1


def test_a_path_that_is_taken_is_left_alone(estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(EstateError, match="is there already"):
        taken(estate, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"


@pytest.mark.parametrize("place", ["b.tar", "keys/b.tar", "../estate-link/b.tar"])
def test_a_backup_is_not_put_where_the_next_one_would_have_it(estate: Estate, place: str) -> None:
    (estate.directory.parent / "estate-link").symlink_to(estate.directory)
    before = set(estate.directory.rglob("*"))
    with pytest.raises(EstateError, match="is in the estate itself"):
        require_possible(estate, estate.directory / place, [])
    with pytest.raises(EstateError, match="is in the estate itself"):
        taken(estate, estate.directory / place)
    assert set(estate.directory.rglob("*")) == before


def test_what_cannot_be_made_is_known_before_it_is_on_record(estate: Estate, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    for target, recipients, why in (
        (tmp_path / "b.tar", [], "is there already"),
        (tmp_path / "nowhere" / "b.tar", [], "is no directory"),
        (tmp_path / "b.age", ["age1nonsense"], "no recipient"),
    ):
        with pytest.raises(EstateError, match=why):
            require_possible(estate, target, recipients)


def test_a_backup_that_cannot_be_finished_leaves_nothing(estate: Estate, tmp_path: Path) -> None:
    bundle = next(path for path in (estate.ledger / "tile" / "entries").rglob("*") if path.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"call-1", b"call-2"))
    before = set(tmp_path.iterdir())
    with pytest.raises(FreeholdError):
        taken(estate, tmp_path / "b.tar")
    assert set(tmp_path.iterdir()) == before


def test_an_encrypted_one_tells_nothing_and_comes_back_whole(estate: Estate, tmp_path: Path) -> None:
    identity = x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    (tmp_path / "key").chmod(0o600)
    taken(estate, tmp_path / "b.age", str(identity.to_public()))
    assert b"freehold.toml" not in (tmp_path / "b.age").read_bytes()
    restored(tmp_path / "b.age", tmp_path / "back", tmp_path / "key")
    assert files(tmp_path / "back")["keys/age.key"] == (SECRET, 0o600)


@pytest.mark.parametrize(
    ("identity", "says"),
    [(None, "is encrypted"), (str(x25519.Identity.generate()), "not encrypted to that key"), ("nonsense", "no age")],
    ids=["none", "another", "nonsense"],
)
def test_without_its_key_an_encrypted_one_stays_shut(
    estate: Estate, tmp_path: Path, identity: str | None, says: str
) -> None:
    taken(estate, tmp_path / "b.age", str(x25519.Identity.generate().to_public()))
    path = None
    if identity is not None:
        path = tmp_path / "key"
        path.write_text(identity)
        path.chmod(0o600)
    with pytest.raises(EstateError, match=says):
        restored(tmp_path / "b.age", tmp_path / "back", path)
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("cut_bytes", [1, 100, 70_000])
def test_an_encrypted_one_that_is_cut_short_is_refused(estate: Estate, tmp_path: Path, cut_bytes: int) -> None:
    identity = x25519.Identity.generate()
    (tmp_path / "key").write_text(f"{identity}\n")
    (tmp_path / "key").chmod(0o600)
    taken(estate, tmp_path / "b.age", str(identity.to_public()))
    os.truncate(tmp_path / "b.age", (tmp_path / "b.age").stat().st_size - cut_bytes)
    with pytest.raises(EstateError, match="cut short"):
        restored(tmp_path / "b.age", tmp_path / "back", tmp_path / "key")
    assert not (tmp_path / "back").exists()


def test_what_is_no_recipient_is_said_before_anything_is_written(estate: Estate, tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="no recipient"):
        taken(estate, tmp_path / "b.age", "age1nonsense")


@pytest.mark.parametrize("place", ["full", "file", "link"])
def test_nothing_is_restored_over_what_is_there(estate: Estate, tmp_path: Path, place: str) -> None:
    taken(estate, tmp_path / "b.tar")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(EstateError, match="is there already"):
        restored(tmp_path / "b.tar", tmp_path / place)


def test_it_is_restored_into_an_empty_directory(estate: Estate, tmp_path: Path) -> None:
    taken(estate, tmp_path / "b.tar")
    (tmp_path / "back").mkdir()
    assert restored(tmp_path / "b.tar", tmp_path / "back").entries == 300


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    for field, value in fields.items():
        setattr(about, field, value)
    return about, content


def _listed(members: list[tuple[tarfile.TarInfo, bytes]]) -> Contents:
    return decode(members[-1][1])


def _flip(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    index = next(i for i, (about, _) in enumerate(members) if about.name == "freehold.toml")
    members[index] = member("freehold.toml", b"# sEttings\n")


def _swap(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    names = [about.name for about, _ in members]
    one, other = names.index("vault/blobs/sha256/ab"), names.index("keys/age.key")
    members[one][0].name, members[other][0].name = members[other][0].name, members[one][0].name


def _list_fewer(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    listed = _listed(members)
    fewer = Contents(
        origin=listed.origin, entries=listed.entries, models=True, made_at=listed.made_at, files=listed.files[1:]
    )
    members[-1] = member(CONTENTS, encode(fewer))


def _forge_size(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    listed = _listed(members)
    members[-1] = member(
        CONTENTS,
        encode(Contents(origin=listed.origin, entries=299, models=True, made_at=listed.made_at, files=listed.files)),
    )


def _drop_ledger(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    listed = _listed(members)
    rest = tuple(item for item in listed.files if item.path != "ledger/checkpoint")
    members[:] = [(about, content) for about, content in members if about.name != "ledger/checkpoint"]
    members[-1] = member(
        CONTENTS,
        encode(Contents(origin=listed.origin, entries=listed.entries, models=True, made_at=listed.made_at, files=rest)),
    )


ATTACKS: dict[str, tuple[Change, str]] = {
    "a-flipped-byte": (_flip, "not what the backup lists"),
    "two-files-swapped": (_swap, "not what the backup lists"),
    "a-list-of-fewer": (_list_fewer, "not what the backup lists"),
    "a-file-less": (lambda members: members.pop(3), "not what the backup lists"),
    "no-list": (lambda members: members.pop(), "cut short"),
    "another-ledger-size": (_forge_size, "signed root"),
    "a-ledger-without-its-head": (_drop_ledger, "lacks the ledger"),
    "a-way-out": (lambda members: members.insert(1, member("../out", b"x")), "which no backup does"),
    "an-absolute-path": (lambda members: members.insert(1, member("/out", b"x")), "which no backup does"),
    "a-symlink": (
        lambda members: members.insert(1, member("keys", type=tarfile.SYMTYPE, linkname="/")),
        "no plain file",
    ),
    "a-hard-link": (
        lambda members: members.insert(2, member("x", type=tarfile.LNKTYPE, linkname="freehold.toml")),
        "no plain file",
    ),
    "a-device": (lambda members: members.insert(1, member("null", type=tarfile.CHRTYPE)), "no plain file"),
    "a-file-twice": (lambda members: members.insert(2, members[1]), "twice"),
    "more-behind-the-list": (lambda members: members.append(member("more", b"x")), "goes on"),
    "a-newer-form": (lambda members: members.__setitem__(0, member(MARK, b"2\n")), "does not know"),
    "another-tar": (lambda members: members.pop(0), "no backup"),
    "a-list-that-is-none": (lambda members: members.__setitem__(-1, member(CONTENTS, b"{}")), "malformed"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_tampered_backup_restores_nothing(estate: Estate, tmp_path: Path, name: str) -> None:
    change, says = ATTACKS[name]
    taken(estate, tmp_path / "b.tar")
    with tarfile.open(tmp_path / "b.tar") as tar:
        members = [(about, (tar.extractfile(about) or io.BytesIO()).read()) for about in tar]
    change(members)
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for about, content in members:
            tar.addfile(about, io.BytesIO(content))
    before = set(tmp_path.iterdir())
    with pytest.raises(FreeholdError, match=says):
        restored(tmp_path / "bad.tar", tmp_path / "back")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_backup_that_is_cut_short_restores_nothing(estate: Estate, tmp_path: Path, share: float) -> None:
    taken(estate, tmp_path / "b.tar")
    os.truncate(tmp_path / "b.tar", int((tmp_path / "b.tar").stat().st_size * share))
    with pytest.raises(EstateError):
        restored(tmp_path / "b.tar", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_day_of_salts_that_grows_meanwhile_is_taken_as_far_as_it_was(estate: Estate, tmp_path: Path) -> None:
    day = next(estate.salts.iterdir())
    was = day.read_bytes()

    def grow(*_: int) -> None:
        with day.open("ab") as file:
            file.write(bytes(40))

    take(estate, tmp_path / "b.tar", AT, recipients=(), models=True, progress=grow)
    restored(tmp_path / "b.tar", tmp_path / "back")
    assert (tmp_path / "back" / "salts" / day.name).read_bytes().startswith(was)
    shutil.rmtree(tmp_path / "back")
