# SPDX-License-Identifier: Apache-2.0
"""Whole tunings, with weights that are really written, in the jail, and an engine that answers by their size."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tuning_builder import exotic_model, write_model

from freehold.errors import EstateError
from freehold.tuning import BEST, NONE, QUICK, Bench, Cases, Measured, Trial, Tuned, Tuner, Wish, find_tools
from freehold.tuning.trial import TRIAL
from freehold.vault import Trust, Vault

EXTENT = replace(QUICK, text_tokens=6, prompt_tokens=8, answer_tokens=2, repeats=1)


class Interrupted(Exception):
    pass


async def no_cases(_: Trial) -> Cases:
    return Cases()


def tuner(bench: Bench, told: Callable[[str, int, int], None] = lambda *_: None, judge: object = no_cases) -> Tuner:
    return Tuner(
        bench=bench,
        tools=find_tools(bench.estate.engines),
        judge=judge,  # type: ignore[arg-type]  # the tests give functions of the right shape
        told=told,
        noticed=lambda _: None,
    )


async def tuned(by: Tuner, vault: Vault, trust: Trust, wish: Wish) -> Tuned:
    with vault.derive("tiny", trust) as derivation:
        found = await by.tune(derivation, wish, lambda: vault.open_verified("tiny", trust))
        assert found.draft is None or found.draft.path.exists()
        drafts = list(derivation.scratch.rglob("*.gguf"))
        assert len(drafts) == (1 if found.draft else 0)
        return found


def of(found: Tuned, name: str) -> Measured:
    return next(one for one in found.measured if one.format == name)


async def test_the_fastest_within_the_loss_is_chosen(
    vault: Vault, lax: Trust, bench: Bench, whole: Callable[[], dict[str, bytes]]
) -> None:
    before = whole()
    found = await tuned(tuner(bench), vault, lax, Wish(max_loss=0.1, keep=BEST, extent=EXTENT))
    assert [one.format for one in found.measured] == ["f32", "q8_0", "q4_0", "q4_1"]
    assert of(found, "q4_0").loss > of(found, "q4_1").loss > of(found, "q8_0").loss > 0.05
    assert of(found, "q4_0").seconds < of(found, "q8_0").seconds < found.measured[0].seconds
    assert found.chosen is not None
    assert found.chosen.format == "q8_0"
    assert all(one.memory_bytes > 10**6 for one in found.measured)
    assert whole() == before
    assert not bench.estate.engine_folder(TRIAL).exists()


async def test_a_format_is_kept_on_demand_and_nothing_where_nothing_is_wanted(
    vault: Vault, lax: Trust, bench: Bench
) -> None:
    kept = Wish(formats=("q4_0", "q8_0"), max_loss=0.0, keep="q4_0", extent=EXTENT)
    found = await tuned(tuner(bench), vault, lax, kept)
    assert found.draft is not None
    assert found.draft.facts.quantisation == "Q4_0"
    found = await tuned(tuner(bench), vault, lax, replace(kept, formats=("q8_0",), keep=NONE))
    assert (found.draft, found.why_none) == (None, "")


async def test_why_nothing_is_chosen_is_said(vault: Vault, lax: Trust, bench: Bench) -> None:
    found = await tuned(tuner(bench), vault, lax, Wish(formats=("q8_0",), max_loss=0.0, keep=BEST, extent=EXTENT))
    assert found.chosen is None
    assert "q8_0: its loss of" in found.why_none


async def test_cases_that_a_format_fails_keep_it_from_being_chosen(vault: Vault, lax: Trust, bench: Bench) -> None:
    asked: list[Path] = []

    async def failing_later(trial: Trial) -> Cases:
        asked.append(trial.socket)
        return Cases(passed=3 if len(asked) == 1 else 2, total=3)

    wish = Wish(formats=("q8_0",), max_loss=1.0, keep=BEST, extent=EXTENT)
    found = await tuned(tuner(bench, judge=failing_later), vault, lax, wish)
    assert found.why_none.endswith("q8_0: it passes fewer acceptance cases")
    assert len(asked) == 2


async def test_an_interruption_at_any_step_leaves_the_vault_as_it_was(
    vault: Vault, lax: Trust, bench: Bench, whole: Callable[[], dict[str, bytes]]
) -> None:
    before = whole()
    for step in ("measuring tiny as it is, 50 %", "writing q8_0", "reading q8_0", "measuring q8_0 (1 of 1), 16 %"):

        def stop(doing: str, done: int, total: int, at: str = step) -> None:
            if doing.startswith(at):
                raise Interrupted

        wish = Wish(formats=("q8_0",), max_loss=1.0, keep=BEST, extent=EXTENT)
        with pytest.raises(Interrupted):
            await tuned(tuner(bench, stop), vault, lax, wish)
        assert whole() == before, step
        assert list((bench.estate.vault / "incoming").iterdir()) == [], step
        assert not bench.estate.engine_folder(TRIAL).exists(), step


async def test_a_type_that_cannot_be_written_is_a_finding_and_no_end(
    vault: Vault, lax: Trust, bench: Bench, tmp_path: Path
) -> None:
    vault.remove("tiny")
    vault.import_model(str(write_model(tmp_path, exotic_model())), "tiny")
    found = await tuned(tuner(bench), vault, lax, Wish(formats=("q8_0",), max_loss=0.1, keep=BEST, extent=EXTENT))
    assert of(found, "q8_0").problem == "the gguf package cannot read Q1_0, which blk.0.ffn_up.weight has"
    assert found.chosen is None


async def test_a_format_that_only_an_engine_build_makes_is_refused_before_anything_is_measured(
    vault: Vault, lax: Trust, bench: Bench
) -> None:
    wish = Wish(formats=("q8_0", "q6_k"), max_loss=0.1, keep=BEST, extent=EXTENT)
    with pytest.raises(EstateError, match="q6_k is written by the engine's own tool alone"):
        await tuned(tuner(bench), vault, lax, wish)


def test_without_any_tool_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="neither the gguf package nor an engine build") as refused:
        find_tools(tmp_path, installed=lambda: "")
    assert "freehold[tune]" in refused.value.advice
