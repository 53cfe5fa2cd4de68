# SPDX-License-Identifier: Apache-2.0
"""The ledger process: owns the log, its checkpoint key and the salts; the only writer. Never sees content of calls."""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop

from freehold.bootstrap.process import common_arguments, end_with, log_to_stderr
from freehold.contract.estate import Estate
from freehold.errors import FreeholdError, NotAtHome
from freehold.ledger.keeper.pruning import Retention
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.keeper.standby import StandbyService
from freehold.ledger.writing.copies import Migration
from freehold.ledger.writing.log import RELAXED_S, Log
from freehold.settings import Settings, read_settings
from freehold.signing.keys import load_signer
from freehold.signing.note import Signer, parse_vkey
from freehold.witness.trusting import policy_of

_SWITCH_S = 0.0005  # a publication hashes in a thread of its own; what waits for the disk must not wait for that
_log = logging.getLogger(__name__)


def main() -> None:
    """One ledger, until SIGTERM."""
    options = common_arguments("The ledger process of one estate; 'freehold up' starts it.").parse_args()
    log_to_stderr("ledger", options.estate)
    end_with(options.supervisor)
    os.umask(0o077)
    sys.setswitchinterval(_SWITCH_S)
    try:
        uvloop.run(_run(Estate.find(options.estate)))
    except FreeholdError as problem:
        sys.exit(f"freehold: {problem.message}")


async def _run(estate: Estate) -> None:
    settings = read_settings(estate.settings)
    signer = load_signer(str(estate.ledger_key))
    service = _service(estate, settings, signer)
    await service.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    waiting = asyncio.create_task(service.wait())
    telling = asyncio.create_task(told.wait())
    await asyncio.wait((waiting, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if waiting.done():
        waiting.result()  # what broke the writing
    waiting.cancel()
    await service.close()


def _service(estate: Estate, settings: Settings, signer: Signer) -> LedgerService | StandbyService:
    """The log's appender; for a copy of it, what says that it is one."""
    section = settings.ledger
    anchor = Path(section.anchor) if section.anchor else None
    try:
        log = Log(
            estate.ledger,
            salts=estate.salts,
            signer=signer,
            reserve_bytes=section.reserve_mb * 2**20,
            sync_after_s=RELAXED_S if section.durability == "relaxed" else 0.0,
            anchor=anchor,
        )
    except NotAtHome as away:
        _log.error("%s: nothing is written. %s", away.message, away.advice)
        return StandbyService(
            Migration(estate.ledger, parse_vkey(signer.vkey), away=away, anchor=anchor), estate.ledger_socket
        )
    return LedgerService(
        log,
        estate.ledger_socket,
        publish_s=section.publish_after_s,
        salts_kept_days=section.salts_kept_days,
        retention=Retention(days=section.prune_after_days, cosigned=bool(settings.witnesses)),
        witnesses=policy_of(settings, signer.vkey),
    )


if __name__ == "__main__":
    main()
