# SPDX-License-Identifier: Apache-2.0
"""Writes the JSON of documents/ and the texts of licences/, each with the one defect that it is named for.

Run from the repository's root, and only to add a file: ``python -m tests.attack.vault.make_models``. The licences are
made up, and say in our words what such licences say.
"""

from pathlib import Path

DOCUMENTS = Path(__file__).parent / "documents"
LICENCES = Path(__file__).parent / "licences"
_ROOT = Path(__file__).parents[3]


def documents() -> dict[str, tuple[str, bytes]]:
    """The name that a document has in a model, and its bytes, by its defect."""
    return {
        "auto-map": ("config.json", b'{"auto_map": {"AutoModel": "modeling_x.XModel"}}'),
        "auto-map-deep": ("config.json", b'{"text_config": {"auto_map": {"AutoModel": "modeling_x.XModel"}}}'),
        "auto-map-of-the-tokenizer": ("tokenizer_config.json", b'{"auto_map": {"AutoTokenizer": ["x.X", null]}}'),
        "trust-remote-code": ("config.json", b'{"trust_remote_code": true}'),
        "custom-generate": ("generation_config.json", b'{"custom_generate": "generate.py"}'),
        "custom-pipelines": ("config.json", b'{"custom_pipelines": {"x": {"impl": "x.X"}}}'),
        "target-of-hydra": ("preprocessor_config.json", b'{"_target_": "os.system"}'),
        "module-of-its-own": (
            "modules.json",
            b'[{"idx": 0, "name": "0", "path": "", "type": "custom_st.Transformer"}]',
        ),
        "module-not-a-name": ("modules.json", b'[{"idx": 0, "name": "0", "path": "", "type": ["os.system"]}]'),
        "name-twice": ("config.json", b'{"auto_map": null, "auto_map": {"AutoModel": "x.X"}}'),
        "not-json": ("config.json", b"{'auto_map': 1}"),
        "not-utf8": ("tokenizer.json", b'{"a": "\xff"}'),
        "half-a-character": ("tokenizer_config.json", b'{"chat_template": "\\ud800"}'),
        "nested-deep": ("tokenizer.json", b"[" * 3000 + b"]" * 3000),
        "not-a-number": ("generation_config.json", b'{"temperature": NaN}'),
        "number-without-end": ("generation_config.json", b'{"temperature": ' + b"1" * 5000 + b"}"),
        "index-without-a-map": ("model.safetensors.index.json", b'{"metadata": {}}'),
        "index-of-a-file-elsewhere": ("model.safetensors.index.json", b'{"weight_map": {"a": "../other.safetensors"}}'),
        "index-of-a-file-that-is-no-text": ("model.safetensors.index.json", b'{"weight_map": {"a": {"b": 1}}}'),
    }


def licences() -> dict[str, str]:
    """A licence's text, by its defect."""
    apache = (_ROOT / "LICENSE").read_text()
    mit = (LICENCES / "mit.txt").read_text() if (LICENCES / "mit.txt").exists() else ""
    return {
        "mit": mit,
        "apache-with-a-clause-more": apache + "\n   10. You must not compete with the Licensor.\n",
        "apache-with-a-word-less": apache.replace("royalty-free, irrevocable", "royalty-free", 1),
        "apache-with-a-clause-for-an-owner": apache.replace(
            "Copyright [yyyy] [name of copyright owner]", "Copyright 2026 X. You may only use this at home."
        ),
        "mit-with-a-condition-more": mit + "\nThe Software shall not be used by the competitors of its authors.\n",
        "mit-without-its-condition": mit.replace("the following conditions:", "no conditions:"),
        "remote": "HOUSE LICENCE\nThe Licensor may at any time disable the Model remotely.\n",
        "remote-otherwise-said": "HOUSE LICENCE\nWe reserve the right to restrict (remotely or otherwise) any usage.\n",
        "region": "HOUSE LICENCE\nThis Agreement does not apply in the European Union and in Korea.\n",
        "region-by-seat": "HOUSE LICENCE\nNo rights are granted to you if you are a company with a principal place of "
        "business in the European Union.\n",
        "users": "HOUSE LICENCE\nWith more than 5 million monthly active users You must ask us first.\n",
        "revenue": "HOUSE LICENCE\nIf Your annual revenue is above USD 10,000,000 You must ask us first.\n",
        "no-commerce": "HOUSE LICENCE\nThe Model is for non-commercial purposes only.\n",
        "newest-version": "HOUSE LICENCE\nYou shall make reasonable efforts to use the latest version of the Model.\n",
        "nothing-known": "HOUSE LICENCE\nBe kind to each other.\n",
        "page-of-a-site": "<!DOCTYPE html><html><script>if (a < b) { remotely }</script><body>HOUSE LICENCE: we may "
        "<b>suspend</b> it <i>remotely</i>.</body></html>",
    }


if __name__ == "__main__":
    DOCUMENTS.mkdir(exist_ok=True)
    for defect, (_, content) in documents().items():
        (DOCUMENTS / f"{defect}.json").write_bytes(content)
    for defect, text in licences().items():
        (LICENCES / f"{defect}.txt").write_text(text)
