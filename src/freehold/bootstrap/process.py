# SPDX-License-Identifier: Apache-2.0
"""What every process of an estate does at its start: the same arguments, the same log lines."""

import argparse
import logging
import sys


def common_arguments(description: str) -> argparse.ArgumentParser:
    """The arguments that every process takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--estate", required=True, help="the estate's directory")
    parser.add_argument("--port", type=int, help="public port, instead of the one in freehold.toml")
    parser.add_argument("--admin-port", type=int, help="admin port, instead of the one in freehold.toml")
    parser.add_argument("--plaintext", action="store_true", help="listen without TLS beyond loopback")
    return parser


def log_to_stderr() -> None:
    """Log to standard error, which the supervisor writes to a file of the process's own. Never content of calls."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(capture=True)
