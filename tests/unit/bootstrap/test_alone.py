# SPDX-License-Identifier: Apache-2.0
"""The copy of an estate that is started without a network: what is in it, what is not, and which ports are its own."""

from pathlib import Path

import pytest

from freehold.admin.founding import found
from freehold.assess.ourselves.result import Wish
from freehold.bootstrap.alone import copy_to_try, is_own
from freehold.contract.estate import Estate
from freehold.egress.age import seal, unseal
from freehold.settings import read_settings

PROVIDED = """
[provider.mistral]
key = "file:keys/mistral.age"

[provider.openai]
key = "file:keys/openai.key"
"""
SECRET = "sk-the-real-one"


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    own = found(Estate(tmp_path / "estate")).estate
    seal(own, "mistral", SECRET)
    (own.keys / "openai.key").write_text(SECRET, encoding="ascii")
    (own.keys / "openai.key").chmod(0o600)
    own.policies.mkdir()
    text = own.settings.read_text(encoding="utf-8").replace("[ledger]", f'[ledger]\nanchor = "{tmp_path}/anchor"', 1)
    own.settings.write_text(text + PROVIDED, encoding="utf-8")
    return own


@pytest.fixture
def copy(estate: Estate, tmp_path: Path) -> Estate:
    made = Estate(tmp_path / "copy")
    copy_to_try(estate, made, read_settings(estate.settings))
    return made


def test_no_key_of_a_provider_and_not_the_ledgers_key_is_in_the_copy(estate: Estate, copy: Estate) -> None:
    assert copy.ledger_key.read_bytes() != estate.ledger_key.read_bytes()
    assert copy.age_key.read_bytes() != estate.age_key.read_bytes()
    assert SECRET not in unseal(copy, (copy.keys / "mistral.age").read_bytes()).decode()
    assert SECRET not in (copy.keys / "openai.key").read_text()


def test_neither_the_record_nor_the_anchor_is_the_estates(estate: Estate, copy: Estate) -> None:
    assert read_settings(estate.settings).ledger.anchor
    assert read_settings(copy.settings).ledger.anchor == ""
    for folder in (copy.ledger, copy.salts, copy.run):
        assert not folder.is_symlink()
    assert not copy.state.exists()


def test_rules_and_models_are_those_of_the_estate_and_so_is_the_key_by_which_models_may_run(
    estate: Estate, copy: Estate
) -> None:
    assert (copy.policies.resolve(), copy.vault.resolve()) == (estate.policies, estate.vault)
    assert copy.vault_key.resolve() == estate.vault_key


@pytest.mark.parametrize(
    ("kind", "what", "own"),
    [
        ("here", "127.0.0.1:8080", True),
        ("here", "127.0.0.1:8081", True),
        ("here", "127.0.0.1:11434", False),
        ("address", "192.0.2.1:8080", False),
        ("name", "models.example", False),
        ("socket", "/run/docker.sock", False),
    ],
)
def test_only_the_copys_own_ports_are_its_own(kind: str, what: str, own: bool, estate: Estate) -> None:
    wish = Wish(kind=kind, what=what)  # type: ignore[arg-type] # of those that there are
    assert is_own(wish, read_settings(estate.settings)) is own
