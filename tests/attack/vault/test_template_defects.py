# SPDX-License-Identifier: Apache-2.0
"""Every template of templates/ is found out for its defect, wherever it hides: refused, or held for an approval."""

import json
from pathlib import Path

import pytest
from tests.attack.vault.fuzz import look
from tests.attack.vault.make_templates import SOUND, TEMPLATES, defects
from tests.gguf_builder import Gguf, text

from freehold.vault.inspect import Finding, Severity
from freehold.vault.inspect.templates import read_template

APPROVED_BY_A_PERSON = {
    "template.condition": ("content-", "word-", "message-", "arguments-of-"),
    "template.date": ("day-",),
    "template.text": ("text-long",),
    "template.url": ("url",),
    "template.direction": ("direction-",),
    "template.invisible": (
        "zero-",
        "tag-",
        "variation-",
        "soft-",
        "escape-",
        "private-",
        "blank-",
        "line-",
    ),
}


def expected(defect: str) -> tuple[Severity, str]:
    for rule, beginnings in APPROVED_BY_A_PERSON.items():
        if defect.startswith(beginnings):
            return Severity.APPROVAL, rule
    return Severity.REFUSED, "template.syntax"


def gravest(findings: tuple[Finding, ...]) -> tuple[Severity, str]:
    return findings[0].severity, findings[0].rule


def content(defect: str) -> str:
    return (TEMPLATES / f"{defect}.jinja").read_bytes().decode()


DEFECTS = sorted(path.stem for path in TEMPLATES.iterdir())


def test_every_defect_has_its_file() -> None:
    assert sorted(defects()) == DEFECTS


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_template_is_found_out_for_its_defect(defect: str) -> None:
    template = read_template(content(defect), name="default", place="here")
    assert gravest(template.findings) == expected(defect)
    assert all(finding.place.startswith("here") for finding in template.findings)


def hidden(template: str) -> dict[str, tuple[str, bytes]]:
    """The same template in every place where loaders look for one: the file's name, and its bytes."""
    config = {
        "text": {"chat_template": template},
        "list": {"chat_template": [{"name": "default", "template": SOUND}, {"name": "tools", "template": template}]},
        "table": {"chat_template": {"default": SOUND, "tools": template}},
        "deep": {"processor": {"settings": [{"chat_template": template}]}},
        "other-name": {"my_Chat_Template_2": template},
    }
    places = {f"config-{name}": ("tokenizer_config.json", json.dumps(it).encode()) for name, it in config.items()}
    return places | {
        "processor": ("chat_template.json", json.dumps({"chat_template": template}).encode()),
        "file": ("chat_template.jinja", template.encode()),
        "folder": ("additional_chat_templates/tools.jinja", template.encode()),
        "gguf": ("m.gguf", Gguf().with_value("tokenizer.chat_template", text(template)).build()),
        "gguf-named": ("m.gguf", Gguf().with_value("tokenizer.chat_template.tools", text(template)).build()),
        "gguf-other-letters": ("m.gguf", Gguf().with_value("Tokenizer.Chat_Template", text(template)).build()),
    }


@pytest.mark.parametrize("place", sorted(hidden("")))
@pytest.mark.parametrize("defect", ["class-of-a-text", "word-in-content", "direction-overridden"])
def test_a_template_is_found_wherever_it_hides(place: str, defect: str) -> None:
    name, raw = hidden(content(defect))[place]
    assert expected(defect) in {(finding.severity, finding.rule) for finding in look(name, raw).findings}


@pytest.mark.parametrize(
    "value",
    [
        ["{{ evil }}"],
        [["{{ evil }}"]],
        {"default": ["{{ evil }}"]},
        7,
        True,
        [{"name": "x", "template": "y", "z": "w"}],
    ],
)
def test_a_template_in_another_form_is_refused(value: object) -> None:
    found = look("tokenizer_config.json", json.dumps({"chat_template": value}).encode()).refused
    assert [finding.rule for finding in found] == ["template.form"]


def test_no_asset_is_large() -> None:
    assert max(path.stat().st_size for path in Path(TEMPLATES).iterdir()) < 64 * 2**10
