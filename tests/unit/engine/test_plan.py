# SPDX-License-Identifier: Apache-2.0

from freehold.contract.backend import Model
from freehold.contract.weights import VerifiedFile, VerifiedWeights
from freehold.engine.plan import Host, choose
from freehold.settings import EngineTargetSection

GIB = 2**30
SMALL = EngineTargetSection(engine="llamacpp", model="small")


def weights(*, size_bytes: int = GIB, trained: int = 8192, per_token: int = 32 * 1024) -> VerifiedWeights:
    return VerifiedWeights(
        model=Model(name="small", digest="sha256:0"),
        format="gguf",
        files=(VerifiedFile(path="unused.gguf", fd=-1, size_bytes=size_bytes),),
        context_train_tokens=trained,
        chat_template="",
        kv_bytes_per_token=per_token,
    )


def test_a_roomy_host_gives_the_whole_trained_context() -> None:
    plan = choose(SMALL, weights(), Host(cores=8, memory_bytes=64 * GIB))
    assert (plan.context_tokens, plan.slots, plan.threads, plan.queue) == (8192, 2, 7, 64)
    assert plan.prompt_threads == 8


def test_a_small_host_bounds_the_context_by_memory() -> None:
    plan = choose(SMALL, weights(trained=131072), Host(cores=2, memory_bytes=3 * GIB))
    assert plan.context_tokens == 2 * GIB // 4 // (2 * 32 * 1024)
    assert plan.context_tokens % 256 == 0


def test_a_host_with_no_memory_left_still_gets_a_context_that_can_answer() -> None:
    plan = choose(SMALL, weights(), Host(cores=1, memory_bytes=GIB // 2))
    assert (plan.context_tokens, plan.prompt_cache_mib) == (512, 0)


def test_what_the_operator_set_is_not_changed() -> None:
    section = EngineTargetSection(
        engine="llamacpp", model="small", context_tokens=1000, slots=7, threads=3, queue=0, sleep_after_s=0
    )
    plan = choose(section, weights(), Host(cores=64, memory_bytes=GIB))
    assert (plan.context_tokens, plan.slots, plan.threads, plan.queue) == (1000, 7, 3, 0)
    assert plan.prompt_threads == 3


def test_more_slots_leave_less_context_for_each() -> None:
    host = Host(cores=2, memory_bytes=3 * GIB)
    few = choose(EngineTargetSection(engine="llamacpp", model="small", slots=1), weights(trained=131072), host)
    many = choose(EngineTargetSection(engine="llamacpp", model="small", slots=4), weights(trained=131072), host)
    assert few.context_tokens == 4 * many.context_tokens


def test_where_the_file_does_not_say_what_a_token_costs_the_guess_is_cautious() -> None:
    host = Host(cores=2, memory_bytes=8 * GIB)
    guessed = choose(SMALL, weights(size_bytes=4 * GIB, trained=131072, per_token=0), host)
    assert guessed.context_tokens <= choose(SMALL, weights(size_bytes=4 * GIB, trained=131072), host).context_tokens


def test_the_prompt_cache_is_bounded_on_the_largest_host() -> None:
    assert choose(SMALL, weights(), Host(cores=2, memory_bytes=4096 * GIB)).prompt_cache_mib == 1024


def test_a_gpu_works_on_more_at_once_and_says_itself_what_fits() -> None:
    section = EngineTargetSection(engine="vllm", model="small", environment="v", gpus=1)
    plan = choose(section, weights(), Host(cores=4, memory_bytes=64 * GIB))
    assert (plan.context_tokens, plan.slots) == (0, 32)


def test_the_context_of_all_slots_is_weighed() -> None:
    section = EngineTargetSection(engine="vllm", model="small", environment="v", context_tokens=1024, slots=3)
    assert choose(section, weights(), Host(cores=4, memory_bytes=64 * GIB)).context_bytes == 3 * 1024 * 32 * 1024
