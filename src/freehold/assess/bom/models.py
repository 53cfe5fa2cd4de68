# SPDX-License-Identifier: Apache-2.0
"""A model of the vault as a component: its files, card, licence, and what it was made of. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from freehold.assess.bom.document import Part, hashes, present, properties
from freehold.assess.bom.licensed import licences_of
from freehold.vault import Manifest

_ENCODERS: Final = frozenset({"bert", "nomic-bert", "jina-bert-v2", "modern-bert"})  # they make vectors of texts


def model_component(manifest: Manifest, known: Mapping[str, Manifest]) -> Part:
    """``known`` are the vault's models by digest: an ancestor that is one of them has its name, another its digest."""
    return present(
        **{"bom-ref": reference_of(manifest.digest), "type": "machine-learning-model"},
        name=manifest.name,
        version=manifest.revision or manifest.digest,
        description=manifest.title,
        hashes=hashes(manifest.digest) if len(manifest.files) == 1 else [],
        licenses=licences_of(manifest.licence, text_digest=manifest.licence_digest),
        modelCard=_card(manifest),
        pedigree=_pedigree(manifest, known),
        components=[_file(manifest, number) for number in range(len(manifest.files))],
        externalReferences=_origin(manifest),
        properties=properties(
            {
                "model:digest": manifest.digest,
                "model:format": manifest.format,
                "model:parameters": manifest.parameters,
                "model:quantisation": manifest.quantisation,
                "model:context_train_tokens": manifest.context_train_tokens,
                "model:chat_template_digest": manifest.chat_template_digest,
                "model:tokenizer": manifest.tokenizer,
                "model:tokenizer_digest": manifest.tokenizer_digest,
                "model:origin": manifest.origin,
                "model:repository": manifest.repository,
                "model:source_digest": manifest.source_digest,
                "model:imported_at": manifest.imported_at,
                "model:made_by": manifest.lineage.done,
            }
        ),
    )


def reference_of(digest: str) -> str:
    return f"model:{digest}"


def _card(manifest: Manifest) -> dict[str, Any]:
    makes = "vector" if manifest.architecture in _ENCODERS else "text"
    return {
        "modelParameters": {
            "architectureFamily": manifest.architecture,
            "modelArchitecture": f"{manifest.architecture}, {manifest.parameters} parameters, {manifest.quantisation}",
            "inputs": [{"format": "text"}],
            "outputs": [{"format": makes}],
        }
    }


def _pedigree(manifest: Manifest, known: Mapping[str, Manifest]) -> dict[str, Any]:
    ancestors = [
        present(
            type="machine-learning-model",
            name=known[parent].name if parent in known else parent,
            version=parent,
            hashes=hashes(parent),
        )
        for parent in manifest.lineage.parents
    ]
    return present(ancestors=ancestors, notes=manifest.lineage.done)


def _file(manifest: Manifest, number: int) -> Part:
    file = manifest.files[number]
    return {
        "bom-ref": f"{reference_of(manifest.digest)}/{number}",
        "type": "file",
        "name": file.path,
        "hashes": hashes(file.digest),
        "properties": properties({"file:size_bytes": file.size_bytes}),
    }


def _origin(manifest: Manifest) -> list[dict[str, Any]]:
    """Where it can be had again, where that is an address."""
    if not manifest.origin.startswith("https://"):
        return []
    return [{"type": "distribution", "url": manifest.origin, "hashes": hashes(manifest.source_digest)}]
