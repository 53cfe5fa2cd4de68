# SPDX-License-Identifier: Apache-2.0
"""Every metric of an estate, with its labels and buckets. docs/reference/metrics.md tells them; a test compares.

Label values are names of the configuration and codes of ours: as many as an operator has written down, whatever callers
and providers say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Seconds. The last bucket of each is without bound.
FIRST_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BETWEEN_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
WHOLE_S: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """``name`` is the one without ``_total``. ``bounds_s``: of the buckets of a histogram."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    bounds_s: tuple[float, ...] = ()


REQUESTS: Final = Metric("freehold_requests", "Requests at the public port, of whatever kind and ending")
PROBLEMS: Final = Metric(
    "freehold_problems", "Errors that callers were told before an answer, by their code", ("code",)
)
CALLS: Final = Metric(
    "freehold_calls",
    "Calls that were decided, by how they ended; the target is empty where none answered",
    ("service", "target", "ending"),
)
REFUSALS: Final = Metric("freehold_refusals", "Rules that refused a call, each once for a call", ("service", "rule"))
FAULTS: Final = Metric(
    "freehold_target_faults", "Times that a target failed a call, before its first byte or after", ("target", "code")
)
FAILOVERS: Final = Metric(
    "freehold_failovers", "Times that a target failed a call, unseen, and another one answered", ("service", "target")
)
SEAMS: Final = Metric(
    "freehold_seams", "Places where an answer of the target broke off, and went on", ("service", "target", "kind")
)
TOKENS: Final = Metric(
    "freehold_tokens", "Tokens of calls, as whoever answered counts them", ("service", "target", "direction")
)
FIRST: Final = Metric(
    "freehold_time_to_first_token_seconds",
    "From a request's arrival to the first piece of its streamed answer",
    ("service", "target"),
    FIRST_S,
)
BETWEEN: Final = Metric(
    "freehold_inter_token_seconds",
    "Between two pieces of a streamed answer, as its caller gets them",
    ("service", "target"),
    BETWEEN_S,
)
WHOLE: Final = Metric(
    "freehold_call_duration_seconds",
    "From a request's arrival to the end of its answer",
    ("service", "target"),
    WHOLE_S,
)
SPANS: Final = Metric("freehold_spans", "Spans of traces, by what became of them", ("fate",))

COUNTED: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        *(REQUESTS, PROBLEMS, CALLS, REFUSALS, FAULTS, FAILOVERS, SEAMS, TOKENS),
        *(FIRST, BETWEEN, WHOLE, SPANS),
    )
}

IN_FLIGHT: Final = Metric("freehold_requests_in_flight", "Requests at the public port that are not over")
AT_WORK: Final = Metric("freehold_target_calls", "Calls that a target has now, those that wait for it too", ("target",))
WAITING: Final = Metric("freehold_calls_waiting", "Calls that wait for a place in a gateway")
QUEUED: Final = Metric("freehold_target_queue", "Calls that wait for a slot of the target's engine", ("target",))

NOW: Final[Mapping[str, Metric]] = {metric.name: metric for metric in (IN_FLIGHT, AT_WORK, WAITING, QUEUED)}


# What the control process knows of the estate whenever it is asked.
INFO: Final = Metric("freehold_build_info", "1, with the version of the control process", ("version",))
UP: Final = Metric("freehold_part_up", "Whether a part of the estate answers: gateway, ledger, supervisor", ("part",))
READY: Final = Metric("freehold_ready", "Whether the estate would answer a call now, as /readyz says")
SEALED: Final = Metric("freehold_sealed", "Whether the kernel keeps the estate from connecting anywhere")
GATEWAYS: Final = Metric(
    "freehold_gateways", "Gateways that are connected, and have the newest snapshot or not", ("snapshot",)
)
SNAPSHOT: Final = Metric("freehold_snapshot_version", "The version of the configuration in force")
TARGET_STATE: Final = Metric(
    "freehold_target_state", "1 for the state that a target is in, 0 for each other", ("target", "state")
)
ENGINE_STATE: Final = Metric(
    "freehold_engine_state", "1 for the state that a target's engine is in, 0 for each other", ("target", "state")
)
ENGINE_SLOTS: Final = Metric("freehold_engine_slots", "Calls that the engine of a target works on at once", ("target",))
ENGINE_RESTARTS: Final = Metric(
    "freehold_engine_restarts", "Times that the engine of a target died and was started again", ("target",)
)
PROCESS_UP: Final = Metric("freehold_process_up", "Whether a process of the estate runs", ("process",))
PROCESS_RESTARTS: Final = Metric(
    "freehold_process_restarts", "Times that a process of the estate was started again", ("process",)
)
PROCESS_MEMORY: Final = Metric(
    "freehold_process_memory_bytes", "Memory of a process, what it shares by parts (PSS)", ("process",)
)
DIRECTIVES: Final = Metric("freehold_directives", "Directives that are not lifted, by their state", ("state",))
DETECTED: Final = Metric("freehold_detected", "Calls whose class the detector raised, by what it found", ("what",))
ENTRIES: Final = Metric("freehold_ledger_entries", "Entries that the ledger has acknowledged")
PUBLISHED: Final = Metric("freehold_ledger_published_entries", "Entries under the newest checkpoint")
LEDGER_LAG: Final = Metric("freehold_ledger_lag_entries", "Entries that no checkpoint covers yet")
LEDGER_WAITING: Final = Metric("freehold_ledger_waiting_entries", "Entries that are not on disk yet")
OPEN_ADMISSIONS: Final = Metric("freehold_ledger_open_admissions", "Calls that are admitted, and not closed")
LEDGER_FREE: Final = Metric("freehold_ledger_free_bytes", "Free space on the disk of the ledger")
LEDGER_FULL: Final = Metric("freehold_ledger_full", "Whether admissions are refused for want of space")
LEDGER_AWAY: Final = Metric(
    "freehold_ledger_away", "Whether this copy is not the ledger, so that nothing is written on it"
)
LEDGER_FSYNC: Final = Metric(
    "freehold_ledger_fsync_seconds", "How long the last group of entries took to reach the disk"
)
COSIGNED_AGE: Final = Metric(
    "freehold_cosigned_age_seconds", "Since the newest checkpoint that the quorum of witnesses has cosigned"
)
COSIGNED_LAG: Final = Metric(
    "freehold_cosigned_lag_entries", "Published entries that the quorum of witnesses has not cosigned"
)
WITNESS_AGE: Final = Metric("freehold_witness_age_seconds", "Since a witness cosigned last", ("witness",))
WITNESS_LAG: Final = Metric(
    "freehold_witness_lag_entries", "Published entries that a witness has not cosigned", ("witness",)
)
WITNESS_ALARMS: Final = Metric("freehold_witness_alarms", "Alarms of witnesses that stand")
LEFT_OUT: Final = Metric(
    "freehold_series_left_out", "Counts that were told and not kept, because there are too many series"
)

GROWING: Final = frozenset({ENGINE_RESTARTS, PROCESS_RESTARTS, LEFT_OUT})  # of these; the others are gauges
ESTATE: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        *(INFO, UP, READY, SEALED, GATEWAYS, SNAPSHOT, TARGET_STATE, ENGINE_STATE, ENGINE_SLOTS, ENGINE_RESTARTS),
        *(PROCESS_UP, PROCESS_RESTARTS, PROCESS_MEMORY, DIRECTIVES, DETECTED, ENTRIES, PUBLISHED, LEDGER_LAG),
        *(LEDGER_WAITING, OPEN_ADMISSIONS, LEDGER_FREE, LEDGER_FULL, LEDGER_AWAY, LEDGER_FSYNC, COSIGNED_AGE),
        *(COSIGNED_LAG, WITNESS_AGE, WITNESS_LAG, WITNESS_ALARMS, LEFT_OUT),
    )
}
