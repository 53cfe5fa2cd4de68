# SPDX-License-Identifier: Apache-2.0
"""Code that we wrote to be assessed: planted dependencies and what looks like them, with labels beside."""
