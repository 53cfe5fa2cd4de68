# SPDX-License-Identifier: Apache-2.0
"""What a process writes to its log, in the form that the estate's settings say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SETTINGS = '[estate]\norigin = "a/b"\n[service.s]\ntargets = ["t"]\n[target.t]\nengine = "llamacpp"\nmodel = "m"\n'
PROGRAM = """
import asyncio, logging, sys
from freehold.bootstrap.process import log_to_stderr
log_to_stderr("gateway", sys.argv[1])
logging.getLogger("freehold.x").info("hello %s", "there")
async def forgotten():
    raise ValueError("what a caller wrote")
async def main():
    asyncio.ensure_future(forgotten())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
"""


def written(estate: Path, settings: str) -> list[str]:
    estate.mkdir()
    (estate / "freehold.toml").write_text(settings, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(estate)], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_lines_are_objects_where_the_settings_say_so(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written(tmp_path / "e", SETTINGS + '[log]\nformat = "json"\n')]
    assert [line["message"] for line in lines] == ["hello there", "Task exception was never retrieved"]
    assert {line["process"] for line in lines} == {"gateway"}


@pytest.mark.parametrize("settings", [SETTINGS, "this is no TOML"])
def test_they_are_text_else_and_where_settings_cannot_be_read(tmp_path: Path, settings: str) -> None:
    first, *_ = written(tmp_path / "e", settings)
    assert first.endswith(" INFO freehold.x: hello there")


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_nobody_caught_is_not_quoted(tmp_path: Path, form: str) -> None:
    lines = written(tmp_path / "e", f'{SETTINGS}[log]\nformat = "{form}"\n')
    assert "ValueError" in "".join(lines)
    assert "what a caller wrote" not in "".join(lines)
