# SPDX-License-Identifier: Apache-2.0
"""A script for the interpreter whose pip is meant: 'asking_markers.py PYTHON MACHINE' keeps of a lock what Linux needs.

The lock comes by standard input, and goes to standard output without its conditions (PEP 508, environment markers),
which pip itself reads, for the machine that is named instead of the one that runs this.
"""

import re
import sys

from pip._vendor.packaging.markers import Marker

_PINNED = re.compile(r"^(?P<what>[A-Za-z0-9][^;\s]*==[^;\s]+)(?:\s*;\s*(?P<when>[^\\\n]+?))?\s*(?P<more>\\?)$")


def main() -> None:
    python, machine = sys.argv[1:]
    there = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }
    kept = True
    for line in sys.stdin.read().splitlines():
        if pinned := _PINNED.match(line):
            kept = not pinned["when"] or Marker(pinned["when"]).evaluate(there)
            line = f"{pinned['what']} {pinned['more']}".rstrip()  # noqa: PLW2901 - the same without its condition
        if kept:
            sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
