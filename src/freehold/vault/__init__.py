# SPDX-License-Identifier: Apache-2.0
"""Where models are kept and checked: nothing loads that cannot be named and whose digest does not match."""
