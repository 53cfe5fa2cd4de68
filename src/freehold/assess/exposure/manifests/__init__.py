# SPDX-License-Identifier: Apache-2.0
"""Manifests and lock files of eight ecosystems, read by line: a file that was cut short gives what it still has."""

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.manifests.reading import Manifest, manifest_of

__all__ = ["Declared", "Manifest", "manifest_of"]
