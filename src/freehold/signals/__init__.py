# SPDX-License-Identifier: Apache-2.0
"""What operators' own tools watch an estate by: metrics, traces and logs. Content of calls is in none of them."""
