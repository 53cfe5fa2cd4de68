# SPDX-License-Identifier: Apache-2.0
"""Being a witness: what one judges, remembers and answers, in a directory of its own. Needs no estate."""
