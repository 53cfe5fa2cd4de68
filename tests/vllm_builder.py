# SPDX-License-Identifier: Apache-2.0
"""A folder that looks like a virtual environment with vLLM, and has the stand-in for a program.

Where ``FREEHOLD_VLLM`` names a real environment, and ``FREEHOLD_VLLM_MODEL`` a folder with safetensors of a small chat
model, the same tests run against that.
"""

import os
import sys
from pathlib import Path
from typing import Final

from tests.vault_builder import model_files, write_files

from freehold.contract.backend import Model
from freehold.contract.weights import VerifiedFile, VerifiedWeights

STAND_IN: Final = Path(__file__).parent / "vllm_stand_in.py"
VERSION: Final = "0.33.0"
REAL: Final = os.environ.get("FREEHOLD_VLLM", "")
REAL_MODEL: Final = os.environ.get("FREEHOLD_VLLM_MODEL", "")
TEMPLATE: Final = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def write_environment(folder: Path, *, version: str = VERSION) -> Path:
    """One whose program is the stand-in."""
    python = Path(sys.base_prefix, "bin/python3").resolve()
    program = f"#!{python} -I\n{STAND_IN.read_text(encoding='utf-8')}"
    write_files(
        folder,
        {
            "pyvenv.cfg": f"home = {python.parent}\nversion = 3.11.7\n".encode(),
            "bin/vllm": program.encode(),
            f"lib/python3.11/site-packages/vllm-{version}.dist-info/RECORD": b"vllm/__init__.py,sha256=...,1\n",
        },
    )
    (folder / "bin/vllm").chmod(0o755)
    return folder


def write_model(folder: Path, *, context_tokens: int = 8192) -> Path:
    """Tiny safetensors in two parts, with all that a loader looks for."""
    config = f'{{"model_type": "llama", "max_position_embeddings": {context_tokens}}}'
    return write_files(folder, model_files() | {"config.json": config.encode()})


def opened_model(folder: Path, name: str) -> VerifiedWeights:
    """As the vault hands it over."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return VerifiedWeights(
        model=Model(name=name, digest="sha256:0"),
        format="safetensors",
        files=tuple(
            VerifiedFile(
                path=str(path.relative_to(folder)),
                fd=os.open(path, os.O_RDONLY | os.O_CLOEXEC),
                size_bytes=path.stat().st_size,
            )
            for path in paths
        ),
        context_train_tokens=8192,
        chat_template=TEMPLATE,
    )
