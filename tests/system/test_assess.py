# SPDX-License-Identifier: Apache-2.0
"""From a code base to an estate that carries it: assessed, planned, started, and asked by the names of the code."""

from pathlib import Path

from tests.system.estates import MODEL, Estate
from tests.system.wire import post

CODE = 'import openai\nc = openai.OpenAI()\nc.chat.completions.create(model="gpt-4o", messages=[])\n'


def test_a_plan_starts_and_answers_to_the_names_that_the_code_asks_for(tmp_path: Path) -> None:
    code = tmp_path / "shop"
    code.mkdir()
    (code / "a.py").write_text(CODE)
    estate = Estate(tmp_path / "estate")
    plan = estate.directory / "freehold.toml"
    try:
        assert estate.attempt("assess", code, "--plan", plan).returncode == 1
        text = plan.read_text().replace("port = 8080", f"port = {estate.port}")
        plan.write_text(text.replace("admin_port = 8081", f"admin_port = {estate.admin_port}"))
        assert estate.up()["aliases"] == {"shop": ["gpt-4o"]}
        body = {
            "model": "gpt-4o",
            "max_tokens": 4,
            "temperature": 0,
            "messages": [{"role": "user", "content": "Hello"}],
        }
        assert post(estate, "/v1/chat/completions", body).json["model"] == MODEL
        told = estate.ask("assess", "--without", "US")["without"]
        assert (told["up"], told["services"]) == (True, [])
        told = estate.ask("assess", code, "--without", "openai")["without"]
        assert [(one["fate"], one["carried"]) for one in told["applications"]] == [("stops", ["shop"])]
    finally:
        estate.destroy()
