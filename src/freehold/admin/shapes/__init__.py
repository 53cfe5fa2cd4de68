# SPDX-License-Identifier: Apache-2.0
"""What the admin API's answers look like, as types: for its OpenAPI document, and for tests."""
