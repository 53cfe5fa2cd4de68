# SPDX-License-Identifier: Apache-2.0
"""The public listener: routes, keys, limits, errors in the caller's dialect. Decides nothing."""
