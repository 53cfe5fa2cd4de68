# SPDX-License-Identifier: Apache-2.0
import base64
import json
import math
from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.contract.call import Dialect, Operation
from freehold.contract.endpoint import Prefill
from freehold.dialect.interface import Backend, Exchange, Foreign, Wire
from freehold.dialect.table import codecs
from freehold.errors import BackendBroke, InvalidRequest, Unsupported

ENGINE = Backend(model="minilm", wires=frozenset({Wire.EMBEDDINGS}), context_tokens=256, tools=False)
CHATS = Backend(model="smollm2", wires=frozenset({Wire.CHAT}), context_tokens=2048, tools=True)


def foreign(wire: Wire) -> Backend:
    described = Foreign(preferred=Wire.CHAT, prefill=Prefill.NONE, answer_tokens=100)
    return Backend(model="theirs", wires=frozenset({wire}), context_tokens=0, tools=True, foreign=described)


def asked(dialect: Dialect, backend: Backend, **fields: Any) -> Exchange:
    codec = codecs[dialect]
    body = json.dumps({"model": "text-embedding-3-small", **fields}).encode()
    return codec.exchange(codec.parse(Operation.EMBED, body), backend)


def bits(*numbers: float) -> str:
    return base64.b64encode(array("f", numbers).tobytes()).decode()


def engines_answer(*vectors: tuple[float, ...], backwards: bool = False) -> bytes:
    data = [{"index": index, "embedding": bits(*vector)} for index, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return json.dumps({"data": data[::-1] if backwards else data, "usage": usage, "model": "minilm"}).encode()


def answer(exchange: Exchange, body: bytes) -> dict[str, Any]:
    return dict(json.loads(exchange.whole(body)))


def test_an_engine_is_asked_for_the_bits_of_its_vectors() -> None:
    sent = json.loads(asked(Dialect.OPENAI, ENGINE, input="a").upstream.body)
    assert sent == {"model": "minilm", "input": ["a"], "encoding_format": "base64"}


@pytest.mark.parametrize("dialect", [Dialect.OPENAI, Dialect.MISTRAL])
def test_vectors_come_in_the_order_of_the_inputs(dialect: Dialect) -> None:
    exchange = asked(dialect, ENGINE, input=["a", "b"])
    written = answer(exchange, engines_answer((1.0, 0.0), (0.0, 1.0), backwards=True))
    assert [(row["index"], row["embedding"]) for row in written["data"]] == [(0, [1.0, 0.0]), (1, [0.0, 1.0])]
    assert written["model"] == "minilm"
    assert written["usage"]["prompt_tokens"] == 7
    assert exchange.tally.input_tokens == 7
    assert exchange.tally.finished


def test_mistrals_answer_has_an_id_and_counts_no_tokens_of_an_answer() -> None:
    written = answer(asked(Dialect.MISTRAL, ENGINE, input=["a"]), engines_answer((1.0,)))
    assert "id" in written
    assert written["usage"]["completion_tokens"] == 0


def test_who_asks_for_base64_gets_the_same_bits() -> None:
    written = answer(asked(Dialect.OPENAI, ENGINE, input="a", encoding_format="base64"), engines_answer((0.1, 0.2)))
    assert written["data"][0]["embedding"] == bits(0.1, 0.2)


@pytest.mark.parametrize(("dialect", "field"), [(Dialect.OPENAI, "dimensions"), (Dialect.MISTRAL, "output_dimension")])
def test_a_shorter_vector_is_the_beginning_at_length_one(dialect: Dialect, field: str) -> None:
    exchange = asked(dialect, ENGINE, input="a", **{field: 2})
    (row,) = answer(exchange, engines_answer((0.6, 0.0, 0.8)))["data"]
    assert row["embedding"] == [1.0, 0.0]


@pytest.mark.parametrize(("dialect", "field"), [(Dialect.OPENAI, "dimensions"), (Dialect.MISTRAL, "output_dimension")])
def test_more_numbers_than_the_model_has_are_refused_by_the_callers_name_for_them(dialect: Dialect, field: str) -> None:
    exchange = asked(dialect, ENGINE, input="a", **{field: 3})
    with pytest.raises(InvalidRequest, match=f"{field}: the vectors of minilm have 2"):
        exchange.whole(engines_answer((1.0, 0.0)))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=64), st.data())
def test_a_shortened_vector_has_length_one_or_is_nothing(numbers: list[float], data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, len(numbers)))
    exchange = asked(Dialect.OPENAI, ENGINE, input="a", dimensions=wanted)
    (row,) = answer(exchange, engines_answer(tuple(numbers)))["data"]
    assert len(row["embedding"]) == wanted
    if wanted < len(numbers) and any(abs(number) > 1e-18 for number in numbers[:wanted]):
        assert math.hypot(*row["embedding"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("wrong", ["", [], [""], ["a", 1], [[]], [[1], "a", None], [-1], 5, None, {"a": 1}])
def test_what_is_no_input_is_named(wrong: object) -> None:
    with pytest.raises(InvalidRequest, match="input"):
        asked(Dialect.OPENAI, ENGINE, input=wrong)


def test_too_many_inputs_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="2048"):
        asked(Dialect.OPENAI, ENGINE, input=["a"] * 2049)


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
def test_tokens_of_another_tokenizer_are_refused_and_not_taken_for_ours(tokens: object) -> None:
    with pytest.raises(Unsupported, match="send texts, not tokens"):
        asked(Dialect.OPENAI, ENGINE, input=tokens)


def test_a_model_that_talks_makes_no_vectors_and_one_that_makes_them_does_not_talk() -> None:
    with pytest.raises(Unsupported):
        asked(Dialect.OPENAI, CHATS, input="a")
    codec = codecs[Dialect.OPENAI]
    chat = codec.parse(Operation.CHAT, b'{"model":"m","messages":[{"role":"user","content":"a"}]}')
    with pytest.raises(Unsupported):
        codec.exchange(chat, ENGINE)


@pytest.mark.parametrize(
    ("dialect", "wire"), [(Dialect.OPENAI, Wire.EMBEDDINGS), (Dialect.MISTRAL, Wire.MISTRAL_EMBEDDINGS)]
)
def test_a_provider_that_speaks_the_dialect_gets_the_callers_own_words_and_answers_in_its_own(
    dialect: Dialect, wire: Wire
) -> None:
    exchange = asked(dialect, foreign(wire), input=[[1, 2]], user="u", anything="else")
    assert json.loads(exchange.upstream.body) == {
        "model": "theirs",
        "input": [[1, 2]],
        "user": "u",
        "anything": "else",
    }
    theirs = b'{ "data":[{"embedding":"AAAA","index":0}] ,"usage":{"prompt_tokens":2,"total_tokens":2},"model":"x"}'
    assert exchange.whole(theirs) == theirs
    assert (exchange.tally.input_tokens, exchange.tally.model) == (2, "x")


def test_a_provider_of_the_other_dialect_is_asked_in_its_words() -> None:
    exchange = asked(Dialect.OPENAI, foreign(Wire.MISTRAL_EMBEDDINGS), input="a", dimensions=2, user="u")
    assert json.loads(exchange.upstream.body) == {"model": "theirs", "input": ["a"], "output_dimension": 2}
    assert exchange.dropped == ("user",)
    theirs = b'{"data":[{"embedding":[0.5,0.5],"index":0}],"usage":{"prompt_tokens":2,"total_tokens":2}}'
    assert answer(exchange, theirs)["data"][0]["embedding"] == [0.5, 0.5]
    back = asked(Dialect.MISTRAL, foreign(Wire.EMBEDDINGS), input="a", output_dimension=2)
    assert json.loads(back.upstream.body) == {"model": "theirs", "input": ["a"], "dimensions": 2}


def test_another_type_of_number_is_refused_where_only_floats_are_made() -> None:
    with pytest.raises(Unsupported, match="output_dtype"):
        asked(Dialect.MISTRAL, ENGINE, input="a", output_dtype="int8")
    asked(Dialect.MISTRAL, ENGINE, input="a", output_dtype="float")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"{}",
        b'{"data":[]}',
        b'{"data":[{"index":1,"embedding":"AAAAAA=="}]}',
        b'{"data":[{"index":0,"embedding":"AAAAAA=="},{"index":0,"embedding":"AAAAAA=="}]}',
        b'{"data":[{"index":0,"embedding":"AAA"}]}',
        b'{"data":[{"index":0,"embedding":"AAAA"}]}',
        b'{"data":[{"index":0,"embedding":""}]}',
        b'{"data":[{"index":0,"embedding":[1e400]}]}',
        b'{"data":[{"index":0,"embedding":[1e300]}]}',
        b'{"data":[{"index":0,"embedding":"AADAfw=="}]}',
        b'{"error":{"message":"no"}}',
    ],
)
def test_what_is_no_answer_is_the_backends_fault(nonsense: bytes) -> None:
    with pytest.raises(BackendBroke):
        asked(Dialect.OPENAI, ENGINE, input="a").whole(nonsense)
