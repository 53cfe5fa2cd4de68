# SPDX-License-Identifier: Apache-2.0
"""What keeps answers coming when a backend is withdrawn: states, readiness, acceptance, drills.

Calls nobody but, in a drill, a gateway of the estate.
"""
