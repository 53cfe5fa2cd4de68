# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import msgspec
import pytest

from freehold.contract.call import DataClass
from freehold.contract.grant import Place
from freehold.errors import SettingsError
from freehold.settings import (
    TABLES,
    EngineTargetSection,
    ProviderSection,
    ProviderTargetSection,
    Section,
    ServiceSection,
    parse_settings,
    read_settings,
)
from freehold.settings.wording import in_words

GOOD = """\
[estate]
origin = "freehold.local/ab"

[service.default]
aliases = ["gpt-*"]
targets = ["local"]

[target.local]
engine = "llamacpp"
model = "m"
"""


def test_what_is_not_set_has_its_default() -> None:
    settings = parse_settings(GOOD)
    assert settings.listen.host == "127.0.0.1"
    assert settings.listen.port == 8080
    assert settings.services["default"].level is DataClass.INTERNAL
    assert settings.engines["local"].slots is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(GOOD + "slot = 1\n", r"line 11: \[target.local\] slot: unknown key 'slot'", id="unknown key"),
        pytest.param(GOOD + 'slots = "x"\n', r"line 11: \[target.local\] slots: Expected 'int", id="wrong type"),
        pytest.param(GOOD + "slots = 0\n", r"line 11: \[target.local\] slots: .*>= 1", id="out of range"),
        pytest.param(GOOD + "[listen]\nport = 99999\n", r"line 12: \[listen\] port: .*<= 65535", id="no such port"),
        pytest.param(GOOD + "[extra]\na = 1\n", r"line 11: \[extra\] unknown table", id="unknown table"),
        pytest.param(GOOD + "x", r"at its end: this is not TOML", id="not TOML"),
        pytest.param(GOOD + "a = = 1\n", r"line 11, column 5: this is not TOML", id="not TOML, in a line"),
        pytest.param(GOOD.replace('model = "m"', ""), r"line 8: \[target.local\] lacks 'model'", id="missing key"),
        pytest.param(
            GOOD + "[continuity]\nsignatures = 3\n", r"line 12: \[continuity\] signatures: .*<= 2", id="three"
        ),
        pytest.param(
            GOOD + '[target.far]\nprovider = "p"\nmodel = "m"\nretires = "2027-02-30"\n[provider.p]\n',
            r"line 14: \[target.far\] retires: '2027-02-30' is not a day",
            id="no such day",
        ),
        pytest.param(
            GOOD.replace('"llamacpp"', '"vllm"'),
            r"\[target.local\] engine: vllm needs 'environment'",
            id="vllm, nowhere",
        ),
        pytest.param(
            GOOD.replace('"llamacpp"', '"vllm"\nenvironment = "v"\nbinary = "b"'),
            r"\[target.local\] binary: this is no setting of vllm",
            id="another engine's program",
        ),
        pytest.param(
            GOOD.replace('"llamacpp"', '"llamacpp"\ngpus = 1'),
            r"\[target.local\] gpus: this is no setting of llamacpp",
            id="another engine's devices",
        ),
        pytest.param(GOOD.replace('"llamacpp"', '"sglang"'), r"\[target.local\] engine: .*sglang", id="no such engine"),
        pytest.param(
            GOOD + '[provider.p]\nkey = "sk-1"\n',
            r"\[provider.p\] key: expected env:NAME or file:PATH, and never the key itself$",
            id="a key itself",
        ),
        pytest.param(GOOD + "[target.local]\n", r"not TOML: Cannot declare .* twice", id="a table twice"),
        pytest.param("a = " + "[" * 5000, r"lists in lists go too deep", id="too deep"),
        pytest.param(GOOD + f"[gateway]\nmax_calls = {2**64}\n", r"max_calls: .*<= 2147483647", id="too large"),
        pytest.param(GOOD + "[ledger]\nreserve_mb = 2147483648\n", r"reserve_mb: .*<= 2147483647", id="too large by 1"),
        pytest.param(GOOD + "sleep_after_s = inf\n", r"sleep_after_s: .*<= 2147483647", id="for ever"),
        pytest.param("", r"line 1: \[estate\] lacks 'origin'", id="empty file"),
        pytest.param(GOOD.replace('["local"]', '["l"]'), r"line 6: .*there is no \[target.l\]", id="no such target"),
        pytest.param(GOOD.replace("gpt-*", "g*t*"), r"line 5: .*at most one '\*'", id="two wildcards"),
        pytest.param(GOOD.replace("service.default", "service.Bad"), r"line 4: .*not a name", id="bad name"),
        pytest.param("service = 3\n" + GOOD, r"not TOML", id="a table that is a number"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(text)


SECOND = '[service.other]\ntargets = ["local"]\naliases = ["{}"]\n'


@pytest.mark.parametrize("alias", ["gpt-*", "*pt-x"])
def test_aliases_that_could_claim_the_same_name_with_equal_right_stop_the_start(alias: str) -> None:
    with pytest.raises(SettingsError, match=r"line 13: .*claims the same names"):
        parse_settings(GOOD + SECOND.format(alias))


@pytest.mark.parametrize("alias", ["gpt-4*", "gpt-4o", "o1-*"])
def test_a_longer_an_exact_and_an_unrelated_alias_do_not_clash(alias: str) -> None:
    assert set(parse_settings(GOOD + SECOND.format(alias)).services) == {"default", "other"}


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file") as caught:
        read_settings(tmp_path / "freehold.toml")
    assert "freehold init" in caught.value.advice


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "freehold.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_settings(path)


GRANT = '[grant.mirror]\nfor = "import"\nhosts = ["mirror.example.org", "10.0.0.7:3141"]\n'


def test_a_grant_names_places_and_is_not_for_private_ones_by_itself() -> None:
    grant = parse_settings(GOOD + GRANT).grants["mirror"]
    assert grant.places == {Place("mirror.example.org", 443), Place("10.0.0.7", 3141)}
    assert (grant.purpose, grant.allow_private, grant.why) == ("import", False, "")


@pytest.mark.parametrize(
    ("grant", "message"),
    [
        pytest.param(GRANT.replace("import", "gossip"), r"line 12: \[grant.mirror\] for: .*gossip", id="no use"),
        pytest.param(GRANT.replace('for = "import"\n', ""), r"line 11: \[grant.mirror\] lacks 'for'", id="for nothing"),
        pytest.param(
            GRANT.replace(":3141", ":0"), r"line 13: \[grant.mirror\] hosts: '10.0.0.7:0' is not", id="no port"
        ),
        pytest.param(GRANT.replace("mirror.ex", "*.ex"), r"line 13: .*'\*.example.org' is not a host", id="a pattern"),
        pytest.param(GRANT + "port = 1\n", r"line 14: \[grant.mirror\] port: unknown key", id="unknown key"),
        pytest.param('[grant.mirror]\nfor = "import"\nhosts = []\n', r"line 13: .*hosts: Expected", id="no host"),
    ],
)
def test_a_grant_that_nothing_could_use_is_refused_with_its_line(grant: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(GOOD + grant)


@pytest.mark.parametrize("place", ["127.0.0.1:8082", "[::1]:8082", "log.example.org:443"])
def test_the_log_is_served_at_a_host_and_port(place: str) -> None:
    served = parse_settings(f'{GOOD}[ledger]\nserve = "{place}"\n').ledger.served_at
    assert str(served) == place


@pytest.mark.parametrize(
    "place", ["8082", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:http", "[::1]", "::1", "a b:1", ":8082"]
)
def test_an_address_without_host_or_port_is_refused_with_its_line(place: str) -> None:
    with pytest.raises(SettingsError, match=r"line \d+: \[ledger\] serve: .* is not a host and a port"):
        parse_settings(f'{GOOD}[ledger]\nserve = "{place}"\n')


def test_nothing_is_served_and_nothing_pruned_by_itself() -> None:
    ledger = parse_settings(GOOD).ledger
    assert (ledger.served_at, ledger.prune_after_days) == (None, 0)
    with pytest.raises(SettingsError, match="prune_after_days"):
        parse_settings(GOOD + "[ledger]\nprune_after_days = -1\n")


@pytest.mark.parametrize("hub", ["https://hub.example.org/mirror", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_a_hub_is_reached_over_https_or_on_this_machine(hub: str) -> None:
    assert parse_settings(GOOD + f'[vault]\nhub = "{hub}"\n').vault.hub == hub


@pytest.mark.parametrize(
    "hub", ["", "http://hub.example.org", "https://a:b@hub.example.org", "https://h.org/?a=1", "h.org"]
)
def test_a_hub_that_is_no_such_address_stops_the_start(hub: str) -> None:
    with pytest.raises(SettingsError, match="is not an https:// address"):
        parse_settings(GOOD + f'[vault]\nhub = "{hub}"\n')


SIGNALS = '[signals]\ntraces = "http://collector.example.org:4318"\n'
LEAVE = '[grant.traces]\nfor = "telemetry"\nhosts = ["collector.example.org:4318"]\n'


def test_nothing_is_traced_or_logged_of_calls_unless_somebody_says_so() -> None:
    settings = parse_settings(GOOD)
    assert (settings.signals.traces, settings.signals.take_traceparent, settings.signals.metrics) == ("", False, True)
    assert (settings.log.format, settings.log.calls) == ("text", False)


def test_traces_go_to_a_place_that_is_granted() -> None:
    assert parse_settings(GOOD + SIGNALS + LEAVE).signals.place == Place("collector.example.org", 4318)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(SIGNALS, "traces: collector.example.org:4318 is not granted", id="no grant"),
        pytest.param(SIGNALS + LEAVE.replace("telemetry", "witness"), "traces: .* is not granted", id="another grant"),
        pytest.param(SIGNALS + LEAVE.replace("4318", "443"), "traces: .* is not granted", id="another port"),
        pytest.param('[signals]\ntraces = "http://key:secret@h"\n', "traces: .* is not an http", id="a password"),
        pytest.param("[signals]\ntrace_share = 1.5\n", "trace_share", id="more than all"),
        pytest.param('[log]\nformat = "xml"\n', "format", id="no such form"),
    ],
)
def test_signals_that_cannot_be_are_refused_with_their_line(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(GOOD + text)


def test_every_pattern_of_a_setting_is_told_in_words() -> None:
    named: list[type[Section]] = [ServiceSection, EngineTargetSection, ProviderTargetSection, ProviderSection]
    for section in [*TABLES.values(), *named]:
        for field in msgspec.structs.fields(section):
            said = f"Expected 'str' matching regex '{field.encode_name}'"
            patterned = "pattern=" in repr(field.type)
            assert (in_words(said, section, field.encode_name) != said) == patterned
