# SPDX-License-Identifier: Apache-2.0
"""LiteLLM's proxy: one worker, its own key checked, no database, no telemetry."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.installing import python_environment
from bench.peers.interface import Side, Sides
from bench.peers.processes import free_port, own_folder, running

_KEY = "sk-9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a"  # of these processes alone
_CONFIGURATION = """\
model_list:
  - model_name: m
    litellm_params: {{model: openai/m, api_base: "http://127.0.0.1:{upstream}/v1", api_key: x}}
  - model_name: translated
    litellm_params: {{model: anthropic/m, api_base: "http://127.0.0.1:{upstream}", api_key: x}}
general_settings: {{master_key: {key}}}
litellm_settings: {{telemetry: false}}
"""
_ENVIRONMENT = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "DO_NOT_TRACK": "1"}


class LiteLlm:
    """As its documentation starts it."""

    name = "litellm"
    version = "1.109.1"

    def install(self) -> None:
        self._bin = python_environment(self.name)

    @contextmanager
    def running(self, upstream_port: int) -> Iterator[Sides]:
        port = free_port()
        with own_folder(self.name) as folder:
            configuration = folder / "config.yaml"
            configuration.write_text(_CONFIGURATION.format(upstream=upstream_port, key=_KEY))
            given = ("--config", configuration, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1")
            with running([self._bin / "litellm", *given], port=port, folder=folder, env=_ENVIRONMENT) as pid:
                headers, pids = {"Authorization": f"Bearer {_KEY}"}, {self.name: pid}
                yield Sides(
                    matching=Side(name=self.name, port=port, headers=headers, pids=pids),
                    translated=Side(name=self.name, port=port, headers=headers, pids=pids, model="translated"),
                )
