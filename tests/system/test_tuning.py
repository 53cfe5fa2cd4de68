# SPDX-License-Identifier: Apache-2.0
"""The default model in another format, measured on the real engine: put into use, and left alone when interrupted."""

import signal
import subprocess
from pathlib import Path

import pytest
from tests.system.conftest import NewEstate
from tests.system.estates import FREEHOLD, MODEL, Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

TUNED = f"{MODEL}-q8_0"


def vault_of(estate: Estate) -> dict[str, int]:
    """Every file but locks, by its path."""
    vault = estate.files / "vault"
    return {
        str(path.relative_to(vault)): path.stat().st_size
        for path in vault.rglob("*")
        if path.is_file() and path.name != "lock"
    }


@pytest.mark.timeout(400)
def test_a_tuned_model_answers_in_place_of_the_one_it_was_made_of(new_estate: NewEstate) -> None:
    estate = new_estate()
    wish = ("--quick", "--format", "q8_0", "--keep", "q8_0", "--auto")
    tuned = estate.ask("model", "tune", MODEL, *wish)["tune"]
    original, rounded = tuned["formats"]
    assert (original["format"], original["original"], rounded["format"]) == ("q4_1", True, "q8_0")
    for found in tuned["formats"]:
        assert min(found["prompt_tokens_per_s"], found["answer_tokens_per_s"], found["memory_bytes"]) > 0
        assert 5 < found["perplexity"] < 60
    assert abs(rounded["loss"]) < 0.03
    assert rounded["size_bytes"] > original["size_bytes"]
    assert tuned["derived"]["name"] == TUNED
    assert tuned["derived"]["lineage"]["parents"] == [original["digest"]]
    assert tuned["in_use"]["changed"]
    estate.up()
    estate.key = estate.key or estate.ask("key", "create", "tests")["key"]["secret"]
    answer = post(estate, CHAT, chat("What is the capital of France?"))
    assert (answer.status, answer.json["model"]) == (200, TUNED)
    assert "freehold-receipt" in answer.headers
    target = next(row for row in estate.ask("status")["status"]["targets"] if row["target"] == "local")
    assert target["vouched"].startswith("approved by local")
    estate.run("vault", "verify", TUNED)
    estate.run("ledger", "verify")
    refused = estate.attempt("vault", "remove", TUNED)
    assert "is the model of the target local" in refused.stderr


@pytest.mark.timeout(200)
def test_an_interrupted_tuning_leaves_the_vault_as_it_was(new_estate: NewEstate, tmp_path: Path) -> None:
    estate = new_estate()
    before = vault_of(estate)
    command: list[str | Path] = [
        FREEHOLD,
        "model",
        "tune",
        MODEL,
        "--format",
        "q8_0",
        "--quick",
        "--estate",
        estate.directory,
    ]
    said = tmp_path / "said"
    with said.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        wait_for(lambda: b"as it is: reads" in said.read_bytes(), "the model is measured as it is")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) != 0
    assert vault_of(estate) == before
    assert not (estate.files / "run" / "engine" / ".tuning").exists()
