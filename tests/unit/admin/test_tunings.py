# SPDX-License-Identifier: Apache-2.0
from contextlib import closing
from pathlib import Path

from freehold.admin.state import State
from freehold.admin.tunings import KEPT, Tunings


async def test_tunings_are_kept_the_newest_first_and_not_for_ever(tmp_path: Path) -> None:
    with closing(State(tmp_path / "state.db")) as state:
        tunings = Tunings(state)
        for number in range(KEPT + 2):
            tunings.keep("tiny", 1_795_000_000 + number, "op_1", {"model": "tiny", "number": number})
        tunings.keep("big", 1_795_000_000, "op_1", {"model": "big"})
        assert [found["number"] for found in tunings.of("tiny")] == list(range(KEPT + 1, 1, -1))
        assert tunings.of("tiny")[0]["by"] == "op_1"
        assert len(tunings.of("big")) == 1
