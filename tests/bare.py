# SPDX-License-Identifier: Apache-2.0
"""A machine with Python, ``cryptography`` and the source of Freehold, and nothing else: for what auditors run."""

import sysconfig
import venv
from pathlib import Path

import freehold

_NEEDED = ("cryptography", "cffi", "_cffi_backend*", "pycparser")


def bare_python(folder: Path) -> Path:
    """The interpreter of an environment with the one dependency, by links instead of a network."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = Path(sysconfig.get_paths()["platlib"])
    for pattern in _NEEDED:
        for found in here.glob(pattern):
            (site / found.name).symlink_to(found)
    (site / "freehold").symlink_to(Path(freehold.__file__).parent)
    return folder / "bin" / "python"
