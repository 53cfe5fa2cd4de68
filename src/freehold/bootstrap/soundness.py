# SPDX-License-Identifier: Apache-2.0
"""Whether an estate's files are fit for a start, asked where a person sees the answer. Starts nothing."""

import time
from pathlib import Path

from freehold.admin.configured import read_configured
from freehold.admin.readable import readable
from freehold.contract.estate import Estate
from freehold.ledger.writing.anchor import require_newest
from freehold.settings import blame, read_settings
from freehold.signing.keys import load_signer
from freehold.signing.note import parse_vkey
from freehold.vault import Vault


def check_law(estate: Estate) -> None:
    """Raise what is wrong with settings, providers, rules, facts or claims here, where a person sees it."""
    Vault(estate.vault).settle()  # or it would be half of what a bundle brought
    read_configured(estate, read_settings(estate.settings)).proved_law(time.time())


def check_home(estate: Estate) -> None:
    """Raise NotAtHome here, where a person sees it, if this estate's ledger is a copy, or was put back."""
    with readable(estate):
        if estate.ledger_key.exists():
            anchor = read_settings(estate.settings).ledger.anchor
            if Path(anchor).is_relative_to(estate.directory):
                what = "lies in the estate, and would be put back together with it"
                raise blame(estate.settings, ("ledger",), "anchor", what)
            require_newest(estate.ledger, parse_vkey(load_signer(str(estate.ledger_key)).vkey), anchor)
