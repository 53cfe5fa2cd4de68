# SPDX-License-Identifier: Apache-2.0
"""The forms of a report: SARIF, CycloneDX, HTML, the plan, the baseline."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tests.unit.assess.exposure.conftest import Assess

from freehold.assess.exposure.assessment import Assessment
from freehold.assess.exposure.baseline import against, read_baseline, write_baseline
from freehold.assess.exposure.knowledge import Kind
from freehold.assess.exposure.page import write_page
from freehold.assess.exposure.plan import write_plan
from freehold.assess.exposure.sarif import write_sarif
from freehold.assess.exposure.services import write_services
from freehold.assess.exposure.view import assessment_view
from freehold.errors import EstateError
from freehold.policy.facts import Register
from freehold.settings import parse_settings

FILES = {
    "shop/package.json": '{"dependencies": {"openai": "^4", "replicate": "^1"}}',
    "shop/a.ts": 'import OpenAI from "openai";\nconst c = new OpenAI();\nconst model = "gpt-4o";\n',
    "desk/requirements.txt": "anthropic\nollama\n",
    "desk/a.py": "import anthropic\nc = anthropic.Client()\nc.messages.create(model='claude-opus-4-8', container=x)\n",
    "desk/b.py": "m = 'gpt-4o'\nv = 'text-embedding-3-small'\n",
    "desk/<b>&\"'.py": "import openai\n",
}


@pytest.fixture
def assessment(assessed: Assess) -> Assessment:
    return assessed(FILES)


def test_every_finding_says_who_under_which_states_by_which_source_and_what_it_takes(assessment: Assessment) -> None:
    view = assessment_view(assessment)
    finding = next(one for one in view["findings"] if one["file"] == "desk/a.py" and one["line"] == 3)
    assert (finding["kind"], finding["provider"], finding["application"]) == ("code", "anthropic", "desk")
    assert {one["state"] for one in finding["authorities"]} >= {"US", "IE", "??"}
    assert all(one["source"].strip() for one in finding["authorities"])
    assert finding["move"] == {
        "effort": "dialect",
        "what": "a base URL and a key; the dialect is translated for other models",
        "lost": ["container: this estate runs no code"],
    }


def test_a_provider_without_facts_is_unknown_and_never_safe(assessment: Assessment) -> None:
    provider = next(one for one in assessment_view(assessment)["providers"] if one["name"] == "replicate")
    assert provider["facts"] == "unknown"
    assert [(one["state"], one["confidence"]) for one in provider["authorities"]] == [("??", "unknown")]


def test_what_has_no_counterpart_is_code_to_change(assessed: Assess) -> None:
    text = "import openai\nc = openai.OpenAI()\nc.audio.transcriptions.create(file=f)\nc.chat.completions.create()\n"
    moves = {one.found.line: one.move for one in assessed({"a.py": text}).exposures}
    assert (moves[3].effort, moves[4].effort) == ("code", "base_url")
    assert "transcription" in moves[3].what


def test_sarif_has_what_its_schema_asks_of_what_is_written(assessment: Assessment) -> None:
    log = msgspec.json.decode(write_sarif(assessment))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert rules == {f"exposure/{kind}" for kind in Kind} | {"secret"}
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["level"] in ("none", "note", "warning", "error")
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert re.fullmatch(r"[\w./%~-]+", place["artifactLocation"]["uri"])
        assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert "snippet" not in place["region"]
    assert all(
        base["uri"].startswith("file:///") and base["uri"].endswith("/") for base in run["originalUriBaseIds"].values()
    )


def test_the_bill_of_services_is_strictly_valid(assessment: Assessment, register: Register) -> None:
    written = write_services(assessment, register, datetime(2026, 11, 23, tzinfo=UTC)).decode()
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(written) is None
    services = {service["name"]: service for service in msgspec.json.decode(written)["services"]}
    assert set(services) == {"anthropic", "openai", "replicate"}
    assert all(service["x-trust-boundary"] for service in services.values())


class Page(HTMLParser):
    """What a page loads and runs, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_page_needs_nothing_but_itself_and_runs_nothing(assessment: Assessment) -> None:
    page = Page()
    page.feed(write_page(assessment, "23 November 2026").decode())
    assert page.open == []
    tags = {tag for tag, _ in page.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "form", "base", "b&"}
    attributes = [name for _, attrs in page.seen for name in attrs]
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset")]
    links = [attrs["href"] or "" for tag, attrs in page.seen if tag == "a"]
    assert all(link.startswith("https://") for link in links)


def test_the_page_escapes_whatever_the_files_say(assessment: Assessment) -> None:
    text = write_page(assessment, "today").decode()
    assert "desk/&lt;b&gt;&amp;&quot;&#x27;.py" in text
    assert "desk/<b>" not in text


def test_the_plan_is_settings_that_are_read(assessment: Assessment, register: Register) -> None:
    settings = parse_settings(write_plan(assessment, register))
    assert settings.services["desk"].aliases == ["claude-opus-4-8"]
    assert settings.services["shared"].aliases == ["gpt-4o"]
    assert settings.services["embeddings"].aliases == ["text-embedding-3-small"]
    assert {target for one in settings.services.values() for target in one.targets} == set(settings.engines)


def test_the_guests_of_the_plan_are_settings_too(assessment: Assessment, register: Register) -> None:
    text = re.sub(r"(?m)^#(?=[\[a-z])", "", write_plan(assessment, register))
    assert {"openai", "anthropic"} <= set(parse_settings(text).providers)


@pytest.mark.parametrize("name", ["gpt-4o", "x/../y", "Äpfel & 'Birnen' \"[[\n", "-", ".", "a" * 300])
def test_any_folder_makes_a_plan_that_is_read(name: str, assessed: Assess, register: Register) -> None:
    assessment = assessed({"one/package.json": '{"dependencies": {"openai": "1"}}'})
    renamed = tuple(replace(one, application=name) for one in assessment.exposures)
    dependencies = tuple(replace(one, applications=(name,)) for one in assessment.dependencies)
    text = write_plan(replace(assessment, exposures=renamed, dependencies=dependencies), register)
    assert tomllib.loads(text)
    parse_settings(text)


def test_a_plan_for_nothing_is_read_as_well(assessed: Assess, register: Register) -> None:
    assert parse_settings(write_plan(assessed({"a.py": "x = 1\n"}), register)).services


def test_only_what_is_new_is_new(assessed: Assess, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    write_baseline(assessed({"a.py": "import openai\n"}), baseline)
    known = against(assessed({"a.py": "x = 1\n\nimport openai\n"}), read_baseline(baseline))
    assert [one.new for one in known.exposures] == [False]
    more = against(
        assessed({"a.py": "import openai\nimport openai\n", "b.py": "import groq\n"}), read_baseline(baseline)
    )
    assert [one.new for one in more.exposures] == [False, True, True]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b'{"format": 9, "known": {}}', b'{"format": 1, "known": {"a": 0}}', b"\xff"]
)
def test_what_is_no_baseline_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_bytes(content)
    with pytest.raises(EstateError, match="baseline"):
        read_baseline(path)


def test_the_baseline_of_the_first_release_is_read_for_ever() -> None:
    golden = Path(__file__).parents[3] / "golden" / "exposure" / "v1" / "baseline.json"
    assert read_baseline(golden).known == {"5f0f4c64e4b7a0a1b1de8f4a35c81e0c": 2}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value


def test_every_rule_has_a_source(assessment: Assessment) -> None:
    view = assessment_view(assessment)
    assert all(one["source"].startswith("https://") for one in view["findings"])
    assert list(_strings(view))
