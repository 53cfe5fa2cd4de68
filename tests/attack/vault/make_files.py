# SPDX-License-Identifier: Apache-2.0
"""Writes the files of files/, each with the one defect that it is named for: what runs code, and broken safetensors.

Run from the repository's root, and only to add a file: ``python -m tests.attack.vault.make_files``. No pickle here does
anything but print, and no test loads one.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

from tests.gguf_builder import Gguf
from tests.safetensors_builder import Safetensors, row

FILES = Path(__file__).parent / "files"
SOUND = Safetensors()
PICKLE_0 = b"cbuiltins\nprint\n(S'run'\ntR."
PICKLE_1 = b"cbuiltins\nprint\nq\x00(U\x03runq\x01tq\x02Rq\x03."
PICKLE_2 = b"\x80\x02" + PICKLE_1
PICKLE_4 = (
    b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00"
    b"\x8c\x08builtins\x94\x8c\x05print\x94\x93\x94\x8c\x03run\x94\x85\x94R\x94."
)
TORCH_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."


def defects() -> dict[str, bytes]:
    """Every file's bytes, by its name."""
    return {**_code(), **_names(), **_safetensors(), **_gguf()}


def _code() -> dict[str, bytes]:
    return {
        "pickle-protocol-0.safetensors": PICKLE_0,
        "pickle-protocol-1.safetensors": PICKLE_1,
        "pickle-protocol-2.safetensors": PICKLE_2,
        "pickle-protocol-4.safetensors": PICKLE_4,
        "pickle-protocol-5.gguf": b"\x80\x05" + PICKLE_4[2:],
        "pickle-named-model.bin": PICKLE_2,
        "pickle-named.json": PICKLE_4,
        "torch-zip.safetensors": _zip({"archive/data.pkl": PICKLE_2, "archive/version": b"3\n"}),
        "torch-legacy.pt": TORCH_MAGIC + b"\x80\x02M\xe9\x03." + PICKLE_2,
        "torch-tar.pth": _tar({"pickle": PICKLE_2, "storages": b""}),
        "torchscript.pt": _zip(
            {"m/code/__torch__.py": b"class M(Module):\n", "m/constants.pkl": PICKLE_2, "m/data.pkl": PICKLE_2}
        ),
        "torchserve.mar": _zip({"MAR-INF/MANIFEST.json": b"{}", "handler.py": b"print('run')\n"}),
        "nemo.safetensors": _tar({"./model_config.yaml": b"", "./model_weights.ckpt": PICKLE_2}),
        "numpy-objects.npy": _npy("|O") + PICKLE_2,
        "numpy-objects.npz": _zip({"w.npy": _npy("|O") + PICKLE_2}),
        "joblib-zlib.joblib": zlib.compress(PICKLE_2),
        "joblib-gzip.safetensors": gzip.compress(PICKLE_2, mtime=0),
        "joblib-bzip2.safetensors": bz2.compress(PICKLE_2),
        "joblib-xz.safetensors": lzma.compress(PICKLE_2),
        "joblib-lz4.safetensors": b"\x04\x22\x4d\x18" + bytes(20),
        "joblib-own-compression.safetensors": b"ZF0x13" + bytes(20),
        "keras-hdf5.h5": b"\x89HDF\r\n\x1a\n" + bytes(40),
        "keras-hdf5-behind-a-block.safetensors": bytes(512) + b"\x89HDF\r\n\x1a\n" + bytes(40),
        "keras-zip.keras": _zip({"config.json": b'{"class_name": "Lambda"}', "model.weights.h5": b""}),
        "tensorflow-saved-model.pb": b"\x08\x01\x12\x04\x0a\x02\x08\x01",
        "tensorflow-zip.safetensors": _zip({"m/saved_model.pb": b"\x08\x01\x12"}),
        "tensorflow-lite.safetensors": b"\x1c\0\0\0TFL3" + bytes(40),
        "onnx.onnx": b"\x08\x08\x12\x07pytorch\x3a\x02\x0a\x00",
        "archive-7z.safetensors": b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24),
        "archive-rar.safetensors": b"Rar!\x1a\x07\x01\0" + bytes(24),
        "archive-zstandard.safetensors": b"\x28\xb5\x2f\xfd" + bytes(24),
        "archive-plain.safetensors": _zip({"model.safetensors": SOUND.build()}),
        "archive-without-its-end.safetensors": _zip({"data.pkl": PICKLE_2})[:-10],
        "program-linux.safetensors": b"\x7fELF\x02\x01\x01" + bytes(57),
        "program-windows.gguf": b"MZ\x90\0" + bytes(60),
        "program-macos.safetensors": b"\xcf\xfa\xed\xfe" + bytes(60),
        "webassembly.safetensors": b"\0asm\x01\0\0\0",
        "script.safetensors": b"#!/bin/sh\nexit 0\n",
        "ggml.gguf": b"ggjt\x03\0\0\0" + bytes(40),
        "unknown.safetensors": b"\xde\xad\xbe\xef" * 10,
        "text.safetensors": b"version https://example.org/spec/v1\noid sha256:00\nsize 5\n",
        "empty.safetensors": b"",
    }


def _names() -> dict[str, bytes]:
    return {
        "python.py": b"# SPDX-License-Identifier: Apache-2.0\n",
        "python-compiled.pyc": b"\xa7\x0d\x0d\x0a" + bytes(20),
        "library.so": b"\x7fELF" + bytes(60),
        "weights-named-pytorch_model.bin": SOUND.build(),
        "gguf-named.safetensors": Gguf().build(),
        "safetensors-named.gguf": SOUND.build(),
        "gguf-named-archive.zip": Gguf().build(),
    }


def _safetensors() -> dict[str, bytes]:
    return {
        "header-of-2-to-the-60.safetensors": Safetensors(length=2**60).build(),
        "header-of-17-megabytes.safetensors": Safetensors(length=17 * 2**20, data_bytes=0).build()[:200],
        "header-longer-than-the-file.safetensors": Safetensors(length=5000).build(),
        "header-shorter-than-its-json.safetensors": Safetensors(length=40).build(),
        "header-is-a-list.safetensors": Safetensors(text="[]").build(),
        "header-not-utf8.safetensors": struct.pack("<Q", 7) + b'{"\xff\xfe":}',
        "header-nested-deep.safetensors": Safetensors(text='{"a":' + "[" * 5000 + "]" * 5000 + "}").build(),
        "header-nested-33.safetensors": Safetensors(text='{"a":' + "[" * 33 + "]" * 33 + "}").build(),
        "name-twice.safetensors": Safetensors(text='{"a":{},"a":{}}').build(),
        "number-of-5000-digits.safetensors": Safetensors(text='{"a":' + "9" * 5000 + "}").build(),
        "number-infinite.safetensors": Safetensors(text='{"a":1e999}').build(),
        "number-nan.safetensors": Safetensors(text='{"a":NaN}').build(),
        "half-a-character.safetensors": Safetensors(text='{"a\\ud800":{}}').build(),
        "no-tensors.safetensors": Safetensors(rows={}, data_bytes=0).build(),
        "metadata-a-number.safetensors": SOUND.with_row("__metadata__", {"format": 1}).build(),
        "metadata-a-list.safetensors": SOUND.with_row("__metadata__", []).build(),
        "field-missing.safetensors": SOUND.with_row("norm.weight", {"dtype": "F32", "shape": [8]}).build(),
        "field-unknown.safetensors": SOUND.with_row("norm.weight", {**row(128, 160), "run": "x"}).build(),
        "type-unknown.safetensors": SOUND.with_row("norm.weight", row(128, 160, dtype="OBJECT")).build(),
        "type-a-number.safetensors": SOUND.with_row("norm.weight", {**row(128, 160), "dtype": 3}).build(),
        "shape-negative.safetensors": SOUND.with_row("norm.weight", row(128, 160, (-8,))).build(),
        "shape-true.safetensors": SOUND.with_row("norm.weight", {**row(128, 160), "shape": [True, 8]}).build(),
        "shape-overflows.safetensors": SOUND.with_row("norm.weight", row(128, 160, (2**32, 2**32))).build(),
        "shape-overflows-to-zero.safetensors": SOUND.with_row("norm.weight", row(128, 160, (2**63, 0))).build(),
        "shape-of-nine-extents.safetensors": SOUND.with_row("norm.weight", row(128, 160, (1,) * 8 + (8,))).build(),
        "shape-not-its-bytes.safetensors": SOUND.with_row("norm.weight", row(128, 160, (9,))).build(),
        "offsets-three.safetensors": SOUND.with_row(
            "norm.weight", {**row(128, 160), "data_offsets": [128, 160, 0]}
        ).build(),
        "offsets-backwards.safetensors": SOUND.with_row(
            "norm.weight", {**row(128, 160), "data_offsets": [160, 128]}
        ).build(),
        "offsets-fractions.safetensors": SOUND.with_row(
            "norm.weight", {**row(128, 160), "data_offsets": [128.0, 160]}
        ).build(),
        "tensors-overlap.safetensors": SOUND.with_row("norm.weight", row(96, 128)).build(),
        "tensors-leave-a-gap.safetensors": Safetensors(rows={"a": row(0, 16), "b": row(32, 48)}, data_bytes=48).build(),
        "first-tensor-not-at-zero.safetensors": Safetensors(rows={"a": row(16, 32)}, data_bytes=32).build(),
        "bytes-behind-the-last.safetensors": Safetensors(data_bytes=177).build(),
        "archive-behind-the-last.safetensors": SOUND.build() + _zip({"data.pkl": PICKLE_2}),
        "truncated-in-the-header.safetensors": SOUND.build()[:60],
        "truncated-in-the-last-tensor.safetensors": SOUND.build()[:-1],
        "name-of-a-tensor-too-long.safetensors": SOUND.with_row("n" * 513, row(176, 176)).build(),
    }


def _gguf() -> dict[str, bytes]:
    return {"archive-behind-the-last.gguf": Gguf().build() + _zip({"data.pkl": PICKLE_2})}


def _zip(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()[: 512 * (2 * len(members) + 1)]


def _npy(dtype: str) -> bytes:
    head = repr({"descr": dtype, "fortran_order": False, "shape": (1,)}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


if __name__ == "__main__":
    FILES.mkdir(exist_ok=True)
    for name, content in defects().items():
        (FILES / name).write_bytes(content)
