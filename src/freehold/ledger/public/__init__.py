# SPDX-License-Identifier: Apache-2.0
"""What of a log anybody may have: its files as C2SP's tlog-tiles serves them, and whole copies. Nothing beside."""
