# SPDX-License-Identifier: Apache-2.0
"""The one error of the oracle: what it was given does not hold, and why."""


class Refused(Exception):
    """The specification says no."""
