# SPDX-License-Identifier: Apache-2.0
from freehold.tuning.formats import F16, F32, FORMATS, Q8_0, Tensor, Tool, candidates, new_types

Q4_0, Q4_1, Q6_K = 2, 3, 14


def test_without_an_engine_build_the_formats_of_its_tool_are_not_tried() -> None:
    assert [kind.name for kind in candidates((), "F16", (Tool.PACKAGE,))] == ["q8_0", "q4_0", "q4_1"]
    assert [kind.name for kind in candidates((), "F16", (Tool.ENGINE,))] == ["q8_0", "q4_0", "q4_1", "q4_k_m"]


def test_the_format_that_the_model_has_is_measured_as_it_is_alone() -> None:
    assert [kind.name for kind in candidates((), "Q4_1", (Tool.PACKAGE,))] == ["q8_0", "q4_0"]


def test_formats_that_are_asked_for_are_tried_once_and_in_their_order() -> None:
    assert [kind.name for kind in candidates(("q5_0", "q8_0", "q5_0"), "F16", (Tool.PACKAGE,))] == ["q5_0", "q8_0"]


def test_the_matrices_change_and_the_norms_stay() -> None:
    tensors = (
        Tensor(name="blk.0.attn_norm.weight", type=F32, shape=(576,)),
        Tensor(name="blk.0.ffn_up.weight", type=Q4_1, shape=(576, 1536)),
        Tensor(name="blk.0.ffn_up.bias", type=F32, shape=(1536,)),
    )
    assert new_types(tensors, Q4_0) == (F32, Q4_0, F32)


def test_what_turns_tokens_into_numbers_keeps_eight_bits_or_what_it_has() -> None:
    wide = (Tensor(name="token_embd.weight", type=F16, shape=(64, 10)),)
    rounded = (Tensor(name="output.weight", type=Q6_K, shape=(256, 10)),)
    assert new_types(wide, Q4_0) == (Q8_0,)
    assert new_types(rounded, Q4_0) == (Q6_K,)


def test_rows_that_no_block_fits_stay() -> None:
    assert new_types((Tensor(name="blk.0.ffn_up.weight", type=F16, shape=(33, 8)),), Q4_0) == (F16,)


def test_matrices_in_f32_stay_unless_the_whole_model_is_f32() -> None:
    router = Tensor(name="blk.0.ffn_gate.weight", type=F32, shape=(64, 4))
    large = Tensor(name="blk.0.ffn_up.weight", type=F16, shape=(64, 4096))
    assert new_types((router, large), Q8_0) == (F32, Q8_0)
    assert new_types((router,), Q8_0) == (Q8_0,)


def test_a_router_of_experts_is_never_rounded() -> None:
    assert new_types((Tensor(name="blk.0.ffn_gate_inp.weight", type=F32, shape=(64, 64)),), Q8_0) == (F32,)


def test_every_format_that_the_package_writes_says_how() -> None:
    assert [kind.name for kind in FORMATS.values() if kind.tensor_type is not None] == [
        "q8_0",
        "q4_0",
        "q4_1",
        "q5_0",
        "q5_1",
    ]
