# SPDX-License-Identifier: Apache-2.0
"""What a person sees of a tuning; what was found comes from the operation."""

from typing import Any

import pytest

from freehold.cli.tuned import show_tuned, tell_outcome

ORIGINAL: dict[str, Any] = {
    "format": "q4_1",
    "original": True,
    "quantisation": "Q4_1",
    "size_bytes": 98_362_432,
    "digest": "sha256:aa",
    "tool": "",
    "prompt_tokens_per_s": 175.2,
    "answer_tokens_per_s": 77.0,
    "memory_bytes": 555_000_000,
    "perplexity": 21.0,
    "loss": 0.0,
    "loss_error": 0.0,
    "call_s": 4.6,
    "speedup": 1.0,
    "cases_passed": None,
    "cases": None,
    "problem": "",
    "objection": "",
}
FASTER = ORIGINAL | {
    "format": "q8_0",
    "original": False,
    "call_s": 2.6,
    "speedup": 1.7,
    "loss": 0.006,
    "loss_error": 0.005,
}
BROKEN = ORIGINAL | {
    "format": "q4_0",
    "original": False,
    "problem": "the tool that writes it ended with 1",
    **dict.fromkeys(("prompt_tokens_per_s", "answer_tokens_per_s", "memory_bytes", "perplexity", "loss"), None),
    **dict.fromkeys(("loss_error", "call_s", "speedup"), None),
}
TUNED: dict[str, Any] = {
    "model": "tiny",
    "quantisation": "Q4_1",
    "text_tokens": 512,
    "engine": "xllamacpp 1",
    "cores": 2,
    "formats": [ORIGINAL, FASTER, BROKEN],
    "disturbance": 0.02,
    "chosen": "q8_0",
    "speedup": 1.7,
    "why_none": "",
    "derived": {"name": "tiny-q8_0"},
    "was_there": False,
    "in_use": None,
}


def shown(tuned: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    show_tuned(tuned)
    tell_outcome(tuned)
    return capsys.readouterr().out


def test_the_table_names_what_is_kept_and_what_could_not_be_measured(capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(TUNED, capsys)
    assert "b  q8_0            98 MB  175/s  77/s   555 MB  2.6 s   1.7x   +0.6% ±0.5%  -      <- kept" in said
    assert "! c  q4_0: the tool that writes it ended with 1" in said
    assert "It came rounded to Q4_1" in said


def test_without_auto_the_setting_to_change_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert 'write model = "tiny-q8_0" in the target of freehold.toml that has tiny' in shown(TUNED, capsys)


def test_what_could_not_be_changed_is_said_with_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    in_use = {"targets": ["local"], "file": "/estate/freehold.toml", "changed": False}
    said = shown(TUNED | {"in_use": in_use}, capsys)
    assert 'Write model = "tiny-q8_0" in [target.local].' in said


def test_a_busy_host_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "The host was busy: two readings of the model as it is differ by 48%" in shown(
        TUNED | {"disturbance": 0.48}, capsys
    )


def test_why_nothing_is_kept_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = TUNED | {"derived": None, "chosen": None, "speedup": None, "why_none": "nothing is faster"}
    assert "Nothing is kept: nothing is faster" in shown(nothing, capsys)
    assert "Nothing is kept, as was asked." in shown(nothing | {"why_none": ""}, capsys)


def test_a_model_of_its_first_precision_has_lost_nothing_before(capsys: pytest.CaptureFixture[str]) -> None:
    assert "It came rounded" not in shown(TUNED | {"quantisation": "F16"}, capsys)
