# SPDX-License-Identifier: Apache-2.0
import os
import re
import stat
import tomllib
from pathlib import Path

import msgspec
import pytest

from freehold import settings
from freehold.admin.founding import found
from freehold.admin.readable import require_estate
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.signing.keys import load_signer


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_estate_is_private_and_its_key_is_the_ledgers(tmp_path: Path) -> None:
    estate = Estate(tmp_path / "deep" / "estate")
    founded = found(estate)
    assert founded.made
    assert {mode_of(path) for path in (estate.directory, estate.keys, estate.salts, estate.run)} == {0o700}
    assert mode_of(estate.ledger_key) == 0o600
    signer = load_signer(str(estate.ledger_key))
    assert signer.name == founded.settings.estate.origin
    assert estate.ledger_vkey.read_text() == f"{signer.vkey}\n"
    assert re.fullmatch(r"freehold\.local/[0-9a-f]{12}", signer.name)


def test_founding_twice_changes_nothing(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    first = found(estate)
    before = {path: path.read_bytes() for path in estate.directory.rglob("*") if path.is_file()}
    second = found(estate, port=1)
    assert (second.made, second.settings) == (False, first.settings)
    assert before == {path: path.read_bytes() for path in estate.directory.rglob("*") if path.is_file()}


def test_a_founding_that_was_cut_short_is_completed(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    origin = found(estate).settings.estate.origin
    estate.ledger_key.unlink()
    estate.ledger_vkey.unlink()
    assert found(estate).made
    assert load_signer(str(estate.ledger_key)).name == origin


def test_a_lost_key_is_not_replaced_once_the_ledger_was_signed_with_it(tmp_path: Path) -> None:
    estate = Estate(tmp_path)
    found(estate)
    (estate.ledger / "checkpoint").write_text("a signed note")
    estate.ledger_key.unlink()
    with pytest.raises(EstateError, match="is gone"):
        found(estate)


def test_the_ports_asked_for_are_in_the_file(tmp_path: Path) -> None:
    listen = found(Estate(tmp_path / "e"), port=9001, admin_port=9002).settings.listen
    assert (listen.port, listen.admin_port) == (9001, 9002)


def test_a_directory_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(EstateError, match=r"holds 'thesis\.txt' and no freehold\.toml"):
        found(Estate(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_path_through_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EstateError, match="part of its path is a file"):
        found(Estate(tmp_path / "file" / "estate"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_is_not_writable_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(EstateError, match="cannot be written: permission denied"):
            found(Estate(tmp_path / "estate"))
    finally:
        tmp_path.chmod(0o700)


def test_what_has_no_configuration_is_no_estate(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match=r"has no freehold\.toml"):
        require_estate(Estate(tmp_path))


def test_the_file_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    """Every commented line, put in force, gives the settings that were in force without it."""
    estate = Estate(tmp_path)
    plain = found(estate).settings
    text = estate.settings.read_text()
    from_host = {"context_tokens", "slots", "threads"}
    shown = re.sub(r"^# ([a-z_]+ = )", r"\1", text, flags=re.MULTILINE)
    listed = tomllib.loads(shown)
    for name, kind in settings.TABLES.items():
        assert listed[name].keys() == {field.name for field in msgspec.structs.fields(kind)}, name
    named: dict[str, type[settings.Section]] = {
        "service": settings.ServiceSection,
        "target": settings.EngineTargetSection,
    }
    for name, kind in named.items():
        (table,) = listed[name].values()
        assert table.keys() == {field.name for field in msgspec.structs.fields(kind)}, name
    for key in from_host:
        del listed["target"]["local"][key]
    assert settings.parse_settings(_toml(listed)) == plain


def test_the_default_service_answers_to_the_vendors_names(tmp_path: Path) -> None:
    aliases = found(Estate(tmp_path)).settings.services["default"].aliases
    assert {"gpt-*", "claude-*", "mistral-*", "smollm2-*"} <= set(aliases)


def _toml(tables: dict[str, dict[str, object]]) -> str:
    """Enough of a TOML writer for this file."""
    lines = []
    for name, table in tables.items():
        for key, value in table.items():
            if isinstance(value, dict):
                lines.append(f"[{name}.{key}]")
                lines += [f"{inner} = {msgspec.json.encode(item).decode()}" for inner, item in value.items()]
            else:
                if f"[{name}]" not in lines:
                    lines.append(f"[{name}]")
                lines.append(f"{key} = {msgspec.json.encode(value).decode()}")
    return "\n".join(lines)
