# SPDX-License-Identifier: Apache-2.0
"""freehold status: what the estate is doing. An estate that is down tells what its files say."""

from collections.abc import Mapping
from typing import Any

import click

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import await_control, supervisor_pid
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.cli.readiness import show_readiness
from freehold.cli.witnesses import cosigned_line, show_alarms
from freehold.continuity.directives import Phase
from freehold.contract.backend import BackendKind
from freehold.contract.estate import Estate
from freehold.contract.standing import TargetState
from freehold.contract.weights import Assurance

_ASSURANCES = {
    Assurance.SEALED: "are sealed by the file system, which lets nobody change them",
    Assurance.READ: "were read whole when it was loaded, and a change in place since then cannot be excluded",
    Assurance.UNCHANGED: "were not read again, because they look unchanged; a change in place cannot be excluded",
}
_STANDINGS = {"first": "its first target, without a current pass", "not qualified": "not qualified to stand in"}


@click.command(
    short_help="Show what the estate is doing.", epilog=examples("freehold status", "freehold status --json")
)
@estate_option
@json_option
def status(estate: Estate, *, as_json: bool) -> None:
    """Show what the estate is doing: processes, engines and their jails, services, ledger, gateways."""
    require_estate(estate)
    if supervisor_pid(estate) is None:
        from freehold.bootstrap.down import status_down  # noqa: PLC0415 - takes longer to load than to ask

        described = status_down(estate)
    else:
        described = await_control(estate).get("status")["status"]
    if as_json:
        output.emit("status", described)
    else:
        _show(described)


def _show(status: Mapping[str, Any]) -> None:
    show_alarms(status["alarms"])
    output.fields(
        {
            "estate": f"{status['estate']} is {status['state']}{', sealed' if status['sealed'] else ''}",
            "version": status["version"],
            "public": status["base_url"],
            "admin": status["admin_url"],
            "ledger": _ledger_line(status),
            "witnessed": cosigned_line(status["witnessing"]),
        }
    )
    if status["state"] == "up":
        output.say()
        _show_processes(status["processes"])
        output.say()
        _show_engines([row for row in status["targets"] if row["kind"] == BackendKind.ENGINE])
        _show_providers([row for row in status["targets"] if row["kind"] == BackendKind.PROVIDER])
    output.say()
    output.table(
        ("service", "data class", "targets", "answers to"),
        [(row["name"], row["data_class"], row["targets"], row["aliases"]) for row in status["services"]],
        empty="no service",
    )
    _show_acceptance(status["services"])
    show_readiness(status["readiness"])
    _show_withdrawals(status)
    _show_gateways(status["gateways"])


def _show_acceptance(services: list[dict[str, Any]]) -> None:
    for row in services:
        for target in row["acceptance"]["targets"] if row["acceptance"] else ():
            if target["reason"]:
                line = f"! {row['name']}: {target['target']} is {_STANDINGS[target['standing']]}: {target['reason']}"
                output.say(click.style(line, fg="yellow"))


def _ledger_line(status: Mapping[str, Any]) -> str:
    ledger = status["ledger"]
    if "unavailable" in ledger:
        return click.style(f"{status['origin']}: {ledger['unavailable']}", fg="red")
    if not ledger:
        return str(status["origin"])
    if ledger["away"]:
        return click.style(f"{status['origin']}: {ledger['away']}", fg="red")
    line = f"{status['origin']}: {ledger['size']} entries, {ledger['open_admissions']} calls open"
    if ledger["relaxed_s"]:
        line += f"; relaxed: a power cut may take the last {ledger['relaxed_s']:g} s"
    return line if not ledger["full"] else click.style(f"{line}, FULL: no call is served", fg="red")


def _show_processes(processes: list[dict[str, Any]]) -> None:
    output.table(
        ("process", "pid", "state", "restarts", "memory", "since"),
        [
            (row["name"], row["pid"], row["state"], row["restarts"], _memory(row["pss_bytes"]), row["since"])
            for row in processes
        ],
        empty="no process",
    )
    for row in processes:
        if row["reason"]:
            output.say(click.style(f"! {row['name']}: {row['reason']}", fg="yellow"))


def _show_engines(targets: list[dict[str, Any]]) -> None:
    output.table(
        ("target", "model", "state", "context", "slots", "threads", "memory", "jail", "engine"),
        [
            (
                row["target"],
                row["model"],
                row["state"],
                row["context_tokens"] or None,
                row["slots"] or None,
                row["threads"] or None,
                _memory(row["pss_bytes"]),
                _jail(row),
                row["build"],
            )
            for row in targets
        ],
        empty="no engine",
    )
    for row in targets:
        if row["reason"]:
            output.say(click.style(f"! {row['target']}: {row['reason']}", fg="yellow"))
        if row["weights"]:
            output.say(f"{row['model']} may run: {row['vouched']}; its files {_ASSURANCES[row['weights']]}")
        for part in row["jail"]["missing"]:
            output.say(click.style(f"! {row['target']} is NOT fully jailed: {part}", fg="red", bold=True))
        if row["jail"]["left"]:
            output.say(
                click.style(f"  {row['target']} is alone in its jail, and keeps: {row['jail']['left'][0]}", dim=True)
            )


def _show_providers(targets: list[dict[str, Any]]) -> None:
    if not targets:
        return
    output.say()
    output.table(
        ("target", "model", "provider", "host", "key", "authorities"),
        [
            (
                row["target"],
                row["model"],
                row["provider"],
                f"{row['host']}:{row['port']}",
                row["key"],
                row["authorities"],
            )
            for row in targets
        ],
        empty="",
    )
    for row in targets:
        if row["reason"]:
            output.say(click.style(f"! {row['target']}: {row['reason']}", fg="yellow"))


def _show_withdrawals(status: Mapping[str, Any]) -> None:
    out = [row for row in status["targets"] if row.get("standing", TargetState.ACTIVE) != TargetState.ACTIVE]
    if not (out or status["directives"]):
        return
    output.say()
    for row in out:
        output.say(click.style(f"! {row['target']} is {row['standing']}: 'freehold target list' says why", fg="red"))
    for row in status["directives"]:
        names = f"{row['kind']} {row['name']}"
        hits = ", ".join(row["targets"]) or "nothing"
        when = f" for {row['effective']}" if row["state"] == Phase.SCHEDULED else ""
        output.say(f"directive {row['id']} on {names} is {row['state']}{when}; it hits {hits}")


def _show_gateways(gateways: list[dict[str, Any]]) -> None:
    if not gateways:
        return
    output.say()
    output.table(
        ("gateway", "calls", "in flight", "refused", "failed", "shed", "slow", "no key", "over rate"),
        [
            (
                row["gateway"],
                row["calls"],
                row["in_flight"],
                row["refused"],
                row["failed"],
                row["shed"],
                row["slow"],
                row["unauthenticated"],
                row["rate_limited"],
            )
            for row in gateways
        ],
        empty="",
    )


def _jail(target: Mapping[str, Any]) -> str:
    if target["jail"]["missing"]:
        return "PARTIAL"
    if target["jail"]["left"]:
        return "alone"
    return "sealed" if target["sealed"] else ""


def _memory(pss_bytes: int | None) -> str | None:
    return None if pss_bytes is None else output.size(pss_bytes)
