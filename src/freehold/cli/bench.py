# SPDX-License-Identifier: Apache-2.0
"""freehold bench: how fast this estate answers, asked as an application asks it. Bounded, and says what it will do."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from math import ceil
from statistics import median
from threading import Event, Thread

import click

from freehold.admin.client import AdminClient
from freehold.admin.consulted import Consulted
from freehold.admin.readable import require_estate
from freehold.bootstrap.consult import consult
from freehold.bootstrap.launch import control, supervisor_pid
from freehold.cli import output
from freehold.cli.callers import Answered, Bounds, ask
from freehold.cli.options import estate_option, examples, json_option
from freehold.cli.public import connect, passing_key
from freehold.contract.backend import BackendKind, Service
from freehold.contract.call import Call, Dialect, Operation
from freehold.contract.estate import Estate
from freehold.contract.snapshot import ApiKey, Snapshot
from freehold.errors import EstateError, Fault, FreeholdError, InvalidRequest
from freehold.policy import Policy

_LABEL = "freehold bench"
_KEY_S = 3600.0  # should this process be killed before it revokes its key
_SILENCE_S = 120.0
_LOOK_EVERY_S = 0.5
_DECISIONS = 1000
_WARM_UP = Bounds(callers=1, seconds=_SILENCE_S, calls=1, tokens=8)  # wakes an engine that sleeps
_APPENDS = "its ledger's groups, on their way to the disk"

View = dict[str, object]


@click.command(
    short_help="Measure how fast this estate answers.",
    epilog=examples(
        "freehold bench",
        "freehold bench default --callers 4 --seconds 30",
        "freehold bench support --calls 20 --yes",
    ),
)
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--callers", type=click.IntRange(1, 256), default=4, show_default=True, help="How many ask at a time.")
@click.option(
    "--seconds",
    type=click.IntRange(1, 600),
    default=10,
    show_default=True,
    help="For how long calls begin: with one caller, and again with all.",
)
@click.option(
    "--calls", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Most calls in each of these."
)
@click.option("--tokens", type=click.IntRange(1, 4096), default=64, show_default=True, help="Most tokens of an answer.")
@click.option("--yes", is_flag=True, help="Call providers too, where a named service has them. They may cost money.")
@estate_option
@json_option
def bench(  # noqa: PLR0913, PLR0917 - one argument for each option
    services: tuple[str, ...],
    callers: int,
    seconds: int,
    calls: int,
    tokens: int,
    estate: Estate,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Ask services over the public port for a while: requests/s, time to the first token, tokens/s, decisions, appends.

    Without a SERVICE, those that only engines of the estate answer for. The calls are real: decided, on record, and
    under a key made for them and revoked after. A service with a provider is called only if it is named, with --yes.
    """
    require_estate(estate)
    if supervisor_pid(estate) is None:
        raise EstateError(f"the estate in {estate.directory} is down", hint="'freehold up --detach' starts it.")
    found = consult(estate)
    chosen = _chosen(found, services, yes=yes)
    bounds = [Bounds(callers=many, seconds=seconds, calls=calls, tokens=tokens) for many in sorted({1, callers})]
    _announce(chosen, bounds)
    with control(estate) as admin:
        base_url = admin.get("status")["status"]["base_url"]
        reach = partial(connect, estate, base_url, silence_s=_SILENCE_S)
        with _appends(admin) as appends_us, _key(admin, chosen) as secret:
            answers = [
                view for service in chosen for view in _tried(reach, secret, service, bounds, named=bool(services))
            ]
    decisions = [_decided(found, service) for service in chosen]
    measured: View = {"services": answers, "decisions": decisions, "appends": _appended(appends_us)}
    if as_json:
        output.emit("bench", measured)
    else:
        _show(answers, decisions, appends_us)


def _chosen(found: Consulted, names: Sequence[str], *, yes: bool) -> list[Service]:
    """The services to call. Raises NotFound, InvalidRequest before anything is called."""
    foreign = {target.name for target in found.targets if target.kind is BackendKind.PROVIDER}
    if not names:
        owned = [service for service in found.services if foreign.isdisjoint(service.targets)]
        if not owned:
            raise InvalidRequest(
                "every service of this estate may call a provider", hint="Name the services to call, and give --yes."
            )
        return owned
    chosen = [found.service(name) for name in dict.fromkeys(names)]
    for service in chosen:
        providers = [target for target in service.targets if target in foreign]
        if providers and not yes:
            raise InvalidRequest(
                f"{service.name} may call {', '.join(providers)}, which is a provider's",
                hint="--yes lets its calls go there. --calls and --tokens bound them.",
            )
    return chosen


def _announce(chosen: Sequence[Service], bounds: Sequence[Bounds]) -> None:
    names = ", ".join(service.name for service in chosen)
    seconds = sum(bound.seconds for bound in bounds)
    callers = " and then ".join(f"{bound.callers} at a time" for bound in bounds)
    output.note(f"Calls {names}, {callers}, for {seconds:g} s in all of each service, over the public port.")
    output.note("The calls are on record like any other. Other callers share the estate with them.")


@contextmanager
def _key(admin: AdminClient, chosen: Sequence[Service]) -> Iterator[str]:
    with passing_key(admin, _LABEL, lives_s=_KEY_S, services=[service.name for service in chosen]) as secret:
        yield secret


@contextmanager
def _appends(admin: AdminClient) -> Iterator[list[float]]:
    """Microseconds that a group of entries took to the disk, as the ledger says now and then meanwhile."""
    over, seen = Event(), list[float]()

    def look() -> None:
        while not over.wait(_LOOK_EVERY_S):
            try:
                seen.append(float(admin.get("ledger")["ledger"]["fsync_us"]))
            except FreeholdError:  # it is busy, or gone: the calls will tell
                continue

    looking = Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _tried(
    reach: Callable[[], HTTPConnection], secret: str, service: Service, bounds: Sequence[Bounds], *, named: bool
) -> list[View]:
    """Its views. One that nobody named and that answers no chat, as a service of vectors, is left out and told."""
    try:
        return [*_asked(reach, secret, service, bounds)]
    except Fault as problem:
        if named:
            raise
        output.note(f"Left out: {problem.message}.")
        return []


def _asked(
    reach: Callable[[], HTTPConnection], secret: str, service: Service, bounds: Sequence[Bounds]
) -> Iterator[View]:
    """One view for each number of callers. Raises Fault for a service that answers nobody."""
    ask(reach, secret, service.name, _WARM_UP)
    for bound in bounds:
        answered = ask(reach, secret, service.name, bound)
        if not answered.whole_ms:
            codes = ", ".join(answered.unanswered) or "nothing"
            raise Fault(f"{service.name} answered no call: {codes}")
        yield _view(service.name, bound, answered)


def _view(service: str, bound: Bounds, answered: Answered) -> View:
    return {
        "service": service,
        "callers": bound.callers,
        "calls": len(answered.whole_ms),
        "requests_per_s": round(answered.requests_per_s, 2),
        "first_token_p50_ms": round(median(answered.first_ms), 2),
        "first_token_p99_ms": round(_quantile(answered.first_ms, 0.99), 2),
        "whole_p50_ms": round(median(answered.whole_ms), 2),
        "tokens_per_s": round(answered.tokens_per_s, 1),
        "unanswered": dict(answered.unanswered),
    }


def _decided(found: Consulted, service: Service) -> View:
    """A decision by the rules in force, made here: the first, which judges every target, and those after it."""
    snapshot = Snapshot(version=0, services=found.services, targets=found.targets, law=found.law)
    policy, targets = Policy(snapshot), tuple(target for target in found.targets if target.name in service.targets)
    key = ApiKey(id="key_bench", secret_sha256="", services=(service.name,), requests_per_minute=1)
    call = Call(
        id="call_bench",
        dialect=Dialect.OPENAI,
        operation=Operation.CHAT,
        asked=service.name,
        service=service.name,
        key_id=key.id,
        data_class=service.data_class,
        stream=False,
        body=b"",
    )
    taken_us = []
    for _ in range(_DECISIONS):
        begun = time.perf_counter()
        policy.decide(call, key=key, service=service, targets=targets, at_unix=int(time.time()))
        taken_us.append((time.perf_counter() - begun) * 1e6)
    return {
        "service": service.name,
        "targets": len(targets),
        "first_us": round(taken_us[0], 1),
        "p50_us": round(median(taken_us), 2),
    }


def _appended(appends_us: Sequence[float]) -> View | None:
    if not appends_us:
        return None
    return {"samples": len(appends_us), "p50_us": round(median(appends_us)), "most_us": round(max(appends_us))}


def _quantile(samples: Sequence[float], share: float) -> float:
    return sorted(samples)[max(0, ceil(len(samples) * share) - 1)]


def _show(answers: Sequence[View], decisions: Sequence[View], appends_us: Sequence[float]) -> None:
    output.table(
        ("service", "callers", "calls", "requests/s", "first token p50", "p99", "tokens/s", "unanswered"),
        [_line(view) for view in answers],
        empty="Nothing was asked.",
    )
    for view in decisions:
        times = f"{view['first_us']} us the first time, {view['p50_us']} us once it is remembered"
        output.say(f"A decision for {view['service']} (targets: {view['targets']}): {times}.")
    if appended := _appended(appends_us):
        output.say(f"{_APPENDS.capitalize()}: {appended['p50_us']} us (p50), {appended['most_us']} us at most.")


def _line(view: Mapping[str, object]) -> tuple[object, ...]:
    unanswered = view["unanswered"]
    told = ", ".join(f"{code} {count}" for code, count in unanswered.items()) if isinstance(unanswered, dict) else ""
    return (
        view["service"],
        view["callers"],
        view["calls"],
        view["requests_per_s"],
        f"{view['first_token_p50_ms']} ms",
        f"{view['first_token_p99_ms']} ms",
        view["tokens_per_s"],
        told,
    )
