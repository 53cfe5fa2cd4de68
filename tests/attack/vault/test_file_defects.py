# SPDX-License-Identifier: Apache-2.0
"""Every file of files/ is refused by its bytes, for the defect that it is named for, whatever its name says."""

import pytest
from tests.attack.vault.fuzz import look
from tests.attack.vault.make_files import FILES, defects

REASONS = {
    "archive-7z.safetensors": "this is a 7z archive",
    "archive-behind-the-last.gguf": "149 bytes follow the last tensor; at most 32 fill it up",
    "archive-behind-the-last.safetensors": "has 149 bytes behind its last tensor, which belong to nothing",
    "archive-plain.safetensors": "this is a zip archive",
    "archive-rar.safetensors": "this is a RAR archive",
    "archive-without-its-end.safetensors": "this is a zip archive",
    "archive-zstandard.safetensors": "this is Zstandard",
    "bytes-behind-the-last.safetensors": "has 1 bytes behind its last tensor, which belong to nothing",
    "empty.safetensors": "this is an empty file",
    "field-missing.safetensors": "the tensor 'norm.weight' does not have exactly data_offsets, dtype, shape",
    "field-unknown.safetensors": "the tensor 'norm.weight' does not have exactly data_offsets, dtype, shape",
    "first-tensor-not-at-zero.safetensors": "the tensor 'a' leaves a gap before it: it lies at 16, not 0",
    "ggml.gguf": "this is GGML, the format before GGUF",
    "gguf-named-archive.zip": "this is GGUF under a name by which loaders take it for something else",
    "gguf-named.safetensors": "this is GGUF, and its name says that it is something else",
    "half-a-character.safetensors": "holds half a character, which is no text",
    "header-is-a-list.safetensors": "this is a form that Freehold does not know",
    "header-longer-than-the-file.safetensors": "truncated in its header, by 4560 bytes or more",
    "header-nested-33.safetensors": "is nested deeper than 32",
    "header-nested-deep.safetensors": "is nested deeper than 32",
    "header-not-utf8.safetensors": "is not UTF-8",
    "header-of-17-megabytes.safetensors": "the header announces 17825792 bytes; at most 16777216 are read",
    "header-of-2-to-the-60.safetensors": "the header announces 1152921504606846976 bytes; at most 16777216 are read",
    "header-shorter-than-its-json.safetensors": "line 1: this is not JSON",
    "joblib-bzip2.safetensors": "this is bzip2, as joblib and archives use it",
    "joblib-gzip.safetensors": "this is gzip, as joblib and archives use it",
    "joblib-lz4.safetensors": "this is LZ4, as joblib and archives use it",
    "joblib-own-compression.safetensors": "this is joblib's own compression, around a pickle",
    "joblib-xz.safetensors": "this is xz, as joblib and archives use it",
    "joblib-zlib.joblib": "this is zlib, as joblib uses it around a pickle",
    "keras-hdf5-behind-a-block.safetensors": "this is HDF5 behind other bytes, as Keras writes it",
    "keras-hdf5.h5": "this is HDF5, as Keras writes it: a Lambda layer in it is Python",
    "keras-zip.keras": "this is a Keras file: a Lambda layer in it is Python",
    "library.so": "this is a program or a shared library",
    "metadata-a-list.safetensors": "__metadata__ is not a table of at most 1000 texts",
    "metadata-a-number.safetensors": "__metadata__ is not a table of at most 1000 texts",
    "name-of-a-tensor-too-long.safetensors": "a tensor's name has 513 characters; at most 512 are read",
    "name-twice.safetensors": "the name 'a' is there twice",
    "nemo.safetensors": "this is a tar archive, as NeMo and old PyTorch use it around pickles",
    "no-tensors.safetensors": "the header has 0 tensors; a model has 1 to 100000",
    "number-infinite.safetensors": "holds a number that no reader keeps",
    "number-nan.safetensors": "holds NaN, which is not JSON",
    "number-of-5000-digits.safetensors": "holds a number that no reader keeps",
    "numpy-objects.npy": "this is a NumPy array, which may hold a pickle",
    "numpy-objects.npz": "this is NumPy arrays in a zip, which may hold pickles",
    "offsets-backwards.safetensors": "the tensor 'norm.weight' has no place: data_offsets is not a begin and an end",
    "offsets-fractions.safetensors": "the tensor 'norm.weight' has no place: data_offsets is not a begin and an end",
    "offsets-three.safetensors": "the tensor 'norm.weight' has no place: data_offsets is not a begin and an end",
    "onnx.onnx": "this is ONNX, which can name files beside it and operators of its own",
    "pickle-named-model.bin": "this is a pickle",
    "pickle-named.json": "this is a pickle",
    "pickle-protocol-0.safetensors": "this is a pickle",
    "pickle-protocol-1.safetensors": "this is a pickle",
    "pickle-protocol-2.safetensors": "this is a pickle",
    "pickle-protocol-4.safetensors": "this is a pickle",
    "pickle-protocol-5.gguf": "this is a pickle",
    "program-linux.safetensors": "this is a program or a shared library",
    "program-macos.safetensors": "this is a program or a library for macOS",
    "program-windows.gguf": "this is a program or a library for Windows",
    "python-compiled.pyc": "this is a form that Freehold does not know",
    "python.py": "no file of a model that Freehold takes in has such a name",
    "safetensors-named.gguf": "this is safetensors, and its name says that it is something else",
    "script.safetensors": "this is a script",
    "shape-negative.safetensors": "the tensor 'norm.weight' has no shape of at most 8 extents",
    "shape-not-its-bytes.safetensors": "the tensor 'norm.weight' lies in 32 bytes; its shape takes 36",
    "shape-of-nine-extents.safetensors": "the tensor 'norm.weight' has no shape of at most 8 extents",
    "shape-overflows-to-zero.safetensors": "the tensor 'norm.weight' has an impossible shape",
    "shape-overflows.safetensors": "the tensor 'norm.weight' has an impossible shape",
    "shape-true.safetensors": "the tensor 'norm.weight' has no shape of at most 8 extents",
    "tensorflow-lite.safetensors": "this is TensorFlow Lite, which no engine here runs",
    "tensorflow-saved-model.pb": "this is a TensorFlow SavedModel, whose graph can read and write files",
    "tensorflow-zip.safetensors": "this is a TensorFlow SavedModel, whose graph can read and write files",
    "tensors-leave-a-gap.safetensors": "the tensor 'b' leaves a gap before it: it lies at 32, not 16",
    "tensors-overlap.safetensors": "the tensor 'norm.weight' overlaps the one before it: it lies at 96, not 128",
    "text.safetensors": "this is text",
    "torch-legacy.pt": "this is an old PyTorch file: pickles behind each other",
    "torch-tar.pth": "this is a tar archive, as NeMo and old PyTorch use it around pickles",
    "torch-zip.safetensors": "this is a PyTorch file: a zip around a pickle",
    "torchscript.pt": "this is TorchScript: a zip with code",
    "torchserve.mar": "this is a TorchServe archive: a zip with Python",
    "truncated-in-the-header.safetensors": "truncated in its header, by 212 bytes or more",
    "truncated-in-the-last-tensor.safetensors": "truncated: 1 bytes are missing (175 are there)",
    "type-a-number.safetensors": "the tensor 'norm.weight' has the unknown type '3'",
    "type-unknown.safetensors": "the tensor 'norm.weight' has the unknown type 'OBJECT'",
    "unknown.safetensors": "this is a form that Freehold does not know",
    "webassembly.safetensors": "this is WebAssembly",
    "weights-named-pytorch_model.bin": "this is safetensors under a name by which loaders take it for something else",
}


def test_every_defect_has_its_file_and_its_reason() -> None:
    assert {path.name for path in FILES.iterdir()} == set(REASONS) == set(defects())


@pytest.mark.parametrize("name", sorted(REASONS))
def test_a_file_is_refused_for_its_defect(name: str) -> None:
    refused = look(name, (FILES / name).read_bytes()).refused
    assert [finding.message for finding in refused if REASONS[name] in finding.message]
    assert {finding.place for finding in refused} == {name}


@pytest.mark.parametrize("name", [name for name in sorted(REASONS) if name.startswith("pickle")])
def test_a_pickle_is_refused_under_any_name(name: str) -> None:
    content = (FILES / name).read_bytes()
    for other in ("model.gguf", "model.safetensors", "config.json", "LICENSE", "chat_template.jinja", "model"):
        assert "a pickle" in look(other, content).refused[0].message
