# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.assess``: a made tree of 10,000 files, assessed: seconds, processor seconds, memory.

One file in ten has something to do with a provider; the rest is code and settings as they are everywhere.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FILES = 10_000
_OF_A_PROVIDER = 10  # one in so many
_LINES = 120
_PROGRAMS = {
    ".py": ("def f{n}(a, b):\n    return [a + b * {n} for _ in range({n})]\n", "import openai\nc = openai.OpenAI()\n"),
    ".ts": (
        "export const f{n} = (a: number) => {{ return a * {n}; }};\n",
        'import OpenAI from "openai";\nnew OpenAI();\n',
    ),
    ".go": ("func f{n}(a int) int {{ return a * {n} }}\n", 'import "github.com/sashabaranov/go-openai"\n'),
    ".java": ("class C{n} {{ int f(int a) {{ return a * {n}; }} }}\n", "import com.openai.client.OpenAIClient;\n"),
    ".yaml": ("key{n}: value-{n}\n", "model: gpt-4o\n"),
    ".json": ('{{"key{n}": "value {n}"}}\n', '{"model": "gpt-4o"}\n'),
}


def make(folder: Path, files: int) -> None:
    """The same tree each time."""
    chance = random.Random(9)  # noqa: S311 - no secret
    for number in range(files):
        suffix = list(_PROGRAMS)[number % len(_PROGRAMS)]
        line, provider = _PROGRAMS[suffix]
        body = "".join(line.format(n=chance.randrange(1000)) for _ in range(_LINES))
        text = (provider if number % _OF_A_PROVIDER == 0 else "") + body
        path = folder / f"d{number // 100:03}" / f"f{number:05}{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(("package a\n" if suffix == ".go" else "") + text)


def main() -> None:
    """Make it, assess it, print what that took."""
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), FILES)
        began = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "freehold.cli.main",
            "assess",
            folder,
            "--format",
            "json",
            "--output",
            f"{folder}.json",
        ]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
        wall_s = time.monotonic() - began
        Path(f"{folder}.json").unlink()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{FILES} files: {wall_s:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of processors, "
        f"{used.ru_maxrss / 1024:.0f} MiB at most in one process"
    )


if __name__ == "__main__":
    main()
