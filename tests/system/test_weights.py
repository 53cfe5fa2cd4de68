# SPDX-License-Identifier: Apache-2.0
"""Weights that are not what they should be: refused by the vault, and never loaded by an engine."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.system.conftest import NewEstate
from tests.system.estates import Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, MESSAGES, chat, post

Damage = Callable[[Path], None]


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def cut_by_one(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)


def cut_in_the_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(1000)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def not_gguf(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + bytes(100_000))


def flip_a_byte(path: Path) -> None:
    """In the middle of a tensor, where no parser can see it."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("damage", [cut_in_half, cut_by_one, cut_in_the_header, empty, not_gguf])
def test_a_damaged_file_is_not_imported(module_estate: Estate, tmp_path: Path, damage: Damage) -> None:
    source = tmp_path / "damaged.gguf"
    shutil.copy(module_estate.blob(), source)
    source.chmod(0o600)
    damage(source)
    before = sorted((module_estate.directory / "vault").rglob("*"))
    done = module_estate.attempt("vault", "import", source, "--name", "damaged")
    assert done.returncode == 1
    assert "damaged.gguf" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted((module_estate.directory / "vault").rglob("*")) == before


def test_a_file_that_is_not_what_was_announced_is_not_imported(module_estate: Estate, tmp_path: Path) -> None:
    source = tmp_path / "flipped.gguf"
    shutil.copy(module_estate.blob(), source)
    source.chmod(0o600)
    announced = sha256(source)
    flip_a_byte(source)
    done = module_estate.attempt("vault", "import", source, "--name", "flipped", "--sha256", announced)
    assert done.returncode == 1
    assert announced in done.stderr
    assert sha256(source) in done.stderr
    assert "flipped" not in module_estate.run("vault", "list")


def test_a_whole_file_is_imported_and_verified(module_estate: Estate) -> None:
    model = module_estate.ask("vault", "import", module_estate.blob(), "--name", "second-name")["model"]
    assert model["digest"] == f"sha256:{sha256(module_estate.blob())}"
    assert all(check["passed"] for check in module_estate.ask("vault", "verify")["models"])


@pytest.mark.parametrize("damage", [flip_a_byte, cut_in_half])
def test_weights_that_changed_after_the_import_are_not_loaded(new_estate: NewEstate, damage: Damage) -> None:
    house = new_estate()
    expected = sha256(house.blob())
    house.blob().chmod(0o600)
    damage(house.blob())
    house.attempt_up()
    target = wait_for(lambda: failed_target(house), "the engine is not started")
    assert expected in target["reason"]
    if damage is flip_a_byte:
        assert sha256(house.blob()) in target["reason"]
    assert not target["pid"]
    if not house.key:
        house.key = house.ask("key", "create")["key"]["secret"]
    for path in (CHAT, MESSAGES):
        answer = post(house, path, chat())
        assert answer.status == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["freehold-decision"]
    verified = house.attempt("vault", "verify", "--json")
    assert verified.returncode == 1
    assert expected in verified.stdout
    doctor = house.attempt("doctor")
    assert doctor.returncode == 1
    assert expected in doctor.stdout


def test_a_model_that_nobody_vouches_for_runs_once_it_is_approved(new_estate: NewEstate, tmp_path: Path) -> None:
    house = new_estate()
    source = tmp_path / "other.gguf"
    source.write_bytes(house.blob().read_bytes() + b"\0")  # nobody has approved these very bytes
    told = house.attempt("vault", "import", source)
    assert "freehold vault approve other" in told.stderr
    settings = house.files / "freehold.toml"
    settings.write_text(settings.read_text().replace('model = "smollm2-135m-instruct"', 'model = "other"'))
    house.attempt_up()
    target = wait_for(lambda: failed_target(house), "the engine is not started")
    assert "other may not run: nobody has approved it" in target["reason"]
    assert house.attempt("doctor").returncode == 1
    refused = house.attempt("vault", "approve", "other", "--reason", "read")  # nobody is there to say yes
    assert refused.returncode != 0
    assert f"sha256:{sha256(source)}" in refused.stdout
    house.run("vault", "approve", "other", "--reason", "read by two people", "--yes")
    ready = wait_for(lambda: target_in(house, "ready"), "the engine is started")
    assert ready["vouched"].endswith(": read by two people")
    assert ready["weights"] == "read"
    assert "read by two people" in house.run("status")
    assert "a change in place since then cannot be excluded" in house.run("status")


def target_in(house: Estate, state: str) -> dict[str, str]:
    target = house.target()
    return target if target["state"] == state else {}


def failed_target(house: Estate) -> dict[str, str]:
    return target_in(house, "failed")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
