# SPDX-License-Identifier: Apache-2.0
"""Bad input: none of it ends an assessment, and none of it is passed over in silence."""

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.unit.assess.exposure.conftest import TODAY, Assess

from freehold.assess.exposure.assessment import assess
from freehold.assess.exposure.reading import MOST_BYTES
from freehold.errors import EstateError
from freehold.policy.facts import Register

InFile = Callable[[str, str | bytes], set[tuple[int, str, str]]]
IMPORT = "import openai\n"


def test_binary_files_are_said_not_to_be_text(assessed: Assess) -> None:
    assessment = assessed({"a.py": b"import openai\0\0\0", "b.py": IMPORT})
    assert [(one.file, one.what) for one in assessment.troubles] == [("a.py", "is not text")]
    assert [one.found.file for one in assessment.exposures] == ["b.py"]


@pytest.mark.parametrize(
    "content",
    [
        "# caf\xe9\nimport openai\n".encode("latin-1"),
        b"\xff\xfe" + "import openai\n".encode("utf-16-le"),
        b"\xfe\xff" + "import openai\n".encode("utf-16-be"),
        b"\xef\xbb\xbfimport openai\n",
        b"import os\r\nimport openai\r\n",
        b"x = '\xf0\x9f'\nimport openai\n",
    ],
)
def test_any_encoding_is_read(content: bytes, in_file: InFile) -> None:
    assert {(kind, provider) for _, kind, provider in in_file("a.py", content)} == {("code", "openai")}


def test_a_huge_file_is_read_to_a_limit_and_said_so(assessed: Assess) -> None:
    assessment = assessed(
        {"a.env": "OPENAI_API_KEY=\n" + f"{'X=1':127}\n" * (MOST_BYTES // 128 + 1) + "GROQ_API_KEY=\n"}
    )
    assert [one.found.provider for one in assessment.exposures] == ["openai"]
    assert "very large" in assessment.troubles[0].what


def test_a_minified_file_is_read_for_endpoints(assessed: Assess) -> None:
    assessment = assessed({"a.min.js": f"{'a=1;' * 3000}fetch('https://api.openai.com/v1/x');{'b=2;' * 3000}"})
    assert [(one.found.kind.value, one.found.provider) for one in assessment.exposures] == [("endpoint", "openai")]
    assert "very long lines" in assessment.troubles[0].what


@pytest.mark.parametrize(
    "name", ["a.py", "a.js", "a.json", "a.yaml", "package.json", "package-lock.json", "a.ipynb", "a.tf"]
)
def test_deep_nesting_ends_nothing(name: str, assessed: Assess) -> None:
    assessed({name: "openai" + "[{(" * 100_000, "b.py": IMPORT})
    assessed({name: '{"openai":' * 50_000})


def test_links_are_not_followed_whether_round_in_circles_or_out(tmp_path: Path, register: Register) -> None:
    root, outside = tmp_path / "code", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.py").write_text(IMPORT)
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out.py").symlink_to(outside / "secret.py")
    (root / "self").symlink_to(root / "self")
    assessment = assess([root], register, TODAY, processes=1)
    assert (assessment.exposures, assessment.passed_over) == ((), {"links": 4})


def test_archives_are_listed_and_not_opened(assessed: Assess) -> None:
    assert assessed({"a/lib.whl": b"PK", "b.tar.gz": b"x"}).archives == ("a/lib.whl", "b.tar.gz")


def test_folders_of_installed_packages_are_passed_over_and_counted(assessed: Assess) -> None:
    assessment = assessed(
        {"node_modules/openai/index.js": "import 'openai'", "env/pyvenv.cfg": "", "env/lib/a.py": IMPORT}
    )
    assert assessment.exposures == ()
    assert assessment.passed_over == {"folders of installed packages": 2}


def test_folders_nested_too_deeply_are_counted(tmp_path: Path, register: Register) -> None:
    path = tmp_path / "code"
    for _ in range(140):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "a.py").write_text(IMPORT)
    assessment = assess([tmp_path / "code"], register, TODAY, processes=1)
    assert assessment.passed_over == {"folders nested too deeply": 1}


def test_a_pipe_is_not_waited_for(tmp_path: Path, register: Register) -> None:
    os.mkfifo(tmp_path / "a.py")
    assessment = assess([tmp_path], register, TODAY, processes=1)
    assert assessment.passed_over == {"sockets, pipes and devices": 1}


def test_a_name_that_would_steer_a_terminal_is_made_harmless(tmp_path: Path, register: Register) -> None:
    (tmp_path / "a\x1b[31m\n.py").write_text(IMPORT)
    assert assess([tmp_path], register, TODAY, processes=1).exposures[0].found.file == "a\ufffd[31m\ufffd.py"


def test_what_is_not_there_is_an_error(tmp_path: Path, register: Register) -> None:
    with pytest.raises(EstateError, match="is not there"):
        assess([tmp_path / "nowhere"], register, date(2026, 11, 23))


def test_cells_of_a_notebook_are_code_and_its_outputs_are_not(in_file: InFile) -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": ["gpt-4o at https://api.openai.com/v1"]},
            {
                "cell_type": "code",
                "outputs": [{"text": ["https://api.anthropic.com/v1"]}],
                "source": ["%pip install groq\n", "import openai"],
            },
        ],
        "metadata": {},
    }
    text = json.dumps(notebook, indent=1)
    line = next(n for n, line in enumerate(text.split("\n"), start=1) if "import openai" in line)
    assert in_file("a.ipynb", text) == {(line - 1, "package", "groq"), (line, "code", "openai")}


def test_many_files_are_read_by_several_processes_with_the_same_result(tmp_path: Path, register: Register) -> None:
    for number in range(450):
        (tmp_path / f"f{number:03}.py").write_text(IMPORT if number % 50 == 0 else "x = 1\n")
    alone = assess([tmp_path], register, TODAY, processes=1)
    together = assess([tmp_path], register, TODAY, processes=2)
    assert together == alone
    assert len(alone.exposures) == 9
