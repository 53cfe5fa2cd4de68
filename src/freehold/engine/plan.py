# SPDX-License-Identifier: Apache-2.0
"""How an engine runs on this host: context, slots, threads. Pure; what the target's table sets is never changed."""

from dataclasses import dataclass
from typing import Final

from freehold.contract.weights import VerifiedWeights
from freehold.settings import EngineTargetSection

_SLOTS: Final = 2  # two calls at once: on a small host more would only slow each other down
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

    context_tokens: int
    slots: int
    threads: int  # that make tokens
    prompt_threads: int  # that read prompts, and make the tokens of several calls at once
    queue: int  # calls that may wait for a slot
    prompt_cache_mib: int  # prompts kept in memory for when they come again


# llama.cpp's threads wait for each other many times a token. One that has to share its core with the gateway or with
# applications holds up all of them: on two busy cores, two threads made a third of the tokens that one made. So a core
# is left to the others, except while a prompt is read, where threads meet less often.
def choose(target: EngineTargetSection, weights: VerifiedWeights, host: Host) -> EnginePlan:
    """The target's own numbers, and for the rest what fits the host."""
    slots = target.slots or _SLOTS
    free_bytes = max(0, host.memory_bytes - weights.size_bytes)
    return EnginePlan(
        context_tokens=target.context_tokens or _context_tokens(weights, slots, free_bytes),
        slots=slots,
        threads=target.threads or max(1, host.cores - 1),
        prompt_threads=target.threads or host.cores,
        queue=target.queue,
        prompt_cache_mib=min(int(free_bytes * _MEMORY_SHARE_FOR_PROMPTS) >> 20, _LARGEST_PROMPT_CACHE_MIB),
    )


def _context_tokens(weights: VerifiedWeights, slots: int, free_bytes: int) -> int:
    per_token = weights.kv_bytes_per_token or _guess_bytes_per_token(weights.size_bytes)
    affordable = int(free_bytes * _MEMORY_SHARE_FOR_CONTEXT) // (slots * per_token)
    affordable -= affordable % _CONTEXT_STEP_TOKENS
    trained = weights.context_train_tokens or affordable
    return min(trained, max(affordable, _SMALLEST_CONTEXT_TOKENS))


def _guess_bytes_per_token(weights_bytes: int) -> int:
    """Keys and values of one token, where the file does not say: cautious, so that memory lasts.

    Models without grouped attention are the worst: one of 7B needs 512 KiB; larger ones have groups, and need less.
    """
    return min(max(weights_bytes // 4096, 4096), 512 * 1024)
