# SPDX-License-Identifier: Apache-2.0
"""Secrets are told by kind and place. No value is in any output, whatever its form."""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.unit.assess.exposure.conftest import Assess

from freehold.assess.exposure.page import write_page
from freehold.assess.exposure.plan import write_plan
from freehold.assess.exposure.sarif import write_sarif
from freehold.assess.exposure.services import write_services
from freehold.assess.exposure.view import assessment_view
from freehold.cli.assessed import show_assessment
from freehold.policy.facts import Register

BODY = "Qm9vS2V5VGhhdElzTm90UmVhbDk4NzY1NDMyMQ"
SECRETS = {
    "Anthropic API key": "sk-" + "ant-api03-" + BODY,
    "OpenAI API key": "sk-" + "proj-" + BODY,
    "Google API key": "AI" + "za" + BODY,
    "Groq API key": "gs" + "k_" + BODY,
    "Hugging Face token": "h" + "f_" + BODY,
}


@pytest.mark.parametrize(("what", "value"), SECRETS.items())
def test_a_secret_is_told_by_kind_and_place(what: str, value: str, assessed: Assess) -> None:
    assessment = assessed({"a.py": f'import openai\nkey = "{value}"\n', ".env": f"OPENAI_API_KEY={value}\n"})
    assert {(one.file, one.line, one.what) for one in assessment.secrets} == {("a.py", 2, what), (".env", 1, what)}


def test_the_value_of_a_variable_for_keys_is_a_secret_whatever_it_looks_like(assessed: Assess) -> None:
    assessment = assessed(
        {".env": f"MISTRAL_API_KEY={BODY}\nCOHERE_API_KEY=changeme\nGROQ_API_KEY=your-key-goes-here-1\n"}
    )
    assert [(one.line, one.what) for one in assessment.secrets] == [(1, "value of MISTRAL_API_KEY")]


@pytest.mark.parametrize("value", SECRETS.values())
def test_no_output_repeats_a_secret(value: str, assessed: Assess, register: Register) -> None:
    assessment = assessed(
        {
            "a.py": f'import openai\nc = openai.OpenAI(api_key="{value}", base_url="https://{value}:{value}@api.openai.com/{value}?k={value}")\n'
            f'm = "azure/{value}"\nmodel = "{value}"\nx = "https://api.openai.com/v1/{value}"\n',
            ".env": f"OPENAI_API_KEY={value}\nOPENAI_BASE_URL=https://u:{value}@api.groq.com/{value}\n",
            "a.yaml": f"model: openai/{value}\nopenai_api_key: {value}\nurl: https://api.openai.com/{value}\n",
            ".aider.conf.yml": f"openai-api-key: {value}\nmodel: gpt-4o\n",
            "a.sh": f"pip install openai {value}\nhf download {value}/{value}\n",
            "requirements.txt": f"openai @ https://{value}@host.example/openai.whl\n",
        }
    )
    assert assessment.exposures
    assert assessment.secrets
    outputs = [
        show_assessment(assessment, told=False),
        msgspec.json.encode(assessment_view(assessment)).decode(),
        write_sarif(assessment).decode(),
        write_services(assessment, register, datetime(2026, 11, 23, tzinfo=UTC)).decode(),
        write_page(assessment, "today").decode(),
        write_plan(assessment, register),
    ]
    assert [output for output in outputs if BODY in output or BODY.lower() in output] == []
