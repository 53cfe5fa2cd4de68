# SPDX-License-Identifier: Apache-2.0
"""Starts that must not happen: each says what is wrong and what to do, exits with 1, and leaves nothing running."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system import processes
from tests.system.estates import FREEHOLD, Estate
from tests.system.waiting import LONG_S
from tests.system.wire import CHAT, chat, post

NOBODY = 65534


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """An estate that never starts, and so needs no model."""
    own = Estate(tmp_path_factory.mktemp("unstarted") / "estate")
    own.run("init")
    return own


@pytest.fixture
def house(founded: Estate) -> Iterator[Estate]:
    """The same, with the settings and on the ports that it was made with."""
    settings = founded.files / "freehold.toml"
    text, ports = settings.read_text(encoding="utf-8"), (founded.port, founded.admin_port)
    yield founded
    settings.write_text(text, encoding="utf-8")
    founded.port, founded.admin_port = ports


def assert_refused(estate: Estate, *mentions: str) -> None:
    done = estate.attempt_up()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for mention in mentions:
        assert mention in done.stderr
    assert not processes.of_estate(estate.directory)


@pytest.mark.parametrize("taken", ["port", "admin_port"])
def test_a_second_estate_on_a_port_is_refused_and_the_first_goes_on(estate: Estate, house: Estate, taken: str) -> None:
    setattr(house, taken, getattr(estate, taken))
    assert_refused(house, str(getattr(estate, taken)), "taken")
    assert post(estate, CHAT, chat()).status == 200


def test_one_port_for_both_listeners_is_refused(house: Estate) -> None:
    house.admin_port = house.port
    assert_refused(house, str(house.port))


@pytest.mark.parametrize(
    ("table", "setting", "what"),
    [
        ("target.local", "colour = 3", "colour"),
        ("target.local", 'slots = "two"', "slots"),
        ("target.local", "slots = 0", "slots"),
        ("gateway", "max_body_mb = 1.5", "max_body_mb"),
        ("estate", "= 3", "TOML"),
        ("ledger", "publish_after_s = true", "publish_after_s"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_its_line_is_named(
    house: Estate, table: str, setting: str, what: str
) -> None:
    house.set(table, setting)
    lines = (house.directory / "freehold.toml").read_text(encoding="utf-8").splitlines()
    assert_refused(house, what, f"line {lines.index(setting) + 1}")


@pytest.mark.parametrize(("addition", "what"), [("\n[colours]\nred = 1\n", "colours"), ("\n[service.b]\n", "targets")])
def test_a_wrong_table_stops_the_start_and_its_line_is_named(house: Estate, addition: str, what: str) -> None:
    settings = house.directory / "freehold.toml"
    text = settings.read_text(encoding="utf-8") + addition
    settings.write_text(text, encoding="utf-8")
    line = text.splitlines().index(addition.split(maxsplit=1)[0]) + 1
    assert_refused(house, what, f"line {line}")


def test_a_reload_with_a_wrong_setting_is_refused_and_the_old_one_stays_in_force(estate: Estate) -> None:
    settings = estate.files / "freehold.toml"
    text = settings.read_text(encoding="utf-8")
    estate.set("gateway", "colour = 3")
    done = estate.attempt("reload")
    settings.write_text(text, encoding="utf-8")
    assert done.returncode == 1
    assert "colour" in done.stderr
    assert "line " in done.stderr
    assert post(estate, CHAT, chat()).status == 200


@pytest.fixture
def world_readable() -> Iterator[Path]:
    """A folder that every user may read, and its owner alone write: pytest's own are closed to all others."""
    folder = Path(tempfile.mkdtemp(prefix="freehold-"))
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", ["init", "up"])
def test_a_directory_that_is_not_writable_is_named(world_readable: Path, command: str) -> None:
    directory = world_readable / "estate"
    done = as_ordinary_user(command, "--estate", str(directory))
    assert done.returncode == 1
    assert str(directory) in done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not processes.of_estate(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's estate, which root alone can make")
def test_another_users_estate_is_refused(world_readable: Path) -> None:
    house = Estate(world_readable / "estate")
    house.run("init")
    done = as_ordinary_user("up", "--estate", str(house.directory))
    assert done.returncode == 1
    assert str(house.directory) in done.stderr
    assert "Traceback" not in done.stderr
    assert not processes.of_estate(house.directory)


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ada", encoding="utf-8")
    done = subprocess.run(
        [FREEHOLD, "up", "--estate", tmp_path], capture_output=True, text=True, timeout=LONG_S, check=False
    )
    assert done.returncode == 1
    assert "letter.txt" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_port_for_everybody_needs_tls_or_leave(house: Estate) -> None:
    house.set("listen", 'host = "0.0.0.0"')
    assert_refused(house, "TLS", "--plaintext")


def as_ordinary_user(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as one to whom permissions apply."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    return subprocess.run(
        [*drop, str(FREEHOLD), *arguments],
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
        cwd="/",
        env={**os.environ, "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"},
    )
