# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.facts_builder import organisation, owner, said, text

from freehold.admin import host, interpreter
from freehold.admin.doctor import Check, Finding, examine, of_interpreter
from freehold.contract.estate import Estate
from freehold.settings import read_settings


def look(estate: Estate, *, unencrypted: bool = False) -> list[Check]:
    settings = read_settings(estate.settings)
    return examine(estate, settings, unencrypted=unencrypted, live=None, progress=lambda _done, _total: None)


def failing(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if check.finding is Finding.FAIL}


def test_a_new_estate_lacks_its_weights_alone(estate: Estate) -> None:
    assert failing(look(estate)) == {"weights"}


def test_a_key_that_others_can_read_is_a_failure_with_its_cure(estate: Estate) -> None:
    estate.ledger_key.chmod(0o644)
    (check,) = [check for check in look(estate) if check.finding is Finding.FAIL and check.name == "permissions"]
    assert "mode 0644" in check.what
    assert check.advice == f"Run: chmod 600 {estate.ledger_key}"


def test_an_estate_that_others_can_write_to_is_a_failure(estate: Estate) -> None:
    estate.directory.chmod(0o777)
    assert "estate" in failing(look(estate))


def test_a_disk_down_to_the_reserve_is_a_failure(estate: Estate) -> None:
    text = estate.settings.read_text().replace("# reserve_mb = 256", "reserve_mb = 1000000000")
    estate.settings.write_text(text)
    assert "disk" in failing(look(estate))


def test_plain_text_beyond_this_machine_is_a_warning(estate: Estate) -> None:
    (check,) = [check for check in look(estate, unencrypted=True) if check.name == "listener"]
    assert check.finding is Finding.WARN


def test_what_the_kernel_gives_is_told(estate: Estate) -> None:
    assert {"namespaces", "landlock", "seccomp"} <= {check.name for check in look(estate)}
    assert host.landlock_abi() >= 0


def test_a_kernel_without_seccomp_is_seen(tmp_path: Path) -> None:
    assert not host.has_seccomp(tmp_path)
    folder = tmp_path / "sys" / "kernel" / "seccomp"
    folder.mkdir(parents=True)
    (folder / "actions_avail").write_text("kill_process kill_thread errno allow\n")
    assert host.has_seccomp(tmp_path)


def test_a_python_built_without_profiles_is_a_warning_and_one_that_does_not_tell_is_not_mentioned() -> None:
    (plain,), (profiled,) = of_interpreter(profiled=False), of_interpreter(profiled=True)
    assert plain.finding is Finding.WARN
    assert "--enable-optimizations" in plain.advice
    assert profiled.finding is Finding.OK
    assert not [*of_interpreter(profiled=None)]


def test_the_python_that_runs_the_doctor_is_looked_at(estate: Estate) -> None:
    found = [check for check in look(estate) if check.name == "python"]
    assert found == [*of_interpreter(profiled=interpreter.is_profiled())]


def of_facts(estate: Estate, **own: dict[str, object]) -> list[Check]:
    estate.facts.mkdir(exist_ok=True)
    (estate.facts / "own.yaml").write_text(text(**own))
    return [check for check in look(estate) if check.name == "facts"]


def test_facts_that_are_old_are_a_warning_by_the_age_that_is_set(estate: Estate) -> None:
    ancient = said(name="Ancient", seat="FR") | {"as_of": "2001-01-01"}
    (check,) = [check for check in of_facts(estate, organisations={"ancient": ancient}) if "old" in check.what]
    assert check.finding is Finding.WARN
    assert check.what.startswith("organisations.ancient is ")
    written = estate.settings.read_text().replace("[policy]", "[policy]\nfacts_max_age_days = 100000")
    estate.settings.write_text(written)
    assert {check.finding for check in look(estate) if "no fact is older than 100000 days" in check.what} == {
        Finding.OK
    }


def test_what_changes_within_a_year_is_a_warning_and_what_changes_later_is_told(estate: Estate) -> None:
    today = datetime.now(UTC).date()
    soon, later = (today + timedelta(days=days) for days in (30, 3000))
    checks = of_facts(
        estate,
        adequacy={"GB": said(name="United Kingdom", expires=soon.isoformat())},
        organisations={"a": organisation("FR", owner("b", effective=later.isoformat())), "b": organisation("US")},
    )
    found = {check.what.partition(":")[0]: check for check in checks}
    assert found[soon.isoformat()].finding is Finding.WARN
    assert "the adequacy decision for United Kingdom lapses (adequacy.GB)" in found[soon.isoformat()].what
    assert found[later.isoformat()].finding is Finding.OK


def test_facts_that_cannot_be_read_are_a_failure(estate: Estate) -> None:
    (check,) = of_facts(estate, providers={"paris": {"name": "Paris"}})
    assert check.finding is Finding.FAIL
    assert "providers.paris: lacks 'source'" in check.what
