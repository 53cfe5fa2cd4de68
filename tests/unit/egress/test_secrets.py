# SPDX-License-Identifier: Apache-2.0
import os
import stat
from pathlib import Path

import pytest
from tests.provider_builder import endpoint

from freehold.contract.endpoint import Endpoint
from freehold.contract.estate import Estate
from freehold.egress.age import seal
from freehold.egress.secrets import Secret, Secrets
from freehold.errors import EstateError, ProviderUnavailable


def at(key: str) -> Endpoint:
    return endpoint("https://llm.example.fr/v1", key=key)


def kept(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    (tmp_path / "keys").mkdir(mode=0o700)
    return Estate(tmp_path)


def revealed(secret: Secret | None) -> str:
    assert secret is not None
    return secret.reveal()


def test_a_provider_without_a_key_is_sent_none(estate: Estate) -> None:
    assert Secrets(estate, {}).of(at("")) is None


def test_a_key_is_read_from_the_environment(estate: Estate) -> None:
    assert revealed(Secrets(estate, {"KEY": "sk-1"}).of(at("env:KEY"))) == "sk-1"


def test_a_key_is_read_from_a_file_of_the_estate_without_its_line_end(estate: Estate) -> None:
    kept(estate.keys / "paris", b"sk-1\r\n")
    assert revealed(Secrets(estate).of(at("file:keys/paris"))) == "sk-1"


def test_a_key_is_read_from_a_file_elsewhere(estate: Estate, tmp_path: Path) -> None:
    kept(tmp_path / "elsewhere", b"sk-1")
    assert revealed(Secrets(estate).of(at(f"file:{tmp_path}/elsewhere"))) == "sk-1"


def test_a_key_is_decrypted_with_the_key_of_the_estate(estate: Estate) -> None:
    path = seal(estate, "paris", "sk-1")
    assert b"sk-1" not in path.read_bytes()
    assert revealed(Secrets(estate).of(at("file:keys/paris.age"))) == "sk-1"


def test_what_is_sealed_is_for_its_owner_alone(estate: Estate) -> None:
    old = os.umask(0)
    try:
        sealed = seal(estate, "paris", "sk-1")
    finally:
        os.umask(old)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (sealed, estate.age_key)] == [0o600, 0o600]


def test_a_second_seal_keeps_the_key_of_the_estate_and_the_other_secrets(estate: Estate) -> None:
    seal(estate, "paris", "sk-1")
    identity = estate.age_key.read_bytes()
    seal(estate, "lyon", "sk-2")
    seal(estate, "paris", "sk-3")
    secrets = Secrets(estate)
    assert estate.age_key.read_bytes() == identity
    assert [revealed(secrets.of(at(f"file:keys/{name}.age"))) for name in ("paris", "lyon")] == ["sk-3", "sk-2"]


def test_a_damaged_key_of_the_estate_is_not_replaced(estate: Estate) -> None:
    kept(estate.age_key, b"AGE-SECRET-KEY-1DAMAGED\n")
    with pytest.raises(EstateError, match=r"age\.key .*holds no age identity") as refused:
        seal(estate, "paris", "sk-1")
    assert "DAMAGED" not in str(refused.value)


def test_a_changed_file_is_noticed_by_the_next_call(estate: Estate) -> None:
    secrets = Secrets(estate)
    seal(estate, "paris", "sk-1")
    first = revealed(secrets.of(at("file:keys/paris.age")))
    seal(estate, "paris", "sk-2")
    assert [first, revealed(secrets.of(at("file:keys/paris.age")))] == ["sk-1", "sk-2"]


def test_a_file_that_others_may_read_from_now_on_is_refused_though_it_was_read_before(estate: Estate) -> None:
    secrets = Secrets(estate)
    path = kept(estate.keys / "paris", b"sk-1")
    secrets.of(at("file:keys/paris"))
    path.chmod(0o640)
    with pytest.raises(ProviderUnavailable, match=r"file:keys/paris has mode 0640"):
        secrets.of(at("file:keys/paris"))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("env:NONE", "env:NONE is empty or not there"),
        ("env:EMPTY", "env:EMPTY is empty or not there"),
        ("env:LINES", "env:LINES is not one line of printable ASCII"),
        ("file:keys/none", "file:keys/none cannot be read"),
        ("file:keys/empty", "file:keys/empty is empty or not there"),
        ("file:keys", "file:keys is not a file"),
        ("file:keys/lines", "file:keys/lines is not one line of printable ASCII"),
        ("file:keys/bytes", "file:keys/bytes is not one line of printable ASCII"),
        ("file:keys/long", "file:keys/long is longer than 65536 bytes"),
        ("file:keys/open", "file:keys/open has mode 0644"),
        ("file:keys/plain.age", "file:keys/plain.age is not encrypted to the estate's keys/age.key"),
        ("file:keys/pipe", "file:keys/pipe is not a file"),
    ],
)
def test_what_is_no_key_is_said_without_a_word_of_it(key: str, said: str, estate: Estate) -> None:
    seal(estate, "other", "sk-1")
    kept(estate.keys / "empty", b"\n")
    kept(estate.keys / "lines", b"hidden\nhidden")
    kept(estate.keys / "bytes", b"hidden\xff")
    kept(estate.keys / "long", b"hidden" * 20_000)
    kept(estate.keys / "open", b"hidden", 0o644)
    kept(estate.keys / "plain.age", b"hidden")
    os.mkfifo(estate.keys / "pipe", 0o600)
    secrets = Secrets(estate, {"EMPTY": "", "LINES": "hidden\r\nhidden: 1"})
    with pytest.raises(ProviderUnavailable, match="provider paris has no usable key") as refused:
        secrets.of(at(key))
    assert said in refused.value.message
    assert "hidden" not in f"{refused.value!r}{refused.value.__cause__!r}{refused.value.advice}"


def test_an_encrypted_key_without_the_key_of_the_estate_is_missing(estate: Estate) -> None:
    seal(estate, "paris", "sk-1")
    estate.age_key.unlink()
    with pytest.raises(ProviderUnavailable, match=r"keys/age\.key is not there"):
        Secrets(estate).of(at("file:keys/paris.age"))


def test_a_secret_does_not_show_itself() -> None:
    assert "sk-1" not in f"{Secret('sk-1')!r}{Secret('sk-1')}"
