# SPDX-License-Identifier: Apache-2.0
"""Remember and prove: an append-only C2SP tile log of admissions, outcomes and administrative acts. No content."""
