# SPDX-License-Identifier: Apache-2.0
"""The form of an evidence pack, read and written: an archive, a manifest, a signature.

docs/reference/pack-format.md is the specification. Whoever writes packs (``assess/evidence/pack``) and whoever checks
them share these files, so that there is one form.
"""
