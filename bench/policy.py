# SPDX-License-Identifier: Apache-2.0
"""What a decision costs: one that was made before, and one that was not, with 200 policies and 200 backends.

Run it alone: ``python -m bench.policy``. A hit is one whole ``decide`` for a service with three targets; a miss is the
judgement of one target whose rules are at hand, by Cedar.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec
from bench import machine
from bench.report import Row

from freehold.contract.backend import BackendKind, Model, Service, Target
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.facts import BackendFacts
from freehold.contract.law import RuleFile
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.policy import Policy
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.facts import load_register
from freehold.policy.judge import Application, Circumstances, Judge
from freehold.policy.load import Sources, law_of, shipped

POLICIES, BACKENDS, SERVICES = 200, 200, 40
NOW_UNIX = 1_795_000_000

KEY = ApiKey(id="key_1", secret_sha256="", services=("*",), requests_per_minute=1)
CALL = Call(
    id="call_01939f2c8a6e5b1d4c3f2a9e8d7c",
    dialect=Dialect.OPENAI,
    operation=Operation.CHAT,
    asked="",
    service="",
    key_id=KEY.id,
    data_class=DataClass.PERSONAL,
    stream=False,
    body=b"",
)


def measure() -> Iterator[Row]:
    """The same as rows, for the whole suite."""
    snapshot = _snapshot(_rule_of_a_service)
    hit, miss = _hits(snapshot), _misses(snapshot)
    for what, times in (("one that was made before", hit), ("one target, not judged before", miss)):
        yield Row(name=f"a decision, {what}, p50", value=times["p50"], unit="us")
        yield Row(name=f"a decision, {what}, p99", value=times["p99"], unit="us")


def main() -> None:
    """Print the numbers as one JSON object."""
    by_service, for_all = _snapshot(_rule_of_a_service), _snapshot(_rule_for_all)
    print(
        json.dumps(
            {
                "policy": {
                    "python": machine.python(),
                    "policies": POLICIES,
                    "backends": BACKENDS,
                    "hit_us": _hits(by_service),
                    "miss_us": {
                        "most_rules_of_one_service": _misses(by_service),
                        "all_rules_for_all": _misses(for_all),
                    },
                    "swap_ms": round(_time_us(lambda: Policy(by_service), 50)["p50"] / 1000, 2),
                    "snapshot_kb": len(msgspec.msgpack.encode(by_service)) // 1000,
                }
            },
            indent=2,
        )
    )


def _hits(snapshot: Snapshot) -> dict[str, float]:
    policy, service = Policy(snapshot), snapshot.services[0]
    targets = snapshot.targets[:3]
    return _time_us(lambda: policy.decide(CALL, key=KEY, service=service, targets=targets, at_unix=NOW_UNIX), 20_000)


def _misses(snapshot: Snapshot) -> dict[str, float]:
    """One target after the other, so that no answer was given before; what Cedar needs was made before."""
    judge = Judge(read_rules(snapshot.law.files), backends_of(snapshot), snapshot.law.states)
    application = Application(key=KEY.id, services=KEY.services)
    questions = [
        (target.name, Circumstances(service=service.name, purpose="", data_class=data_class, at_unix=NOW_UNIX))
        for service in snapshot.services[:5]
        for data_class in DataClass
        for target in snapshot.targets
    ]
    for name, circumstances in questions[:: len(DataClass) * 7] + questions[:BACKENDS]:
        judge.judge(application, name, circumstances)
    asked = iter(questions)
    return _time_us(lambda: judge.judge(application, *next(asked)), len(questions))


def _snapshot(rule: Callable[[int], str]) -> Snapshot:
    own = RuleFile(name="policies/bench.cedar", text="\n".join(map(rule, range(POLICIES - 8))))
    sources = Sources(set="eu-or-adequate", files=(*shipped("eu-or-adequate"), own), register=load_register())
    law = law_of(sources, now_unix=NOW_UNIX)
    facts = tuple(
        BackendFacts(
            operator=f"operator-{number}",
            owned=False,
            authorities=("FR",) if number % 2 else ("DE", "US"),
            locations=("FR",),
            retention_days=number % 60,
            trains=number % 3 == 0,
        )
        for number in range(BACKENDS)
    )
    return Snapshot(
        version=1,
        services=tuple(
            Service(name=f"service-{number}", data_class=DataClass.INTERNAL, targets=()) for number in range(SERVICES)
        ),
        targets=tuple(
            Target(
                name=f"target-{number}",
                kind=BackendKind.PROVIDER,
                model=Model(name="m", digest=""),
                operator=known.operator,
                licence="MIT",
            )
            for number, known in enumerate(facts)
        ),
        keys=(KEY,),
        law=replace(law, facts=(*law.facts, *facts)),
    )


def _rule_of_a_service(number: int) -> str:
    """Four in five are about one service, as an estate with forty services would write them."""
    if number % 5 == 0:
        return _rule_for_all(number)
    return (
        f'@id("rule-{number}") forbid (principal, action, resource) when {{ context.service == '
        f'"service-{number % SERVICES}" && context.data_class >= 2 && resource.operator == "operator-{number}" }};'
    )


def _rule_for_all(number: int) -> str:
    return (
        f'@id("rule-{number}") forbid (principal, action, resource) when {{ context.data_class >= {number % 4} && '
        f'resource.operator == "operator-{number}" && resource.authorities.containsAny(["US", "CN"]) }};'
    )


def _time_us(work: Callable[[], object], times: int) -> dict[str, float]:
    measured = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        work()
        measured.append((time.perf_counter_ns() - begun) / 1000)
    measured.sort()
    return {"p50": round(measured[times // 2], 2), "p99": round(measured[times * 99 // 100], 2)}


if __name__ == "__main__":
    main()
