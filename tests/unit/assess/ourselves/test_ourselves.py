# SPDX-License-Identifier: Apache-2.0
"""What the estate finds about itself: owners and countries, keys' places, engines, and the result as it is kept."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.facts_builder import organisation, text

from freehold.admin.founding import found
from freehold.assess.bom.packages import Packages, installed_packages
from freehold.assess.evidence.markdown import write_markdown
from freehold.assess.ourselves import Ourselves, Start, keep, kept_path, look, read_kept, write_report
from freehold.assess.ourselves.keys import keys_of
from freehold.assess.ourselves.packages import described, packages_of
from freehold.assess.ourselves.places import explained
from freehold.assess.ourselves.result import UNKNOWN, Key, Place, Wish
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.policy.facts import load_register
from freehold.policy.facts.register import build_register
from freehold.settings import read_settings

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PROVIDED = """
[provider.openai]
key = "env:OPENAI_API_KEY"

[provider.mistral]
key = "file:keys/mistral.age"

[provider.elsewhere]
base_url = "https://models.example:8443/v1"
dialect = "openai"
key = "file:elsewhere.key"
"""


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    return found(Estate(tmp_path / "estate")).estate


def by_place(estate: Estate) -> dict[str, Key]:
    return {key.place: key for key in keys_of(estate, read_settings(estate.settings))}


def test_no_country_is_guessed_for_what_is_installed() -> None:
    packages = packages_of(load_register())
    assert {"msgspec", "cryptography", "xllamacpp"} <= {one.name for one in packages}
    assert {one.country for one in packages} == {UNKNOWN}
    assert all(one.needed_by for one in packages)


def test_a_country_is_known_where_the_facts_have_an_organisation_of_that_very_name() -> None:
    facts = text(organisations={"xorbits": organisation("FR")})
    register = build_register([("a.yaml", facts)])
    parts = [
        {"bom-ref": ref, "name": ref, "version": "1", "publisher": by} for ref, by in (("a", "of FR"), ("b", "FR"))
    ]
    told = described(Packages(components=tuple(parts), needs={"pkg:pypi/freehold@1": ("a", "b")}, root=""), register)
    assert [(one.country, bool(one.country_source)) for one in told] == [("FR", True), (UNKNOWN, False)]
    assert told[0].needed_by == ("freehold",)


def test_every_installed_package_is_told_and_none_twice() -> None:
    assert len(packages_of(load_register())) == len(installed_packages().components)


def test_keys_are_told_by_place_mode_and_whether_they_are_encrypted(estate: Estate) -> None:
    (estate.keys / "mistral.age").write_bytes(b"age-encryption.org/v1\n-> X25519 a\n")
    (estate.keys / "mistral.age").chmod(0o600)
    (estate.keys / "stray.key").write_text("secret")
    (estate.keys / "stray.key").chmod(0o644)
    keys = by_place(estate)
    assert (keys["keys/ledger.key"].at_rest, keys["keys/ledger.key"].alone) == ("in plain", True)
    assert (keys["keys/vault.pem"].at_rest, keys["keys/vault.pem"].alone) == ("public", None)
    assert keys["keys/mistral.age"].at_rest == "encrypted"
    assert (keys["keys/stray.key"].mode, keys["keys/stray.key"].alone) == ("0644", False)


def test_a_key_of_several_providers_is_told_as_that_of_each(estate: Estate) -> None:
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write('[provider.openai]\nkey = "env:SHARED"\n[provider.mistral]\nkey = "env:SHARED"\n')
    assert by_place(estate)["env:SHARED"].holds == "the API key of mistral, openai"


def test_keys_that_the_settings_name_elsewhere_are_told_too(estate: Estate) -> None:
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write(PROVIDED)
    keys = by_place(estate)
    assert (keys["env:OPENAI_API_KEY"].at_rest, keys["env:OPENAI_API_KEY"].within) == ("not kept here", False)
    assert keys["keys/mistral.age"].at_rest == "missing"
    assert keys["elsewhere.key"].holds == "the API key of elsewhere"


def test_no_part_of_a_key_is_in_the_result(estate: Estate) -> None:
    told = msgspec.json.encode(look(estate, Start(not_done="left out"), NOW))
    secret = estate.ledger_key.read_bytes()
    assert not any(line in told for line in secret.splitlines() if len(line) > 16)


def test_what_was_wanted_is_told_with_the_setting_that_names_it() -> None:
    places = [Place(where="api.mistral.ai:443", setting="provider.mistral", why="calls")]
    wishes = [Wish(kind="name", what="api.mistral.ai"), Wish(kind="name", what="mistral.ai")]
    assert [one.because for one in explained(wishes, places)] == ["provider.mistral", ""]


def test_a_socket_of_this_hosts_name_service_is_told_as_such_and_another_is_named_by_nobody() -> None:
    resolving = Wish(kind="socket", what="/run/systemd/resolve/io.systemd.Resolve")
    foreign = Wish(kind="socket", what="/run/docker.sock")
    assert [one.because for one in explained([resolving, foreign], ())] == ["this host's name service", ""]


def test_the_result_is_kept_and_read_back_as_it_was(estate: Estate) -> None:
    assert read_kept(estate) is None
    wanted = (Wish(kind="name", what="pypi.example"), Wish(kind="here", what="127.0.0.1:9"))
    done = look(estate, Start(came_up=True, names_seen=True, wanted=wanted), NOW)
    assert keep(estate, done).stat().st_mode & 0o777 == 0o600
    assert read_kept(estate) == done
    assert [one.what for one in done.unforeseen] == ["pypi.example"]


def test_a_result_that_was_changed_to_something_else_is_refused(estate: Estate) -> None:
    keep(estate, look(estate, Start(), NOW))
    kept_path(estate).write_text('{"schema": 2}')
    with pytest.raises(EstateError, match="no result"):
        read_kept(estate)


def test_the_engine_of_a_package_is_told_with_its_lock_and_a_missing_model(estate: Estate) -> None:
    (engine,) = look(estate, Start(), NOW).engines
    assert (engine.made, engine.model_digest) == ("package", "")
    assert engine.digest.startswith("sha256:")
    assert "xllamacpp" in engine.source


def test_a_report_says_what_was_not_done_and_why(estate: Estate) -> None:
    text_of = write_markdown(write_report(look(estate, Start(not_done="the kernel forbids it (EPERM)"), NOW)))
    assert "the kernel forbids it" in text_of
    assert "comes up without a network" not in text_of


def test_without_a_check_the_report_says_that_there_was_none() -> None:
    assert "freehold doctor --sovereignty" in write_markdown(write_report(None, "freehold.local/0"))


def test_a_host_without_a_name_server_of_its_own_is_told(estate: Estate) -> None:
    done: Ourselves = look(estate, Start(came_up=True, names_seen=False), NOW)
    assert "did not let the check stand in for its name servers" in write_markdown(write_report(done))
