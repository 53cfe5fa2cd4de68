# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.errors import VaultError
from freehold.tuning.formats import FORMATS
from freehold.tuning.order import read_refusal, read_step, refusal_line, step_line
from freehold.tuning.quantiser import Task, write
from freehold.vault import Trust, Vault
from freehold.vault.deriving import Derivation


def task(derivation: Derivation, folder: Path, *, largest_bytes: int = 10**6) -> Task:
    return Task(
        weights=derivation.weights,
        draft=derivation.new_path(),
        kind=FORMATS["q8_0"],
        largest_bytes=largest_bytes,
        log=folder / "tune.log",
        threads=1,
    )


async def test_the_process_has_only_what_it_was_given_and_tells_how_far_it_is(
    vault: Vault, lax: Trust, tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    with vault.derive("tiny", lax) as derivation:
        order = task(derivation, tmp_path)
        await write(order, lambda done, total: steps.append((done, total)))
        assert order.draft.stat().st_size > 5000
    assert steps[-1] == (5, 5)


async def test_a_draft_that_would_outgrow_its_limit_is_taken_for_a_full_disk(
    vault: Vault, lax: Trust, tmp_path: Path
) -> None:
    with vault.derive("tiny", lax) as derivation, pytest.raises(VaultError, match="the disk filled up while tiny"):
        await write(task(derivation, tmp_path, largest_bytes=3000), lambda *_: None)


def test_both_tools_say_how_far_they_are_in_the_same_way() -> None:
    assert read_step(step_line(3, 272).encode()) == (3, 272)
    assert read_step(b"[  12/ 272]   blk.1.attn_k.weight - [  576,   192]") == (12, 272)
    assert read_step(b"llama_model_loader: loaded meta data") is None


def test_why_it_refused_is_read_back() -> None:
    assert read_refusal(refusal_line("no tensor of it").encode() + b"\n") == "no tensor of it"
    assert read_refusal(b"something else") == ""
