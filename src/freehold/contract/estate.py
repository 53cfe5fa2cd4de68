# SPDX-License-Identifier: Apache-2.0
"""Where things lie in an estate's directory."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Estate:
    """One installation, by its directory. Arithmetic on names only: nothing is read or made here."""

    directory: Path

    @classmethod
    def find(cls, given: str | None = None) -> "Estate":
        """``--estate DIR``, else ``$FREEHOLD_ESTATE``, else ``./estate``."""
        return cls(Path(given or os.environ.get("FREEHOLD_ESTATE") or "estate").absolute())

    @property
    def settings(self) -> Path:
        return self.directory / "freehold.toml"

    @property
    def policies(self) -> Path:
        """The estate's own rules, ``*.cedar``."""
        return self.directory / "policies"

    @property
    def facts(self) -> Path:
        """The estate's own facts, ``*.yaml``."""
        return self.directory / "facts"

    @property
    def keys(self) -> Path:
        return self.directory / "keys"

    @property
    def ledger_key(self) -> Path:
        return self.keys / "ledger.key"

    @property
    def ledger_vkey(self) -> Path:
        """The ledger's C2SP verifier key: all that an auditor needs to check a receipt."""
        return self.keys / "ledger.vkey"

    @property
    def vault_key(self) -> Path:
        """What manifests and approvals of this estate are signed with."""
        return self.keys / "vault.key"

    @property
    def vault_pub(self) -> Path:
        """The public half of it, as PEM: all that another estate or an auditor needs to check them."""
        return self.keys / "vault.pem"

    @property
    def age_key(self) -> Path:
        """What the estate's secrets at rest are encrypted to."""
        return self.keys / "age.key"

    @property
    def vault(self) -> Path:
        return self.directory / "vault"

    @property
    def ledger(self) -> Path:
        return self.directory / "ledger"

    @property
    def salts(self) -> Path:
        return self.directory / "salts"

    @property
    def state(self) -> Path:
        return self.directory / "state.db"

    @property
    def engines(self) -> Path:
        """Engines that were built on this host."""
        return self.directory / "engines"

    @property
    def drills(self) -> Path:
        """The scorecards of drills."""
        return self.directory / "drills"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def logs(self) -> Path:
        return self.run / "log"

    @property
    def lock(self) -> Path:
        """Held by the supervisor for as long as it runs: one supervisor per estate."""
        return self.run / "supervisor.lock"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def ledger_socket(self) -> Path:
        return self.run / "ledger.sock"

    @property
    def control_socket(self) -> Path:
        """HTTP: the admin API, for the command line."""
        return self.run / "control.sock"

    @property
    def snapshot_socket(self) -> Path:
        """Where the control process publishes the snapshot to the gateways."""
        return self.run / "snapshot.sock"

    @property
    def kept(self) -> tuple[Path, ...]:
        """The folders of what is kept, where files are moved from place to place. Sockets are in none of them."""
        return (self.keys, self.vault, self.ledger, self.salts)

    @property
    def gateway_socket(self) -> Path:
        """HTTP: the public API, for calls that the estate makes itself. Keys and rules hold there as on the port."""
        return self.run / "gateway.sock"

    def engine_folder(self, target: str) -> Path:
        """The one folder that an engine may write to: its socket's."""
        return self.run / "engine" / target
