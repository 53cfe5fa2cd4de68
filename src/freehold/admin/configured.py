# SPDX-License-Identifier: Apache-2.0
"""What an estate's files say, read together: settings, rules, facts, endpoints, claims. All of it sound, or nothing.

A law in force was proved against the claims. Where a new day makes a law that breaks one, nobody is there to decide:
then nothing leaves the estate until the claims hold again, and its own engines answer as before.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from freehold.admin.acceptance import Suites, read_suites
from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.contract.law import Law, RuleFile
from freehold.errors import OperatorError
from freehold.policy.detect import require_installed
from freehold.policy.load import Sources, law_of, read_sources, rules_digest
from freehold.policy.prove import claims_text, require_claims
from freehold.provider import endpoints_of
from freehold.settings import Settings
from freehold.witness.trusting import require_witnesses

_HOLDING_BACK: Final = RuleFile(
    name="held-back.cedar",
    text="""// Added by Freehold while the claims of the estate are not proved of the law of a new day.
@id("claims-not-proved")
@says("The law of this day was not proved to keep the estate's claims, so no provider may see a call.")
forbid (principal, action, resource)
unless { resource.owned };
""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """The files as they were read at the start, or at the last reload."""

    settings: Settings
    sources: Sources
    endpoints: tuple[Endpoint, ...]
    claims: str
    suites: Suites = field(default_factory=dict)  # the acceptance cases, by service

    def law(self, now_unix: float) -> Law:
        """The law of a day, with what is known of every provider that a target uses. Raises PolicyInvalid."""
        operators = {target.provider for target in self.settings.foreign.values()}
        return law_of(self.sources, operators=operators, now_unix=now_unix)

    def proved_law(self, now_unix: float) -> Law:
        """The same, once every claim is proved of it. Raises ClaimNotProved and its kin. Blocks."""
        law = self.law(now_unix)
        require_claims(self.claims, self.sources.register, law, now_unix=now_unix)
        return law

    def law_of_new_day(self, before: Law, now_unix: float) -> tuple[Law, str]:
        """The law to go on with, and why providers are held back under it; empty: they are not. Blocks."""
        law = before
        try:
            law = self.law(now_unix)
            require_claims(self.claims, self.sources.register, law, now_unix=now_unix)
        except OperatorError as problem:
            return holding_back(law), problem.message
        return law, ""


def read_configured(estate: Estate, settings: Settings) -> Configured:
    """Everything beside the settings. Raises SettingsError, PolicyInvalid, ClaimInvalid."""
    require_installed(settings.policy.detector)
    require_witnesses(estate, settings)
    sources = read_sources(estate, settings.policy.set)
    return Configured(
        settings=settings,
        sources=sources,
        endpoints=endpoints_of(settings, sources.register, estate),
        claims=claims_text(estate),
        suites=read_suites(estate, settings),
    )


def holding_back(law: Law) -> Law:
    """The law, with a rule that nothing of the estate's own can lift: in Cedar a forbid beats every permit."""
    if _HOLDING_BACK in law.files:
        return law
    files = (*law.files, _HOLDING_BACK)
    return replace(law, files=files, policy_digest=rules_digest(files))
