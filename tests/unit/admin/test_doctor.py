# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from freehold.admin import host
from freehold.admin.doctor import Check, Finding, examine
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
