# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.prove_builder import GROUPS, NOW_UNIX, law, shipped_law

from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.facts import UNKNOWN
from freehold.contract.law import Law, RuleFile
from freehold.errors import ClaimInvalid, ClaimNotProved
from freehold.policy.facts import load_register
from freehold.policy.prove import Verdict, check_claims, claims_text, parse_claim, prove, require_claims

US = "no personal data under authority US"


def _judge(tried: Law, *claims: str) -> list[Verdict]:
    return prove(tried, [parse_claim(claim, GROUPS) for claim in claims], now_unix=NOW_UNIX)


def test_eu_only_keeps_personal_data_from_the_authority_of_the_us() -> None:
    (verdict,) = _judge(shipped_law("eu-only"), US)
    assert (verdict.proved, verdict.vacuous) == (True, False)


def test_owned_only_keeps_it_for_want_of_providers_and_says_so() -> None:
    verdict, about_providers = _judge(shipped_law("owned-only"), US, "no restricted data outside owned")
    assert (verdict.proved, verdict.vacuous, verdict.why) == (True, True, "no provider is permitted at all")
    assert (about_providers.proved, about_providers.vacuous) == (True, False)


def test_a_claim_about_calls_that_no_provider_sees_is_vacuous_too() -> None:
    (verdict,) = _judge(shipped_law("eu-only"), "no restricted data under authority US")
    assert (verdict.vacuous, verdict.why) == (True, "no provider is permitted for the calls that it speaks of")


def test_a_weakened_rule_gives_a_counterexample_that_cedar_permits() -> None:
    (verdict,) = _judge(_weakened("resource.authorities", "resource.locations"), US)
    assert not verdict.proved
    assert verdict.counterexample is not None
    facts = verdict.counterexample.facts
    assert "US" in (facts["authorities"] or ())  # type: ignore[operator] # a set of states, by the name
    assert (facts["owned"], facts["data_class"]) == (False, "personal")
    assert verdict.counterexample.permitted_by == ("eu-operators",)


def test_a_rule_of_the_estates_own_cannot_go_beyond_the_forbids_of_a_set() -> None:
    rogue = RuleFile(name="policies/rogue.cedar", text='@id("rogue") permit(principal, action, resource);')
    (verdict,) = _judge(shipped_law("eu-only", rogue), US)
    assert verdict.proved


def test_a_rule_of_the_estates_own_opens_owned_only_and_is_named() -> None:
    rogue = RuleFile(name="policies/rogue.cedar", text='@id("rogue") permit(principal, action, resource);')
    (verdict,) = _judge(shipped_law("owned-only", rogue), US)
    assert verdict.counterexample is not None
    assert verdict.counterexample.permitted_by == ("rogue",)
    assert verdict.counterexample.lines[-1] == "permitted by    rogue (policies/rogue.cedar, line 1)"


def test_what_is_unknown_is_under_every_authority() -> None:
    everybody = law('permit(principal, action, resource) when { !resource.authorities.contains("US") };')
    us, unknown = _judge(everybody, "no data under authority US", "no data under authority ??")
    assert (us.proved, unknown.proved) == (True, True)


def test_a_counterexample_may_be_a_backend_of_which_nothing_is_known() -> None:
    (verdict,) = _judge(law("permit(principal, action, resource);"), "no data under authority ??")
    assert verdict.counterexample is not None
    assert verdict.counterexample.request.backend.facts.authorities == (UNKNOWN,)
    assert verdict.counterexample.facts["authorities"] is None


def test_a_counterexample_says_no_more_than_it_must() -> None:
    (verdict,) = _judge(
        law("permit(principal, action, resource) when { !resource.owned };"), "no internal data located in CN"
    )
    assert verdict.counterexample is not None
    facts = dict(verdict.counterexample.facts)
    assert len(facts.pop("authorities") or ()) == 1  # type: ignore[arg-type] # a provider has one at least
    assert facts == {
        "key": "any-key",
        "key_services": (),
        "service": "any-service",
        "purpose": "any-purpose",
        "data_class": DataClass.INTERNAL.name.lower(),
        "time": "2026-11-18T11:06:40Z",
        "backend": "any-backend",
        "owned": False,
        "operator": "any-operator",
        "exposure": (),
        "locations": ("CN",),
        "retention_days": 0,
        "trains": False,
        "licence": "any-licence",
    }


def test_a_claims_file_has_one_claim_a_line_and_comments() -> None:
    text = f"# what we promised\n\n{US}  # to the works council\nno data located in CN\n"
    first, second = check_claims(shipped_law("eu-only"), text, GROUPS, now_unix=NOW_UNIX)
    assert (first.claim.text, first.claim.place) == (US, "policies/claims.txt:3")
    assert (second.claim.place, second.proved) == ("policies/claims.txt:4", True)


def test_a_hash_in_quotes_is_no_comment() -> None:
    (verdict,) = check_claims(
        shipped_law("owned-only"), "no data outside owned for service 'a#b' # but this\n", GROUPS, now_unix=0
    )
    assert verdict.claim.cedar.endswith('context.service == "a#b" && !resource.owned')


def test_no_claim_needs_no_prover() -> None:
    assert check_claims(Law(), "# none yet\n", GROUPS, now_unix=NOW_UNIX) == []


def test_an_estate_without_claims_holds_any_law(tmp_path: Path) -> None:
    hold(Estate(tmp_path), shipped_law("open"), now_unix=NOW_UNIX)


def test_a_law_that_breaks_a_claim_of_the_estate_is_refused_with_what_breaks_it(tmp_path: Path) -> None:
    estate = _estate(tmp_path, f"{US}\nno data located in CN\n")
    hold(estate, shipped_law("eu-only"), now_unix=NOW_UNIX)
    with pytest.raises(
        ClaimNotProved, match=r"policies/claims.txt:2: broken: no data located in CN\n(.*\n)*.*locations +CN"
    ):
        hold(estate, shipped_law("open"), now_unix=NOW_UNIX)


def test_a_claims_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    estate = _estate(tmp_path, "")
    (estate.policies / "claims.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ClaimInvalid, match=r"policies/claims.txt: cannot be read as UTF-8 text"):
        hold(estate, shipped_law("eu-only"), now_unix=NOW_UNIX)


def test_time_that_is_not_enough_proves_nothing() -> None:
    claim = parse_claim(US, GROUPS)
    hard = law(
        "permit(principal, action, resource) when { resource.retention_days > 2 && context.unix_time > 2 && "
        "resource.retention_days * resource.retention_days * resource.retention_days + "
        "context.unix_time * context.unix_time * context.unix_time == 855 * context.data_class + 981726354172 };"
    )
    (verdict,) = prove(hard, [claim], now_unix=NOW_UNIX, claim_limit_s=0.001)
    assert (verdict.proved, verdict.counterexample) == (False, None)
    assert verdict.why


def test_nothing_but_the_prover_loads_z3() -> None:
    code = (
        "import sys, freehold.cli.main, freehold.bootstrap.control, freehold.bootstrap.gateway, freehold.policy.prove;"
        "sys.exit('z3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _weakened(asked: str, instead: str) -> Law:
    """eu-only whose lawyer mistook one attribute for another."""
    tried = shipped_law("eu-only")
    files = tuple(replace(file, text=file.text.replace(asked, instead)) for file in tried.files)
    assert files != tried.files
    return replace(tried, files=files)


def hold(estate: Estate, tried: Law, *, now_unix: float) -> None:
    require_claims(claims_text(estate), load_register(), tried, now_unix=now_unix)


def _estate(directory: Path, claims: str) -> Estate:
    estate = Estate(directory)
    estate.policies.mkdir()
    (estate.policies / "claims.txt").write_text(claims, encoding="utf-8")
    return estate
