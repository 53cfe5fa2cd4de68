# SPDX-License-Identifier: Apache-2.0
"""The estate's check of itself: a copy of it started where there is no network, and what it wanted of one."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.estates import MODEL, Estate

HOST = "api.mistral.ai"
PROVIDED = """
[provider.mistral]
key = "file:keys/mistral.age"

[target.foreign]
provider = "mistral"
model = "mistral-small"
"""


@pytest.fixture(scope="module")
def checked(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """One with an engine and a provider, which is up."""
    own = Estate(tmp_path_factory.mktemp("checked") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.set("policy", 'set = "open"')
        path = own.files / "freehold.toml"
        text = path.read_text(encoding="utf-8").replace('targets = ["local"]', 'targets = ["foreign", "local"]', 1)
        path.write_text(text + PROVIDED, encoding="utf-8")
        own.up()
        yield own
    finally:
        own.destroy()


def check(estate: Estate) -> dict[str, Any]:
    found: dict[str, Any] = estate.ask("doctor", "--sovereignty")["sovereignty"]
    if found["start"]["not_done"]:
        pytest.skip(f"this host gives no network namespace: {found['start']['not_done']}")
    return found


def test_a_start_without_a_network_wants_what_the_settings_name_and_answers_by_itself(checked: Estate) -> None:
    before, status = checked.ask("key", "list"), checked.status()
    found = check(checked)
    start = found["start"]
    assert (start["came_up"], start["names_seen"]) == (True, True)
    assert {(one["kind"], one["what"], one["because"]) for one in start["wanted"]} == {
        ("name", HOST, "provider.mistral")
    }
    ended = {(one["target"], one["owned"]): one["ended"] for one in start["calls"]}
    assert ended["local", True] == "answered"
    assert ended["foreign", False] != "answered"
    assert [(one["target"], one["made"], one["model"]) for one in found["engines"]] == [("local", "package", MODEL)]
    assert checked.ask("key", "list") == before
    assert [one["pid"] for one in checked.status()["processes"]] == [one["pid"] for one in status["processes"]]


def test_the_result_is_kept_and_is_part_of_a_pack(checked: Estate, tmp_path: Path) -> None:
    """The one of the test before."""
    path = checked.files / "evidence" / "ourselves.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    pack = tmp_path / "evidence.zip"
    checked.run("evidence", "pack", pack)
    with zipfile.ZipFile(pack) as opened:
        data = json.loads(opened.read("reports/ourselves.json"))
        page = opened.read("reports/ourselves.html").decode()
    assert data == kept
    assert kept["start"]["not_done"] or HOST in page


def test_an_estate_that_is_down_is_checked_as_well(checked: Estate) -> None:
    checked.down()
    try:
        assert check(checked)["start"]["came_up"] is True
    finally:
        checked.up()
