# SPDX-License-Identifier: Apache-2.0
"""How an engine runs on this host: context, slots, threads. Pure; what the target's table sets is never changed."""

from dataclasses import dataclass
from typing import Final

from freehold.contract.weights import VerifiedWeights
from freehold.settings import EngineTargetSection

_SLOTS: Final = 2  # two calls at once: on a small host more would only slow each other down
_SLOTS_OF_A_GPU: Final = 32  # which works on many at once for little more than on one
_CONTEXT_STEP_TOKENS: Final = 256  # llama.cpp rounds to this
_SMALLEST_CONTEXT_TOKENS: Final = 512
_MEMORY_SHARE_FOR_CONTEXT: Final = 0.25  # of what the weights leave
_MEMORY_SHARE_FOR_PROMPTS: Final = 1 / 32
_LARGEST_PROMPT_CACHE_MIB: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What an engine may use of the machine."""

    cores: int
    memory_bytes: int  # available now


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlan:
    """What an engine is started with. Tokens are per slot."""

    context_tokens: int  # 0: as many as the engine finds room for, of a GPU whose memory nobody asked about
    slots: int
    threads: int  # that make tokens
    prompt_threads: int  # that read prompts, and make the tokens of several calls at once
    queue: int  # calls that may wait for a slot
    prompt_cache_mib: int  # prompts kept in memory for when they come again
    context_bytes: int = 0  # what the context of all slots takes


# llama.cpp's threads wait for each other many times a token. One that has to share its core with the gateway or with
# applications holds up all of them: on two busy cores, two threads made a third of the tokens that one made. So a core
# is left to the others, except while a prompt is read, where threads meet less often.
def choose(target: EngineTargetSection, weights: VerifiedWeights, host: Host) -> EnginePlan:
    """The target's own numbers, and for the rest what fits the host."""
    slots = target.slots or (_SLOTS_OF_A_GPU if target.gpus else _SLOTS)
    free_bytes = max(0, host.memory_bytes - weights.size_bytes)
    context_tokens = target.context_tokens or (0 if target.gpus else _context_tokens(weights, slots, free_bytes))
    return EnginePlan(
        context_tokens=context_tokens,
        slots=slots,
        threads=target.threads or max(1, host.cores - 1),
        prompt_threads=target.threads or host.cores,
        queue=target.queue,
        prompt_cache_mib=min(int(free_bytes * _MEMORY_SHARE_FOR_PROMPTS) >> 20, _LARGEST_PROMPT_CACHE_MIB),
        context_bytes=context_tokens * slots * _bytes_per_token(weights),
    )


def _context_tokens(weights: VerifiedWeights, slots: int, free_bytes: int) -> int:
    affordable = int(free_bytes * _MEMORY_SHARE_FOR_CONTEXT) // (slots * _bytes_per_token(weights))
    affordable -= affordable % _CONTEXT_STEP_TOKENS
    trained = weights.context_train_tokens or affordable
    return min(trained, max(affordable, _SMALLEST_CONTEXT_TOKENS))


def _bytes_per_token(weights: VerifiedWeights) -> int:
    """Keys and values of one token. Where the file does not say: cautious, so that memory lasts.

    Models without grouped attention are the worst: one of 7B needs 512 KiB; larger ones have groups, and need less.
    """
    return weights.kv_bytes_per_token or min(max(weights.size_bytes // 4096, 4096), 512 * 1024)
