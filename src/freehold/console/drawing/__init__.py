# SPDX-License-Identifier: Apache-2.0
"""Pictures as coordinates: what goes into an SVG, computed here and written by a template. Pure; knows no colour."""
