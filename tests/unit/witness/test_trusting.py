# SPDX-License-Identifier: Apache-2.0
"""Witnesses in freehold.toml: what is refused, and what policy they make."""

from pathlib import Path

import pytest
from tests.witness_builder import LOG_KEY, ML_DSA_KEY, WITNESS_KEY

from freehold.contract.estate import Estate
from freehold.errors import SettingsError
from freehold.settings import Settings, parse_settings
from freehold.witness.asking.ways import known_witnesses
from freehold.witness.trusting import policy_of, policy_text, require_witnesses

REST = """
[estate]
origin = "freehold.example/one"
[service.default]
targets = ["local"]
[target.local]
engine = "llamacpp"
model = "m"
[grant.theirs]
for = "witness"
hosts = ["a.example", "10.0.0.1:8090"]
"""
A = f'[witness.a]\nvkey = "{WITNESS_KEY.vkey}"\nurl = "https://a.example/w/"\n'
B = f'[witness.b]\nvkey = "{ML_DSA_KEY.vkey}"\nurl = "http://10.0.0.1:8090"\n'


def settings(*parts: str, quorum: str = "") -> Settings:
    ledger = f"[ledger]\nquorum = {quorum}\n" if quorum else ""
    return parse_settings("".join((REST, ledger, *parts)))


@pytest.mark.parametrize(
    ("quorum", "lines"),
    [
        ("", ["group QUORUM all a b", "quorum QUORUM"]),
        ('"any"', ["group QUORUM any a b", "quorum QUORUM"]),
        ("2", ["group QUORUM 2 a b", "quorum QUORUM"]),
        ('"b"', ["quorum b"]),
    ],
)
def test_the_quorum_becomes_a_policy(quorum: str, lines: list[str]) -> None:
    text = policy_text(settings(A, B, quorum=quorum), LOG_KEY.vkey)
    assert text.splitlines() == [
        f"log {LOG_KEY.vkey}",
        f"witness a {WITNESS_KEY.vkey} https://a.example/w/",
        f"witness b {ML_DSA_KEY.vkey} http://10.0.0.1:8090",
        *lines,
    ]
    assert len(policy_of(settings(A, B, quorum=quorum), LOG_KEY.vkey).witnesses) == 2


def test_without_witnesses_the_log_s_signature_is_enough() -> None:
    assert policy_text(settings(), LOG_KEY.vkey) == f"log {LOG_KEY.vkey}\nquorum none\n"


def test_the_monitoring_prefix_is_the_submission_prefix_unless_another_is_named() -> None:
    known = known_witnesses(settings(A, B + 'monitor_url = "https://a.example/b"\n'))
    assert (known["a"].monitor_url, known["b"].monitor_url) == ("https://a.example/w/", "https://a.example/b")


@pytest.mark.parametrize(
    ("parts", "quorum", "why"),
    [
        ([A.replace("a.example", "c.example")], "", r"line \d+: \[witness.a\] url: c.example:443 is not granted"),
        ([B.replace(":8090", "")], "", "10.0.0.1:80 is not granted"),
        ([A + 'monitor_url = "https://c.example"\n'], "", "monitor_url: c.example:443 is not granted"),
        ([A.replace("https://", "ftp://")], "", "not an http"),
        ([A.replace("witness.a", "witness.all")], "", "another meaning"),
        ([A.replace("witness.a", "witness.none")], "", "another meaning"),
        ([A], '"b"', r"there is no \[witness.b\]"),
        ([A], '"none"', "'none' is not"),
        ([A], "2", "2 witnesses are asked for, and there are 1"),
        ([], "1", "1 witnesses are asked for, and there are 0"),
        ([A], "0", "quorum"),
        ([A.replace("vkey", "key")], "", "unknown key"),
    ],
)
def test_what_cannot_be_is_refused(parts: list[str], quorum: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        settings(*parts, quorum=quorum)


def test_a_grant_for_imports_is_no_leave_to_ask_a_witness() -> None:
    with pytest.raises(SettingsError, match="not granted"):
        parse_settings(REST.replace('for = "witness"', 'for = "import"') + A)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([A.replace(WITNESS_KEY.vkey, "nonsense")], r"line \d+: \[witness.a\] vkey: .*has no id"),
        ([A.replace(WITNESS_KEY.vkey, LOG_KEY.vkey)], "type 0x01"),
        ([A, B.replace(ML_DSA_KEY.vkey, WITNESS_KEY.vkey)], r"the key of \[witness.a\]"),
    ],
)
def test_a_key_that_is_no_witness_s_names_its_line(tmp_path: Path, parts: list[str], why: str) -> None:
    estate = Estate(tmp_path)
    estate.settings.write_text("".join((REST, *parts)))
    with pytest.raises(SettingsError, match=why):
        require_witnesses(estate, settings(*parts))
