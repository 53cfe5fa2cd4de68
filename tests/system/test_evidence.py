# SPDX-License-Identifier: Apache-2.0
"""Evidence from an estate that ran: an erasure in its ledger, a drill behind it, the same up and down."""

from pathlib import Path
from typing import Any

from tests.simulator.server import Simulator
from tests.system import foreign
from tests.system.estates import Estate
from tests.system.wire import CHAT, post

GONE = "name: gone\nduration_s: 2\nsteps:\n  - {at_s: 0.5, directive: cut, targets: [foreign]}\n"


def test_what_was_done_is_evidence_and_what_nobody_said_is_missing(
    estate: Estate, running_simulator: Simulator, tmp_path: Path
) -> None:
    own = Estate(tmp_path / "estate")
    try:
        foreign.found(own, running_simulator, foreign.OPENAI)
        own.take_vault_of(estate)
        foreign.serve(own, "support", "openai/sim-tool", settings=('data_class = "public"', "rto_s = 20"))
        path = own.files / "freehold.toml"
        text = path.read_text(encoding="utf-8").replace('targets = ["openai.sim-tool"]', f"targets = {_BOTH}")
        path.write_text(text + '\n[target.local]\nengine = "llamacpp"\nmodel = "smollm2-135m-instruct"\n')
        (own.directory / "gone.yaml").write_text(GONE, encoding="utf-8")
        own.up()
        body = {"model": "support", "max_tokens": 4, "messages": [{"role": "user", "content": "Hello"}]}
        own.run("ledger", "forget", post(own, CHAT, body).headers["freehold-receipt"])
        own.attempt("drill", "run", own.directory / "gone.yaml", "--requests", "4")
        own.run("ledger", "verify")
        up = own.ask("evidence", "csf")["csf"]
        own.down()
        down = own.ask("evidence", "csf")["csf"]
        page = tmp_path / "csf.html"
        own.run("evidence", "csf", "--format", "html", "--output", page)
        register = own.attempt("evidence", "dora", "--output", tmp_path / "register")
    finally:
        own.destroy()
    for told in (up, down):
        assert told["estate"]["may_answer"] == ["openai.sim-tool", "local"]
        assert told["estate"]["profile"] == "v1.2.1-2025-10"
        assert told["ledger"]["erasures"] == {"call.forget": 1}
        owned = told["estate"]["without"]
        assert set(owned) == {"openai.sim-tool", "local"}
        assert {one["about"] for one in told["missing"]} == {"self", _provider(told)}
    assert [s["grade"]["step"] for s in up["estate"]["criteria"]] == [
        s["grade"]["step"] for s in down["estate"]["criteria"]
    ]
    assert b"<script" not in page.read_bytes()
    assert register.returncode == 1
    assert len(list((tmp_path / "register").glob("b_*.csv"))) == 8
    (plan,) = (tmp_path / "register").glob("exit-*.md")
    text = plan.read_text(encoding="utf-8")
    assert "Calls on record that it answered: " in text
    assert "- Drill drill_" in text


_BOTH = '["openai.sim-tool", "local"]'


def _provider(told: dict[str, Any]) -> str:
    return next(str(one["about"]) for one in told["missing"] if one["about"] != "self")
