# SPDX-License-Identifier: Apache-2.0
"""Settings, infrastructure, containers, gateways, assistants, and commands."""

from collections.abc import Callable

import pytest
from tests.unit.assess.exposure.conftest import Assess

InFile = Callable[[str, str | bytes], set[tuple[int, str, str]]]

FILES = [
    (".env", "OPENAI_API_KEY=\n# ANTHROPIC_API_KEY=\n", {(1, "env", "openai")}),
    (".env.production", "export MISTRAL_API_KEY=x\n", {(1, "env", "mistral")}),
    ("a.sh", "curl https://api.anthropic.com/v1/messages\n", {(1, "endpoint", "anthropic")}),
    ("a.yaml", "model: gpt-4o\nsign: gemini\n", {(1, "model", "openai")}),
    ("a.yaml", "models:\n  - claude-sonnet-4-5\n  - llama3\n", {(2, "model", "anthropic")}),
    ("a.toml", 'openai_api_key = "env"\n', {(1, "env", "openai")}),
    ("values.yaml", "mistralApiKey: x\n", {(1, "env", "mistral")}),
    ("application.yml", "spring:\n  ai:\n    openai:\n      x: 1\n", {(3, "env", "openai")}),
    ("application.properties", "spring.ai.anthropic.api-key=x\n", {(1, "env", "anthropic")}),
    ("main.tf", 'resource "aws_bedrock_guardrail" "g" {}\n', {(1, "iac", "aws-bedrock")}),
    ("main.tf", 'resource "google_vertex_ai_endpoint" "e" {}\n', {(1, "iac", "google")}),
    ("main.tf", 'resource "azurerm_cognitive_account" "a" {}\n', {(1, "iac", "azure-openai")}),
    ("main.tf", '# resource "aws_bedrock_guardrail" "g" {}\n/* resource "aws_bedrock_x" "y" {} */\n', set()),
    ("main.tf", 'service = "aiplatform.googleapis.com"\n', {(1, "iac", "google")}),
    ("policy.json", '{"Action": ["bedrock:InvokeModel*"]}\n', {(1, "iac", "aws-bedrock")}),
    ("stack.yaml", "Type: AWS::Bedrock::KnowledgeBase\n", {(1, "iac", "aws-bedrock")}),
    ("main.bicep", "resource a 'Microsoft.CognitiveServices/accounts@2024-10-01' = {\n", {(1, "iac", "azure-openai")}),
    ("Dockerfile", "FROM python\nRUN pip install openai httpx\n", {(2, "package", "openai")}),
    ("Dockerfile", "ENV ANTHROPIC_API_KEY=x\n", {(1, "env", "anthropic")}),
    (
        "compose.yaml",
        "services:\n  a:\n    environment:\n      OPENAI_API_KEY: ${OPENAI_API_KEY}\n",
        {(4, "env", "openai")},
    ),
    ("kserve.yaml", 'storageUri: "hf://meta-llama/Llama-3"\n', {(1, "hub_download", "huggingface")}),
    (
        "config.yaml",
        "model_list:\n- litellm_params:\n    model: bedrock/anthropic.claude-v2\n",
        {(3, "gateway", "aws-bedrock")},
    ),
    ("config.yaml", "model_list:\n- litellm_params:\n    model: ollama/llama3\n", set()),
    (
        "kong.yaml",
        "plugins:\n- name: ai-proxy\n  config:\n    model:\n      provider: anthropic\n",
        {(5, "gateway", "anthropic")},
    ),
    (".cursorrules", "Be brief.\n", {(1, "agent_config", "cursor")}),
    ("CLAUDE.md", "# Rules\n", {(1, "agent_config", "anthropic")}),
    (".github/copilot-instructions.md", "x\n", {(1, "agent_config", "github-copilot")}),
    (".aider.conf.yml", "model: gpt-4o\n", {(1, "agent_config", "openai")}),
    (
        ".zed/settings.json",
        '{"agent": {"default_model": {"provider": "copilot_chat"}}}\n',
        {(1, "agent_config", "github-copilot")},
    ),
    ("README.md", "gpt-4o at https://api.openai.com/v1 with OPENAI_API_KEY\n", set()),
    ("a.properties", "server = bedrock.example.org\nport = 19132\n", set()),
    ("a.yaml", "name: mistral\nimage: itzg/minecraft-bedrock-server\nclaude: monet\n", set()),
    ("p.prompt.md", "---\nmodel: gpt-4.1\n---\ngpt-4o is a model\n", {(2, "model", "openai")}),
]


@pytest.mark.parametrize(
    ("name", "text", "expected"), FILES, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(FILES)]
)
def test_settings_are_read_line_by_line(
    name: str, text: str, expected: set[tuple[int, str, str]], in_file: InFile
) -> None:
    assert in_file(name, text) == expected


def test_a_key_beside_an_address_of_ones_own_is_ones_own(assessed: Assess) -> None:
    assessment = assessed({".env": "OPENAI_BASE_URL=http://10.0.0.4:8080/v1\nOPENAI_API_KEY=x\nGROQ_API_KEY=y\n"})
    assert [one.found.provider for one in assessment.exposures] == ["groq"]


def test_a_variable_that_leads_to_somebody_else_is_about_them(in_file: InFile) -> None:
    assert in_file(".env", "OPENAI_BASE_URL=https://openrouter.ai/api/v1\n") == {
        (1, "env", "openrouter"),
        (1, "endpoint", "openrouter"),
    }
