# SPDX-License-Identifier: Apache-2.0
"""What a file is, by its bytes. Its name is not asked: a pickle that is called model.safetensors is a pickle.

Nothing is unpacked, imported or run to find out. What is not recognised is UNKNOWN, and that is refused too: the list
of what may pass is in ``members.py``; this one only finds the words for what may not.
"""

import io
import os
import pickletools
import re
import struct
import zipfile
import zlib

_HEAD_BYTES = 2**16
_MAX_DIRECTORY_BYTES = 2**24  # of a zip: what is read of its table of contents
_TAR_MAGIC_AT = 257
_RUNS = "which runs code when it is loaded"
_U64 = struct.Struct("<Q")
_NOT_A_ZIP = (zipfile.BadZipFile, NotImplementedError, OverflowError, ValueError, struct.error, EOFError, OSError)

GGUF = "GGUF"
SAFETENSORS = "safetensors"
TEXT = "text"
UNKNOWN = "a form that Freehold does not know"
EMPTY = "an empty file"

_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", "a NumPy array, which may hold a pickle"),
    (b"\x89HDF\r\n\x1a\n", f"HDF5, as Keras writes it: a Lambda layer in it is Python, {_RUNS}"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "gzip, as joblib and archives use it: what is inside cannot be vouched for"),
    (b"BZh", "bzip2, as joblib and archives use it: what is inside cannot be vouched for"),
    (b"\xfd7zXZ\x00", "xz, as joblib and archives use it: what is inside cannot be vouched for"),
    (b"\x28\xb5\x2f\xfd", "Zstandard: what is inside cannot be vouched for"),
    (b"\x04\x22\x4d\x18", "LZ4, as joblib and archives use it: what is inside cannot be vouched for"),
    (b"ZF0x", "joblib's own compression, around a pickle"),
    (b"\x7fELF", "a program or a shared library"),
    (b"MZ", "a program or a library for Windows"),
    (b"\xcf\xfa\xed\xfe", "a program or a library for macOS"),
    (b"\xca\xfe\xba\xbe", "a program, or Java code"),
    (b"\0asm", "WebAssembly"),
    (b"#!", "a script"),
    (b"ggml", "GGML, the format before GGUF"),
    (b"ggjt", "GGML, the format before GGUF"),
    (b"lmgg", "GGML, the format before GGUF"),
)
_SAVED_MODEL = "a TensorFlow SavedModel, whose graph can read and write files"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_IN_ZIP: tuple[tuple[re.Pattern[str], str], ...] = (  # in this order: TorchScript has a data.pkl as well
    (re.compile(r"(^|/)code/.*\.py$|(^|/)constants\.pkl$"), f"TorchScript: a zip with code, {_RUNS}"),
    (re.compile(r"\.(pkl|pickle)$"), f"a PyTorch file: a zip around a pickle, {_RUNS}"),
    (re.compile(r"(^|/)MAR-INF/"), f"a TorchServe archive: a zip with Python, {_RUNS}"),
    (re.compile(r"\.npy$"), "NumPy arrays in a zip, which may hold pickles"),
    (re.compile(r"(^|/)model\.weights\.h5$"), f"a Keras file: a Lambda layer in it is Python, {_RUNS}"),
    (re.compile(r"(^|/)saved_model\.pb$"), _SAVED_MODEL),
)
_CALLS = frozenset({"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "REDUCE", "BUILD", "PERSID"})
_TORCH_LEGACY = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # torch's magic number, itself pickled


def kind_of(fd: int, size_bytes: int) -> str:
    """What an open file is, in words that complete "this is". Never raises for what its bytes may be.

    It reads the file's head, and the end of a zip.
    """
    return _what(fd, size_bytes, os.pread(fd, _HEAD_BYTES, 0))


def _what(fd: int, size_bytes: int, head: bytes) -> str:
    if not head:
        return EMPTY
    if head.startswith(b"GGUF"):
        return GGUF
    if head.startswith(_ZIPS):
        return _zip(fd, size_bytes)
    known = next((what for magic, what in _MAGICS if head.startswith(magic)), "")
    return known or _by_place(fd, head) or _by_form(head, size_bytes)


def _by_place(fd: int, head: bytes) -> str:
    """Formats whose mark is not at the very beginning."""
    if any(os.pread(fd, len(_HDF5), place) == _HDF5 for place in (512, 1024, 2048, 4096)):
        return f"HDF5 behind other bytes, as Keras writes it: a Lambda layer in it is Python, {_RUNS}"
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return f"a tar archive, as NeMo and old PyTorch use it around pickles, {_RUNS}"
    return "TensorFlow Lite, which no engine here runs" if head[4:8] == b"TFL3" else ""


def _by_form(head: bytes, size_bytes: int) -> str:
    """Formats without a mark."""
    if _looks_like_safetensors(head, size_bytes):
        return SAFETENSORS
    if pickle := _pickle(head):
        return pickle
    if _is_zlib(head):
        return "zlib, as joblib uses it around a pickle"
    return TEXT if _is_text(head) else _protobuf(head)


def _protobuf(head: bytes) -> str:
    """Two that begin with a version, as field 1; what follows tells them apart."""
    if head.startswith(b"\x08\x01\x12"):
        return _SAVED_MODEL
    if head[0] == 0x08 and head[2:3] in (b"\x12", b"\x1a", b"\x3a", b"\x42"):
        return "ONNX, which can name files beside it and operators of its own"
    return SAFETENSORS if head[8:9] == b"{" else UNKNOWN  # a damaged one, for its own reader to say how


def _looks_like_safetensors(head: bytes, size_bytes: int) -> bool:
    return len(head) > _U64.size and head[8:9] == b"{" and _U64.unpack_from(head)[0] <= size_bytes


def _pickle(head: bytes) -> str:
    """Protocols 2 to 5 say what they are. 0 and 1 do not, so their operations are read, and none of them is done."""
    if _TORCH_LEGACY in head[:32]:
        return f"an old PyTorch file: pickles behind each other, {_RUNS}"
    protocol = head[1] if len(head) > 1 else 0
    if head[0] == 0x80 and 2 <= protocol <= 5:
        return f"a pickle, {_RUNS}"
    names, whole = _operations(head)
    calls = names & _CALLS if whole else {"GLOBAL", "REDUCE"} <= names or "INST" in names
    return f"a pickle, {_RUNS}" if calls else ""


def _operations(head: bytes) -> tuple[set[str], bool]:
    """The names of a pickle's operations as far as there are any, and whether they come to an end."""
    names: set[str] = set()
    try:
        for operation, _, _ in pickletools.genops(io.BytesIO(head)):
            names.add(operation.name)
    except (ValueError, IndexError, OverflowError, struct.error):
        return names, False
    return names, True


def _zip(fd: int, size_bytes: int) -> str:
    names = _names_in_zip(fd, size_bytes)
    for pattern, what in _IN_ZIP:
        if any(pattern.search(name) for name in names):
            return what
    return "a zip archive: what is inside cannot be vouched for"


def _names_in_zip(fd: int, size_bytes: int) -> list[str]:
    tail = os.pread(fd, _HEAD_BYTES + 22, max(0, size_bytes - _HEAD_BYTES - 22))
    place = tail.rfind(b"PK\x05\x06")
    directory_bytes = struct.unpack_from("<I", tail, place + 12)[0] if 0 <= place <= len(tail) - 22 else 0
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        return []
    try:
        with os.fdopen(os.dup(fd), "rb") as file, zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except _NOT_A_ZIP:
        return []


def _is_zlib(head: bytes) -> bool:
    if head[0] & 0x0F != 8 or len(head) < 2 or (head[0] << 8 | head[1]) % 31:
        return False
    try:
        return bool(zlib.decompressobj().decompress(head, 1))
    except zlib.error:
        return False


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters but those of text; a character may be cut at the end of the head."""
    try:
        text = head.decode()
    except UnicodeDecodeError as exc:
        if exc.start < len(head) - 3 or len(head) < _HEAD_BYTES:
            return False
        text = head[: exc.start].decode()
    return not re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f]", text)
