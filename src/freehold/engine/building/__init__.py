# SPDX-License-Identifier: Apache-2.0
"""Engines that are compiled for this host, out of a source archive whose digest is known. Serves no call."""

from freehold.engine.building.builder import Builder, Made, Order
from freehold.engine.building.builds import Build, Builds, Kept

__all__ = ["Build", "Builder", "Builds", "Kept", "Made", "Order"]
