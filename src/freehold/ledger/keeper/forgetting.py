# SPDX-License-Identifier: Apache-2.0
"""Destroys salts: of one call, or of a whole day. Blocks; what is put on record of it is its caller's affair.

A salt is destroyed first and the act recorded second: the record must never claim an erasure that did not take place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from freehold.contract.digest import sha256_of
from freehold.errors import NotFound
from freehold.ledger.record.entry import AdmissionEntry, read_entry
from freehold.ledger.writing.derived import Erasures
from freehold.ledger.writing.log import Log, faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """A salt that is no more. ``act``: the index of the one that says so, if it is on record already."""

    act: int | None
    digests: Mapping[str, str]


class Forgetting:
    """Of one log. One thread at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._erasures = Erasures(log.directory, log.disk)

    def destroy_of(self, index: int, call: str) -> Destroyed:
        """Destroy the salt of a call's admission.

        Raises NotFound, VerificationFailed where damage hides the salt, LedgerUnavailable.
        """
        data = self._log.entry(index)
        entry = None if data is None else read_entry(data)
        if data is None or not isinstance(entry, AdmissionEntry) or entry.call != call:
            raise NotFound(f"entry {index} is not the admission of {call}")
        with faults("the salts cannot be overwritten"):
            self._log.salts.erase(day_of(entry), index)  # where it was before, too: a backup may have brought it back
        act = self._erasures.get(call, behind=index)
        if act is None:
            act = self._erasures.get(day_of(entry), behind=index)
        return Destroyed(act=act, digests={"admission": sha256_of(data)})

    def destroy_day(self, day: str) -> Destroyed:
        """Overwrite all salts of a day. Raises LedgerUnavailable."""
        with faults("the salts cannot be overwritten"):
            newest = self._log.salts.newest(day)
            self._log.salts.destroy(day)
        return Destroyed(act=self._erasures.get(day, behind=newest), digests={})

    def act_of(self, day: str) -> int:
        """The index of the act by which a day's salts were destroyed. Raises NotFound."""
        act = self._erasures.get(day)
        if act is None:
            raise NotFound(f"no salts of {day} are kept", hint="A call's is under the day of its admission, in UTC.")
        return act

    def kept_days(self) -> list[str]:
        """Raises LedgerUnavailable."""
        with faults("the salts cannot be overwritten"):
            return self._log.salts.days()

    def expired(self, today: date, kept_days: int) -> list[str]:
        """The days whose salts were to be kept no longer than this. Raises LedgerUnavailable."""
        first_kept = f"{today - timedelta(days=kept_days)}"
        return [day for day in self.kept_days() if day < first_kept]

    def on_record(self, acts: Mapping[str, int]) -> None:
        """Note the acts, by call or day; the emptied file of a day goes. Raises LedgerUnavailable.

        A day that was written anew, by a clock that was set back, keeps the salts that are younger than the act.
        """
        with faults("the salts cannot be overwritten"):
            self._erasures.note(acts)
            for day in acts.keys() & set(self._log.salts.days()):
                if self._log.salts.newest(day) > acts[day]:
                    self._log.salts.destroy_before(day, acts[day])
                    continue
                self._log.salts.destroy(day)
                self._log.salts.remove(day)


def day_of(admission: AdmissionEntry) -> str:
    """Under which day its salt is kept."""
    return admission.at[:10]
