# SPDX-License-Identifier: Apache-2.0
"""A short run of ``make fuzz-vault``, the same every time: read or refused, and never loaded in another's place."""

from functools import partial

import pytest
from tests.attack.vault.fuzz import Custody, look, mutated, originals

SEEDS = range(1000)


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Custody]:
    folder = partial(tmp_path_factory.mktemp, "custody")
    return {name: Custody(folder(), name, content) for name, content in originals().items()}


def test_the_originals_pass() -> None:
    assert [name for name, content in originals().items() if look(name, content).refused] == []


@pytest.mark.parametrize("seeds", [SEEDS[first : first + 250] for first in range(0, len(SEEDS), 250)], ids=str)
def test_mutated_files_are_read_or_refused(seeds: range) -> None:
    for seed in seeds:
        name, content = mutated(seed)
        assert all(finding.message for finding in look(name, content).findings)


def test_no_mutated_file_loads_in_place_of_the_original(custody: dict[str, Custody]) -> None:
    for seed in SEEDS[:200]:
        name, content = mutated(seed)
        assert custody[name].holds(content), seed


def test_the_original_itself_loads_again(custody: dict[str, Custody]) -> None:
    for name, content in originals().items():
        assert custody[name].loads(content)
        assert not custody[name].loads(content[:-1])


def test_a_seed_makes_the_same_file_each_time() -> None:
    assert [mutated(seed) for seed in SEEDS[:50]] == [mutated(seed) for seed in SEEDS[:50]]
    assert len({mutated(seed)[1] for seed in SEEDS[:50]}) > 40
