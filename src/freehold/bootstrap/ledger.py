# SPDX-License-Identifier: Apache-2.0
"""The ledger process: owns the log, its checkpoint key and the salts; the only writer. Never sees content of calls."""

import asyncio
import os
import signal
import sys

import uvloop

from freehold.bootstrap.process import common_arguments, end_with, log_to_stderr
from freehold.contract.estate import Estate
from freehold.errors import FreeholdError
from freehold.ledger.keeper.service import LedgerService
from freehold.ledger.writing.log import Log
from freehold.settings import read_settings
from freehold.signing.keys import load_signer


def main() -> None:
    """One ledger, until SIGTERM."""
    options = common_arguments("The ledger process of one estate; 'freehold up' starts it.").parse_args()
    log_to_stderr()
    end_with(options.supervisor)
    os.umask(0o077)
    try:
        uvloop.run(_run(Estate.find(options.estate)))
    except FreeholdError as problem:
        sys.exit(f"freehold: {problem.message}")


async def _run(estate: Estate) -> None:
    settings = read_settings(estate.settings).ledger
    log = Log(
        estate.ledger,
        salts=estate.salts,
        signer=load_signer(str(estate.ledger_key)),
        reserve_bytes=settings.reserve_mb * 2**20,
    )
    service = LedgerService(log, estate.ledger_socket, publish_s=settings.publish_after_s)
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


if __name__ == "__main__":
    main()
