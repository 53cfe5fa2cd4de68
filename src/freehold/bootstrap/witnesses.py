# SPDX-License-Identifier: Apache-2.0
"""What is known of an estate's witnesses, up or down; and, before a copy becomes the log, what they have seen of it."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from freehold.admin.alarms import read_witness_records
from freehold.admin.client import AdminClient
from freehold.admin.doctor import Check
from freehold.admin.permits import standing_permit
from freehold.admin.views import View
from freehold.admin.witness_views import alarm_views, witness_checks, witnessing_view
from freehold.admin.witnessing import WITNESS
from freehold.bootstrap.launch import supervisor_pid
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.ledger.tree.store import LedgerFiles
from freehold.settings import Settings, read_settings
from freehold.signing.note import parse_vkey
from freehold.witness.asking.newest import NewestSeen, newest_seen
from freehold.witness.asking.ways import WitnessWay, known_witnesses
from freehold.witness.trusting import policy_text


def witnessing_of(estate: Estate) -> dict[str, Any]:
    """``witnessing`` and ``alarms``, as the admin API has them."""
    if supervisor_pid(estate) is not None:
        return AdminClient(estate.control_socket).get("witnesses")
    witnessing, alarms = witnessing_down(estate, read_settings(estate.settings))
    answer: dict[str, Any] = msgspec.to_builtins({"witnessing": witnessing, "alarms": alarms})
    return answer


def witnessing_down(estate: Estate, settings: Settings) -> tuple[View, list[View]]:
    """The same, out of the files of an estate that is down: the witnesses, and every alarm."""
    records = read_witness_records(estate.state)
    view = witnessing_view(estate, settings, records, sealed=False, problems={}, now_unix=time.time())
    return view, alarm_views(records)


def witness_checks_down(estate: Estate, settings: Settings) -> Iterator[Check]:
    """For doctor."""
    yield from witness_checks(estate, settings, read_witness_records(estate.state), sealed=False, problems={})


def trust_policy_of(estate: Estate) -> str:
    """What to hand to whoever verifies: the ledger's key, its witnesses and their quorum, as a tlog-policy."""
    return policy_text(read_settings(estate.settings), _vkey(estate))


def ask_newest_seen(estate: Estate, settings: Settings) -> tuple[NewestSeen, ...]:
    """What each configured witness has seen of this ledger, asked now under the grants of freehold.toml. Blocks.

    Nobody is asked where no witness is configured. One that does not say is among the answers, with the problem.
    """
    known = known_witnesses(settings).values()
    permit = standing_permit(lambda: settings.grants, WITNESS)

    async def ask() -> tuple[NewestSeen, ...]:
        ways = [WitnessWay(witness, permit, estate.directory) for witness in known]
        return await newest_seen(ways, parse_vkey(_vkey(estate)), LedgerFiles(estate.ledger).checkpoint())

    return asyncio.run(ask()) if known else ()


def _vkey(estate: Estate) -> str:
    try:
        return estate.ledger_vkey.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise EstateError(
            f"{estate.ledger_vkey} cannot be read", hint="'freehold init' writes it out of keys/ledger.key."
        ) from exc
