# SPDX-License-Identifier: Apache-2.0
"""fs-verity: a file system that vouches for a file's bytes at every read, and lets nobody change them.

Linux, Documentation/filesystems/fsverity.rst. Digests are by SHA-256 over blocks of 4,096 bytes without salt, so that
the same bytes have the same digest on every host. Where the kernel or the file system has none, nothing is lost but
the time to read the file again.
"""

import fcntl
import struct
from contextlib import suppress

_ENABLE = 0x40806685  # FS_IOC_ENABLE_VERITY
_MEASURE = 0xC0046686  # FS_IOC_MEASURE_VERITY
_SHA256 = 1  # FS_VERITY_HASH_ALG_SHA256
_BLOCK_BYTES = 4096
_DIGEST_BYTES = 32
_ENABLE_ARGUMENT = struct.Struct("<IIIIQIIQ88x")  # version, algorithm, block size, salt size and place, signature
_MEASURED = struct.Struct(f"<HH{_DIGEST_BYTES}s")


def seal(fd: int) -> str:
    """Have the file system guard the file from now on; its fs-verity digest, empty where it does not.

    The descriptor is open for reading only, and nobody has the file open for writing.
    """
    with suppress(OSError):  # it cannot; or it does so already
        fcntl.ioctl(fd, _ENABLE, _ENABLE_ARGUMENT.pack(1, _SHA256, _BLOCK_BYTES, 0, 0, 0, 0, 0))
    return measure(fd)


def measure(fd: int) -> str:
    """``sha256:`` and the file's fs-verity digest, as the kernel vouches for it now; empty where it does not."""
    try:
        answer = fcntl.ioctl(fd, _MEASURE, _MEASURED.pack(0, _DIGEST_BYTES, bytes(_DIGEST_BYTES)))
    except OSError:
        return ""
    algorithm, size_bytes, digest = _MEASURED.unpack(answer)
    return f"sha256:{digest.hex()}" if (algorithm, size_bytes) == (_SHA256, _DIGEST_BYTES) else ""
