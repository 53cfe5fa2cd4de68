# SPDX-License-Identifier: Apache-2.0
"""What an entry says, what commits to content, and how an entry is found."""
