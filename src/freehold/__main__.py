# SPDX-License-Identifier: Apache-2.0
"""``python -m freehold``: the command, where its script is not on the PATH."""

from freehold.cli.main import main

if __name__ == "__main__":
    main()
