# SPDX-License-Identifier: Apache-2.0
"""How a detector comes into force, and how one that is not installed does not."""

from pathlib import Path

import pytest
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.publish import compose
from freehold.admin.requests import Nothing
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.law import Law
from freehold.errors import SettingsError
from freehold.policy.detect import installed
from freehold.settings import read_settings


def write(settings: Path, *lines: str) -> None:
    settings.write_text(settings.read_text().replace("[policy]", "\n".join(("[policy]", *lines))))


@pytest.fixture
def without_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "_MODULES", ("no_such_package",))


def test_the_snapshot_has_the_detector_and_its_class(estate: Estate) -> None:
    write(estate.settings, 'detector = "identifiers"', 'detector_class = "restricted"')
    snapshot = compose(read_settings(estate.settings), (), {}, Law(), version=1, now_unix=NOW_UNIX)
    assert (snapshot.detector, snapshot.detector_class) == ("identifiers", DataClass.RESTRICTED)


def test_without_the_setting_there_is_none(estate: Estate) -> None:
    snapshot = compose(read_settings(estate.settings), (), {}, Law(), version=1, now_unix=NOW_UNIX)
    assert (snapshot.detector, snapshot.detector_class) == ("", DataClass.PERSONAL)


@pytest.mark.parametrize("line", ['detector = "nlp"', 'detector_class = "public"'])
def test_what_no_detector_knows_is_refused(estate: Estate, line: str) -> None:
    write(estate.settings, line)
    with pytest.raises(SettingsError, match=r"line \d+: \[policy\] detector"):
        read_settings(estate.settings)


@pytest.mark.usefixtures("without_the_packages")
async def test_one_that_is_not_installed_stops_the_start(estate: Estate, parts: Parts) -> None:
    write(estate.settings, 'detector = "identifiers"')
    with pytest.raises(SettingsError, match="no_such_package"):
        await Operations(parts, read_settings(estate.settings)).start()


@pytest.mark.usefixtures("without_the_packages")
async def test_a_reload_with_one_that_is_not_installed_leaves_everything_as_it_was(
    estate: Estate, parts: Parts, ledger: FakeLedger, steps: Steps
) -> None:
    operations = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await operations.start()
    write(estate.settings, 'detector = "identifiers"')
    with pytest.raises(SettingsError, match="no_such_package"):
        await operations.reload(Nothing(), steps.asker())
    assert not ledger.acts
