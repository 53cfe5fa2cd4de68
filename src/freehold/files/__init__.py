# SPDX-License-Identifier: Apache-2.0
"""What is asked of a file system by more than one part: to put a file in its place whole, and to let one hold it."""
