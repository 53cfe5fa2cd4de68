# SPDX-License-Identifier: Apache-2.0
"""Four vendors' APIs over real HTTP, for tests: as strict as they are with requests, as they are on the wire.

It knows nothing of Freehold. ``running.py`` runs it in a thread of the tests; ``python -m tests.simulator``
is a process of its own.
"""
