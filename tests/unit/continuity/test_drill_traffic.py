# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from freehold.continuity.drill.traffic import TOOL, Recorded, body_of, replayed, synthetic
from freehold.contract.call import DataClass, Dialect

RECORDED = st.builds(
    Recorded,
    at_unix=st.floats(min_value=0, max_value=2e9),
    dialect=st.sampled_from(Dialect),
    stream=st.booleans(),
    data_class=st.sampled_from(DataClass),
    input_tokens=st.integers(0, 100_000),
    output_tokens=st.integers(0, 100_000),
)


@given(requests=st.integers(1, 200), duration_s=st.floats(1, 3600), seed=st.integers(), tools=st.booleans())
def test_synthetic_calls_lie_within_the_drill_in_order(
    requests: int, duration_s: float, seed: int, tools: bool
) -> None:
    calls = synthetic(requests, duration_s, seed=seed, tools=tools)
    times = [call.at_s for call in calls]
    assert len(calls) == requests
    assert times == sorted(times)
    assert all(0 <= at_s <= duration_s for at_s in times)
    assert tools or not any(call.tool for call in calls)


def test_the_same_drill_twice_makes_the_same_calls() -> None:
    assert synthetic(20, 10, seed=1, tools=True) == synthetic(20, 10, seed=1, tools=True)


def test_synthetic_calls_are_of_both_dialects_streamed_and_whole_with_and_without_tools() -> None:
    calls = synthetic(40, 10, seed=0, tools=True)
    for what in ("dialect", "stream", "tool"):
        assert len({getattr(call, what) for call in calls}) == 2


def test_no_two_calls_ask_the_same() -> None:
    calls = synthetic(100, 10, seed=0, tools=False)
    assert len({call.prompt for call in calls}) == len(calls)


@given(st.lists(RECORDED, min_size=1, max_size=20))
def test_a_replay_keeps_order_class_and_size_within_the_drill(recorded: list[Recorded]) -> None:
    calls = replayed(recorded, 10.0, seed=0)
    in_order = sorted(recorded, key=lambda call: call.at_unix)
    assert [call.data_class for call in calls] == [call.data_class for call in in_order]
    assert [call.stream for call in calls] == [call.stream for call in in_order]
    assert all(0 <= call.at_s <= 10.0 for call in calls)
    assert all(call.prompt.split()[-1] for call in calls)
    assert all(1 <= call.max_tokens <= 256 for call in calls)


def test_a_call_of_a_tool_names_it_in_either_dialect() -> None:
    calls = [call for call in synthetic(20, 10, seed=0, tools=True) if call.tool]
    bodies = {call.dialect: body_of(call, "support") for call in calls}
    assert bodies[Dialect.OPENAI]["tool_choice"]["function"]["name"] == TOOL
    assert bodies[Dialect.ANTHROPIC]["tool_choice"] == {"type": "tool", "name": TOOL}
