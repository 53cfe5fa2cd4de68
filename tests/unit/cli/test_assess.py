# SPDX-License-Identifier: Apache-2.0
"""freehold assess, as a shell would run it: what it says, and what its exit codes mean."""

import contextlib
import json
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run

from freehold.admin.keys import KeyRecord
from freehold.admin.state import State
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate

USES_OPENAI = "import openai\nclient = openai.OpenAI()\n"


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.py").write_text(USES_OPENAI)
    return folder


def test_a_code_base_without_dependencies_exits_with_zero(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("openai_blue = 1\n")
    result = run("assess", tmp_path)
    assert (result.exit_code, "No dependency" in result.stdout) == (0, True)


def test_exposure_exits_with_one_and_says_the_most_important_first(run: Run, code: Path) -> None:
    result = run("assess", code)
    assert result.exit_code == 1
    first = result.stdout.splitlines()[:3]
    assert "depends on 1 AI provider" in first[0]
    assert "US" in first[1]
    assert first[2].startswith("To leave")


def test_a_provider_that_is_allowed_does_not_fail_a_build(run: Run, code: Path) -> None:
    assert run("assess", code, "--allow", "openai").exit_code == 0
    assert run("assess", code, "--allow", "mistral").exit_code == 1


def test_only_new_exposure_fails_a_build_that_has_a_baseline(run: Run, code: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    assert run("assess", code, "--baseline", baseline, "--write-baseline").exit_code == 0
    assert run("assess", code, "--baseline", baseline).exit_code == 0
    (code / "b.py").write_text("import anthropic\n")
    result = run("assess", code, "--baseline", baseline, "--json")
    assert result.exit_code == 1
    new = [one["file"] for one in json.loads(result.stdout)["assessment"]["findings"] if one["new"]]
    assert new == ["b.py"]


@pytest.mark.parametrize("shape", ["text", "json", "sarif", "cyclonedx", "html"])
def test_every_form_can_be_written_to_a_file(shape: str, run: Run, code: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("assess", code, "--format", shape, "--output", out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert out.stat().st_size > 200


def test_a_plan_is_written_once_and_overwrites_nothing(run: Run, code: Path, tmp_path: Path) -> None:
    plan = tmp_path / "new" / "freehold.toml"
    assert run("assess", code, "--plan", plan).exit_code == 1
    assert "[service.code]" in plan.read_text()
    result = run("assess", code, "--plan", plan)
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)


def test_a_plan_without_a_file_goes_to_the_terminal_alone(run: Run, code: Path) -> None:
    result = run("assess", code, "--plan")
    assert result.stdout.startswith("# What 'freehold assess' found")


@pytest.mark.parametrize(
    "arguments",
    [(), (".", "--write-baseline"), (".", "--without", "US", "--format", "sarif"), (".", "--format", "pdf")],
)
def test_what_cannot_be_meant_exits_with_two(arguments: tuple[str, ...], run: Run) -> None:
    assert run("assess", *arguments).exit_code == 2


def test_what_would_stop_is_said_of_a_code_base(run: Run, code: Path) -> None:
    result = run("assess", code, "--without", "US", "--json")
    told = json.loads(result.stdout)["without"]
    assert (told["kind"], told["states"]) == ("authority", ["US"])
    assert [(one["application"], one["fate"]) for one in told["applications"]] == [("code", "stops")]


def test_an_estate_says_what_it_could_carry(run: Run, code: Path, estate: Estate) -> None:
    (code / "b.py").write_text('model = "gpt-4o"\n')
    result = run("assess", code, "--without", "openai", "--estate", estate.directory)
    assert "this estate answers to its models as default" in result.stdout


def prefer_claude(estate: Estate, targets: str) -> None:
    text = estate.settings.read_text().replace('targets = ["local"]', f"targets = [{targets}]", 1)
    text = text.replace("[policy]", '[policy]\nset = "open"', 1)
    text += '\n[target.claude]\nprovider = "anthropic"\nmodel = "claude-opus-4-8"\n[provider.anthropic]\n'
    estate.settings.write_text(text)


def let_ask(estate: Estate, label: str, *services: str) -> None:
    record = KeyRecord(
        id=f"key_{label}",
        label=label,
        secret_sha256=label,
        services=services,
        data_class=DataClass.PUBLIC,
        created_unix=1.0,
    )
    with contextlib.closing(State(estate.state)) as state:
        state.add_api_key(record)


def test_an_estate_says_which_applications_stop_and_which_go_on(run: Run, estate: Estate) -> None:
    prefer_claude(estate, '"claude"')
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write('\n[service.own]\ntargets = ["local"]\n')
    let_ask(estate, "support", "default")
    let_ask(estate, "search", "own")
    let_ask(estate, "all", "*")
    result = run("assess", "--without", "anthropic", "--estate", estate.directory, "--json")
    told = json.loads(result.stdout)["without"]["applications"]
    assert {one["label"]: one["fate"] for one in told} == {
        "support": "stops",
        "search": "goes on",
        "all": "goes on with less",
    }
    text = run("assess", "--without", "anthropic", "--estate", estate.directory).stdout
    assert "all: default stops; own goes on with local" in " ".join(text.split())


def test_a_state_that_may_compel_a_provider_nobody_knows_takes_it_away(run: Run, estate: Estate) -> None:
    prefer_claude(estate, '"claude", "local"')
    text = estate.settings.read_text().replace('provider = "anthropic"', 'provider = "replicate"')
    estate.settings.write_text(text.replace("[provider.anthropic]", "[provider.replicate]\n"))
    result = run("assess", "--without", "FR", "--estate", estate.directory)
    assert "Nothing changes" not in result.stdout


def test_a_service_that_would_stop_too_is_no_way_out_for_an_application(run: Run, code: Path, estate: Estate) -> None:
    (code / "b.py").write_text('model = "gpt-4o"\n')
    (code / "c.py").write_text("import anthropic\n")
    prefer_claude(estate, '"claude"')
    result = run("assess", code, "--without", "US", "--estate", estate.directory)
    assert "default stops" in result.stdout


def test_an_estate_that_is_down_says_what_its_files_say(run: Run, estate: Estate) -> None:
    prefer_claude(estate, '"claude", "local"')
    result = run("assess", "--without", "anthropic", "--estate", estate.directory, "--json")
    told = json.loads(result.stdout)["without"]
    assert told["up"] is False
    assert [(one["service"], one["fate"], one["target"]) for one in told["services"]] == [
        ("default", "survives", "local")
    ]
    assert "gpt-*" in told["services"][0]["aliases"]


def test_an_estate_without_providers_loses_nothing(run: Run, estate: Estate) -> None:
    result = run("assess", "--without", "US", "--estate", estate.directory)
    assert (result.exit_code, "Nothing changes" in result.stdout) == (0, True)
