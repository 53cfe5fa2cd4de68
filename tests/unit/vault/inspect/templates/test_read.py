# SPDX-License-Identifier: Apache-2.0
"""What templates of honest models do passes; the dishonest ones are in tests/attack/vault/templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.vault.inspect.findings import Severity, digest_of
from freehold.vault.inspect.templates import ChatTemplate, read_template
from freehold.vault.inspect.templates.parsing import MAX_CHARACTERS

HONEST = {  # one idiom of public templates each, in our own words
    "roles": "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}",
    "default-system": "{% if messages[0].role != 'system' %}{{ '<|system|>Be kind.' }}{% endif %}",
    "generation": "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
    "loop-control": "{% for m in messages %}{% if m.role == 'tool' %}{% continue %}{% endif %}{% break %}{% endfor %}",
    "alternation": "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('x') }}{% endif %}",
    "last-user": "{% set ns = namespace(last=0) %}{% for m in messages[::-1] %}{% if m.role == 'user' %}"
    "{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{{ ns.last }}",
    "tools": "{% if tools is defined %}{% for t in tools %}{{ t.function | tojson(indent=4) }}{% endfor %}{% endif %}",
    "arguments": "{% for k, v in tool_call.arguments | items %}{{ k ~ '=' ~ (v | string) }}{% endfor %}",
    "keys-of-data": "{% for k in tool.parameters %}{{ tool.parameters[k] }}{% endfor %}",
    "namespaces-of-data": "{% set n = tool.name.split('.')[0] %}{{ descriptions[n] }}",
    "neighbours": "{{ messages[loop.index0 - 1].role }}{{ messages[(messages | length) - 1].role }}",
    "kinds-of-content": "{% if m.content is string %}{{ m.content }}{% elif m.content is iterable %}x{% endif %}",
    "parts": "{% for p in messages[0].content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}{% endfor %}",
    "emptiness": "{% set c = messages[0].content %}{% if c and c | length > 1 %}{{ c | trim }}{% endif %}",
    "macro": "{% macro show(m, first=true) %}{{ m.role }}{% endmacro %}{{ show(messages[0], first=false) }}",
    "set-block": "{% set head %}{{ bos_token }}{% endset %}{{ head }}",
    "filter-block": "{% filter trim %} x {% endfilter %}",
    "select": "{{ messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\\n') }}",
    "format": "{{ '<|{}|>'.format(bos_token) }}",
    "thinking": "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think></think>' }}{% endif %}",
    "date-shown": "{{ strftime_now('%d %b %Y') }}",
    "has-calls": "{% if 'tool_calls' in messages[-1] %}x{% endif %}",
    "call-names": "{% if messages[-1].tool_calls[0].function.name == 'python' %}x{% endif %}",
    "comment": "{# what it is #}{%- if x -%} a {%- endif -%}",
}


def read(text: str) -> ChatTemplate:
    return read_template(text, name="default", place="here")


@pytest.mark.parametrize("idiom", sorted(HONEST))
def test_what_honest_templates_do_passes(idiom: str) -> None:
    assert read(HONEST[idiom]).findings == ()


@pytest.mark.parametrize(
    "asks",
    [
        "{% if '</think>' in messages[0].content %}x{% endif %}",
        "{% set c = messages[0].content.split('</think>')[-1].lstrip('\\n') %}{{ c }}",
        "{% if messages[0].content.startswith('<tool_response>') %}x{% endif %}",
        "{% set mark = '[TOOL_CALLS]' %}{% if mark in messages[0].content %}x{% endif %}",
    ],
)
def test_a_mark_of_the_format_is_looked_for_with_a_note(asks: str) -> None:
    assert {(finding.severity, finding.rule) for finding in read(asks).findings} == {(Severity.NOTE, "template.mark")}


def test_a_part_that_could_be_a_word_wants_an_approval_by_its_own_name() -> None:
    found = read("{% for p in messages[0].content %}{% if 'image' in p %}x{% endif %}{% endfor %}").findings
    assert [finding.rule for finding in found] == ["template.part"]


def test_changing_a_list_in_place_is_noted() -> None:
    found = read("{{ tools.append(1) }}").findings
    assert [(finding.severity, finding.rule) for finding in found] == [(Severity.NOTE, "template.changes")]


def test_sentences_are_kept_and_words_are_not() -> None:
    text = "{{ '<|system|>You are a kind assistant.' }}{{ 'system' }}Answer as briefly as you can.{{ x }}"
    assert read(text).sentences == ("<|system|>You are a kind assistant.", "Answer as briefly as you can.")


def test_the_digest_is_over_the_text() -> None:
    assert read("{{ x }}").digest == digest_of("{{ x }}") != digest_of("{{ x}}")


def test_the_place_is_told_with_the_line() -> None:
    assert read("\n\n{{ x.__class__ }}").findings[0].place == "here, line 3"


def test_a_template_that_is_too_long_is_not_parsed() -> None:
    assert f"at most {MAX_CHARACTERS}" in read("a" * (MAX_CHARACTERS + 1)).findings[0].message


def test_of_many_alike_so_many_are_told_and_the_rest_counted() -> None:
    found = read("{{ a.__class__ }}" * 1000).findings
    assert len(found) <= 26
    assert [finding.message for finding in found if "more like these" in finding.message]


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "+".join(["a"] * 9_000) + " }}",
        "{{ " + "*".join(["9"] * 9_000) + " }}",
        "{{ " + "<".join(["a"] * 9_000) + " }}",
        "{{ a" + ".strip('x')" * 5_000 + " }}",
        "".join(f"{{% set a{i} = a{i + 1} %}}" for i in range(4_000)) + "{% if 'x' in a0 %}{% endif %}",
        "{% set a %}{{ a }}" * 50 + "{{ a + b }}" * 3_000 + "{% endset %}" * 50,
        "{{ '" + "a" * 200_000 + "' }}",
        "{{ messages[0].content == '" + " " * 200_000 + "x' }}",
        "{{ '" + "{" * 200_000 + "'.format(a) }}",
        "{# " * 50_000,
        "http://" * 30_000,
        "\n" * 200_000,
    ],
    ids=range(12),
)
def test_what_is_made_to_take_long_is_read_or_refused(text: str) -> None:
    assert read(text).digest == digest_of(text)  # the suite's own limit of time is the assertion


PIECES = st.sampled_from(
    """
    {{ }} {% %} {# #} if endif for endfor in not and or set macro endmacro is messages content . [ ] ( ) | ~ + == ' "
    role tojson join namespace loop raw endraw filter ns 0 -1 : , = { } trim else elif __class__ \\ - generation
    """.split()  # noqa: SIM905 - a table
)


@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_anything_that_looks_like_a_template_is_read_or_refused(text: str) -> None:
    template = read(text)
    assert template.findings == () or template.findings[0].place.startswith("here")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)
