# SPDX-License-Identifier: Apache-2.0
"""A script for the interpreter whose pip is meant: 'taking_source.py NAME VERSION FOLDER ARGUMENTS' takes a source
archive as it lies there.

'pip download' would run the archive's own code to learn what it depends on. So pip is asked only for what it knows of
indexes, folders, proxies and certificates; the archive's bytes are written down and looked at by nobody.
"""

import sys
from pathlib import Path
from typing import cast

from pip._internal.cli.req_command import RequirementCommand
from pip._internal.commands import create_command

_CHUNK_BYTES = 2**20
_NOT_THERE = 3


def main() -> None:
    name, version, folder, *arguments = sys.argv[1:]
    command = cast("RequirementCommand", create_command("download"))
    with command.main_context():
        options, _ = command.parse_args([f"--no-binary={name}", *arguments])
        session = command._build_session(options)  # noqa: SLF001 - as its own 'index versions' does
        finder = command._build_package_finder(options=options, session=session)  # noqa: SLF001
        links = [found.link for found in finder.find_all_candidates(name) if str(found.version) == version]
        if not links:
            sys.stderr.write(f"no source archive of {name} {version} was found\n")
            sys.exit(_NOT_THERE)
        answer = session.get(links[0].url_without_fragment, stream=True, headers={"Accept-Encoding": "identity"})
        answer.raise_for_status()
        with Path(folder, "source.tar.gz").open("xb") as archive:
            while chunk := answer.raw.read(_CHUNK_BYTES):
                archive.write(chunk)


if __name__ == "__main__":
    main()
