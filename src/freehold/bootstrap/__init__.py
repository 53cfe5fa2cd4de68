# SPDX-License-Identifier: Apache-2.0
"""Builds the real parts, one file per process of the estate. The only place that does."""
