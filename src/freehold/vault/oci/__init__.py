# SPDX-License-Identifier: Apache-2.0
"""Models as OCI artifacts, in a layout on this machine or in a registry: ModelPack, and plain artifacts of files."""
