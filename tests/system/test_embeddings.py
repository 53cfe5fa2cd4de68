# SPDX-License-Identifier: Apache-2.0
"""The embedding model of the release in the real engine: its vectors are the reference's, in both vendors' SDKs."""

import base64
import json
import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mistralai.client.errors import SDKError
from openai import BadRequestError, OpenAI
from tests.system import clients
from tests.system.estates import Estate

MODEL = "all-minilm-l6-v2"
REFERENCE: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "embeddings" / f"{MODEL}.json").read_text(encoding="utf-8")
)
SHORT = [reference for reference in REFERENCE if len(reference["text"]) < 900]
LONG = next(reference["text"] for reference in REFERENCE if reference not in SHORT) * 2
TEXTS = [reference["text"] for reference in SHORT]
MOST_APART = 1e-3  # of the cosine


@pytest.fixture(scope="module")
def embedding(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate with the service that docs/tasks/embeddings.md sets up, whose model came out of its package."""
    own = Estate(tmp_path_factory.mktemp("embedding") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        _set_up(own.directory / "freehold.toml")
        own.up()
        yield own
    finally:
        own.destroy()


@pytest.fixture
def client(embedding: Estate) -> Iterator[OpenAI]:
    with clients.openai(embedding) as opened:
        yield opened


def test_the_pinned_model_needs_no_approval_but_the_releases(embedding: Estate) -> None:
    answer = embedding.ask("vault", "show", MODEL)
    assert answer["custody"]["may_run"]
    assert answer["model"]["lineage"]["done"] == "converted from safetensors"
    assert answer["model"]["licence"] == "Apache-2.0"
    assert "was in the vault already" in embedding.run("vault", "import", MODEL)


def test_the_vectors_are_those_of_the_reference(client: OpenAI) -> None:
    answer = client.embeddings.create(model="embeddings", input=TEXTS, encoding_format="float")
    assert answer.model == MODEL
    _hold([item.embedding for item in answer.data])


def test_bits_and_numbers_are_the_same_vectors(client: OpenAI) -> None:
    raw = client.embeddings.with_raw_response.create(model="embeddings", input=TEXTS[:3], encoding_format="base64")
    items = json.loads(raw.text)["data"]
    vectors = [struct.unpack("<384f", base64.b64decode(item["embedding"])) for item in items]
    numbers = client.embeddings.create(model="embeddings", input=TEXTS[:3], encoding_format="float").data
    assert all(_cosine(a, b.embedding) > 1 - 1e-6 for a, b in zip(vectors, numbers, strict=True))


def test_fewer_dimensions_are_the_beginning_at_length_one(client: OpenAI) -> None:
    (item,) = client.embeddings.create(model="embeddings", input="Hello world", dimensions=64).data
    assert len(item.embedding) == 64
    assert _cosine(item.embedding, SHORT[0]["vector"][:64]) > 1 - MOST_APART
    assert abs(sum(number * number for number in item.embedding) - 1) < 1e-3


def test_a_batch_keeps_its_order_and_counts_its_tokens(client: OpenAI) -> None:
    texts = [f"text number {number}" for number in range(64)]
    answer = client.embeddings.create(model="embeddings", input=texts)
    (alone,) = client.embeddings.create(model="embeddings", input=texts[41]).data
    assert [item.index for item in answer.data] == list(range(64))
    assert _cosine(answer.data[41].embedding, alone.embedding) > 1 - MOST_APART
    assert answer.usage.prompt_tokens > 64


def test_mistrals_sdk_gets_the_same(embedding: Estate) -> None:
    with clients.mistral(embedding) as mistral:
        answer = mistral.embeddings.create(model="embeddings", inputs=TEXTS)
        _hold([item.embedding or [] for item in answer.data])
        fewer = mistral.embeddings.create(model="embeddings", inputs=["Hello world"], output_dimension=32)
        assert len(fewer.data[0].embedding or []) == 32


def test_a_text_that_is_too_long_is_refused_and_never_cut_off(embedding: Estate, client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.embeddings.create(model="embeddings", input=["short", LONG])
    assert refused.value.code == "context_length_exceeded"
    with clients.mistral(embedding) as mistral, pytest.raises(SDKError, match="context"):
        mistral.embeddings.create(model="embeddings", inputs=[LONG])


def _set_up(settings: Path) -> None:
    """Take the marks of a comment away from the tables at the end, as docs/tasks/embeddings.md says."""
    lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
    begin = lines.index("#[service.embeddings]\n")
    lines[begin:] = [line.removeprefix("#") for line in lines[begin:]]
    settings.write_text("".join(lines), encoding="utf-8")


def _hold(vectors: Sequence[Sequence[float]]) -> None:
    apart = [1 - _cosine(got, known["vector"]) for got, known in zip(vectors, SHORT, strict=True)]
    far = {known["text"]: how for known, how in zip(SHORT, apart, strict=True) if how > MOST_APART}
    assert not far


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (_length(a) * _length(b))


def _length(vector: Sequence[float]) -> float:
    return math.sqrt(sum(number * number for number in vector))
