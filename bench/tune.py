# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.tune``: how long tuning the default model takes on this machine, and what it gains.

It is the command that a person runs, on an estate of its own that is down. The target is five minutes on two cores.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_MODEL = "smollm2-135m-instruct"
_TARGET_S = 300


def main() -> None:
    """Measure once, and print a line for each format and one for the time."""
    with tempfile.TemporaryDirectory(prefix="freehold-bench-") as folder:
        estate = Path(folder) / "estate"
        _run(estate, "init")
        _run(estate, "vault", "import", _MODEL)
        begun_s = time.perf_counter()
        tuned = _run(estate, "model", "tune", _MODEL)["tune"]
        took_s = time.perf_counter() - begun_s
    for row in tuned["formats"]:
        speeds = f"reads {row['prompt_tokens_per_s']:.0f}/s, makes {row['answer_tokens_per_s']:.0f}/s"
        print(f"{row['format']:<8} {row['speedup']:.1f}x  loss {row['loss']:+.1%}  {speeds}")
    print(f"two readings of the model as it is differ by {tuned['disturbance']:.0%}")
    verdict = "met" if took_s <= _TARGET_S else "missed"
    print(f"tuning took {took_s:.0f} s on {tuned['cores']} cores; target {_TARGET_S} s: {verdict}")


def _run(estate: Path, *words: str) -> dict[str, Any]:
    command: list[str | Path] = [Path(sys.executable).with_name("freehold"), *words, "--estate", estate, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    main()
