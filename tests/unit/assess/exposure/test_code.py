# SPDX-License-Identifier: Apache-2.0
"""Programs in eight languages: imports, clients and where they go, calls, strings."""

from collections.abc import Callable

import pytest
from tests.unit.assess.exposure.conftest import Assess

InFile = Callable[[str, str | bytes], set[tuple[int, str, str]]]

CLIENTS = [
    ("a.py", "from openai import OpenAI\nc = OpenAI()\n", {(1, "code", "openai"), (2, "code", "openai")}),
    ("a.py", "import anthropic as a\nc = a.Anthropic()\n", {(1, "code", "anthropic"), (2, "code", "anthropic")}),
    ("a.py", "from google import genai\nc = genai.Client()\n", {(1, "code", "google"), (2, "code", "google")}),
    ("a.py", "import boto3\nb = boto3.client('bedrock-runtime')\n", {(2, "code", "aws-bedrock")}),
    ("a.ts", 'import OpenAI from "openai";\nconst c = new OpenAI();\n', {(1, "code", "openai"), (2, "code", "openai")}),
    (
        "a.js",
        'const { Mistral } = require("@mistralai/mistralai");\nnew Mistral({});\n',
        {(1, "code", "mistral"), (2, "code", "mistral")},
    ),
    (
        "a.go",
        'package a\nimport "github.com/sashabaranov/go-openai"\nfunc f() { c := openai.NewClient("k"); _ = c }\n',
        {(2, "code", "openai"), (3, "code", "openai")},
    ),
    (
        "A.java",
        "import com.anthropic.client.okhttp.AnthropicOkHttpClient;\nclass A { X c = new AnthropicOkHttpClient(); }\n",
        {(1, "code", "anthropic"), (2, "code", "anthropic")},
    ),
    (
        "a.cs",
        "using OpenAI.Chat;\nclass A { void F() { var c = new ChatClient(k); } }\n",
        {(1, "code", "openai"), (2, "code", "openai")},
    ),
    ("a.rb", 'require "openai"\nc = OpenAI::Client.new\n', {(1, "code", "openai"), (2, "code", "openai")}),
    (
        "a.rs",
        "use async_openai::Client;\nfn f() { let c = Client::new(); }\n",
        {(1, "code", "openai"), (2, "code", "openai")},
    ),
    ("a.php", "<?php\n$c = OpenAI::client($k);\n", {(2, "code", "openai")}),
]


@pytest.mark.parametrize(("name", "text", "expected"), CLIENTS)
def test_clients_are_found_in_every_language(
    name: str, text: str, expected: set[tuple[int, str, str]], in_file: InFile
) -> None:
    assert in_file(name, text) == expected


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8000/v1",
        "http://127.0.0.1/v1",
        "http://[::1]:8080/v1",
        "http://10.1.2.3:9000/v1",
        "http://vllm:8000/v1",
        "https://llm.corp.internal/v1",
        "http://llm.ns.svc.cluster.local/v1",
        "http://host.docker.internal:11434/v1",
    ],
)
def test_what_goes_to_ones_own_endpoint_is_listed_apart(address: str, assessed: Assess) -> None:
    text = f'from openai import OpenAI\nc = OpenAI(base_url="{address}")\nc.chat.completions.create(model="gpt-4o")\n'
    assessment = assessed({"a.py": text})
    assert assessment.exposures == ()
    assert {one.line for one in assessment.owned} == {1, 2, 3}


def test_a_client_is_of_whoever_its_base_url_leads_to(in_file: InFile) -> None:
    text = 'from openai import OpenAI\nc = OpenAI(base_url="https://api.groq.com/openai/v1")\nc.chat.completions.create()\n'
    assert in_file("a.py", text) == {
        (1, "code", "openai"),
        (2, "code", "groq"),
        (2, "endpoint", "groq"),
        (3, "code", "groq"),
    }


def test_a_base_url_is_followed_to_a_constant_of_the_file(in_file: InFile) -> None:
    text = 'import OpenAI from "openai";\nconst HOME = "http://localhost:1234/v1";\nnew OpenAI({ baseURL: HOME });\n'
    assert in_file("a.ts", text) == set()


def test_a_variable_with_an_own_address_to_fall_back_on_is_ones_own(in_file: InFile) -> None:
    text = 'from openai import OpenAI\nc = OpenAI(base_url=os.getenv("LLM_URL", "http://localhost:8000/v1"))\n'
    assert in_file("a.py", text) == set()


def test_a_class_that_two_libraries_have_is_of_the_one_that_is_imported(in_file: InFile) -> None:
    text = "using Azure.AI.OpenAI;\nclass A { void F() { var c = new OpenAIClient(u, k); } }\n"
    assert in_file("a.cs", text) == {(1, "code", "azure-openai"), (2, "code", "azure-openai")}


def test_an_endpoint_that_nobody_knows_is_unknown_and_not_safe(assessed: Assess) -> None:
    assessment = assessed({"a.py": 'from openai import OpenAI\nOpenAI(base_url="https://llm.vendor.example/v1")\n'})
    stranger = next(one for one in assessment.dependencies if one.provider == "unknown")
    assert (stranger.known, stranger.states) == (False, ("??",))


def test_comments_and_documentation_are_no_dependency(in_file: InFile) -> None:
    text = '"""Uses https://api.openai.com/v1 and gpt-4o."""\n# import openai, claude-3-opus, OPENAI_API_KEY\nx = 1\n'
    assert in_file("a.py", text) == set()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", 'openai_blue = "#10a37f"\n'),
        ("a.py", "# Claude Monet\npainter = 'Claude Monet'\n"),
        ("a.py", 'sign = "gemini"\n'),
        ("a.py", 'wind = "mistral"\n'),
        ("a.py", "def cohere(a, b):\n    return a + b\n"),
        ("a.py", 'world = "minecraft bedrock"\nserver = "bedrock.example.net"\n'),
        ("a.py", "from .openai import colours\nfrom mycompany.anthropic import museum\n"),
        ("a.py", 'disk = "gpt"\nlabel = "gpt-partition"\n'),
        ("a.py", 'mail = "support@api.openai.com"\nother = "https://api.openai.com.evil.example/v1"\n'),
        ("a.ts", 'import { openai } from "./openai";\nimport x from "openai-blue";\n'),
        ("A.java", "import org.example.openai.Blue;\nimport com.openaiblue.Theme;\n"),
        ("a.go", 'package a\nimport "example.org/openai/colours"\n'),
        ("a.py", "client.messages.create(body='a text message')\n"),
        ("a.py", 'text = "They compared gpt-4o with people and wrote a paper about it"\n'),
    ],
)
def test_look_alikes_are_nothing(name: str, text: str, in_file: InFile) -> None:
    assert in_file(name, text) == set()


def test_a_module_beside_the_file_stands_before_a_package_of_its_name(assessed: Assess) -> None:
    assert assessed({"app.py": "import replicate\n", "replicate.py": "def copy(): ...\n"}).exposures == ()


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ('m = "azure/gpt-4o"', "azure-openai"),
        ('m = "openai:gpt-4o"', "openai"),
        ('model = "anthropic.claude-3-haiku-20240307-v1:0"', "aws-bedrock"),
        ('ask(model="o1")', "openai"),
        ('model = os.getenv("MODEL", "claude-sonnet-4-5")', "anthropic"),
        ('m = "ft:gpt-4o-mini-2024-07-18:acme::x"', "openai"),
    ],
)
def test_names_of_models_are_found_in_strings(text: str, provider: str, in_file: InFile) -> None:
    assert in_file("a.py", f"{text}\n") == {(1, "model", provider)}


def test_weights_of_publishers_are_no_calls_to_them(in_file: InFile) -> None:
    assert in_file("a.py", 'model = "openai/gpt-oss-20b"\nother = "google/gemma-3-4b-it"\n') == set()


def test_what_is_fetched_at_run_time_is_found_and_a_folder_is_ones_own(assessed: Assess) -> None:
    text = 'A.from_pretrained("Qwen/Q")\nA.from_pretrained("./ours")\nA.from_pretrained("x/y", local_files_only=True)\n'
    assessment = assessed({"a.py": text})
    assert [(one.found.line, one.found.kind.value) for one in assessment.exposures] == [(1, "hub_download")]
    assert [one.line for one in assessment.owned] == [2, 3]


def test_scripts_of_components_are_read_at_their_lines(in_file: InFile) -> None:
    assert in_file("A.vue", '<template/>\n<script setup>\nimport Groq from "groq-sdk"\n</script>\n') == {
        (3, "code", "groq")
    }
