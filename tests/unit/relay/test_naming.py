# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.contract.backend import BackendKind, Model, Target
from freehold.relay import another_model


def target(model: str, *answers_as: str) -> Target:
    return Target(
        name="t",
        kind=BackendKind.PROVIDER,
        model=Model(name=model, digest=""),
        operator="somebody",
        answers_as=answers_as,
    )


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5", ""),
        ("gpt-5", "gpt-5"),
        ("gpt-5", "gpt-5-2026-08-07"),
        ("claude-opus-4", "claude-opus-4-20260512"),
        ("claude-opus-4-8", "claude-opus-4-8@20260512"),
        ("mistral-large-latest", "mistral-large-latest"),
        ("mistral-large-latest", "mistral-large-2512"),
        ("gemini", "gemini-v1.5"),
    ],
)
def test_a_version_of_the_model_is_the_model(asked: str, answered: str) -> None:
    assert another_model(target(asked), answered) == ""


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5", "gpt-5-mini"),
        ("gpt-5", "gpt-5-mini-2026-08-07"),
        ("gpt-5", "gpt-50"),
        ("gpt-5-2026-08-07", "gpt-5"),
        ("claude-opus-4-8", "claude-haiku-4-5"),
        ("mistral-large-latest", "mistral-small-2512"),
    ],
)
def test_another_model_is_named(asked: str, answered: str) -> None:
    assert another_model(target(asked), answered) == answered


def test_what_the_operator_expects_is_not_flagged() -> None:
    assert another_model(target("my-deployment", "gpt-5*"), "gpt-5-mini-2026-08-07") == ""
    assert another_model(target("my-deployment", "gpt-5"), "gpt-5-mini") == "gpt-5-mini"
