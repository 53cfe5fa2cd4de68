# SPDX-License-Identifier: Apache-2.0
"""The names of span attributes, by OpenTelemetry's semantic conventions for generative AI; the one place that has them.

The conventions are in development, so their version is pinned, and sent along. Of their attributes that hold content,
such as ``gen_ai.input.messages``, there is none here.
"""

from collections.abc import Mapping
from typing import Final

from freehold.contract.call import Operation

VERSION: Final = "1.41.0"
SCHEMA_URL: Final = f"https://opentelemetry.io/schemas/{VERSION}"

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_INSTANCE: Final = "service.instance.id"

# Ours.
SERVICE: Final = "freehold.service"
TARGET: Final = "freehold.target"
CALL: Final = "freehold.call.id"
DECISION: Final = "freehold.decision.id"
RECEIPT: Final = "freehold.receipt"
ENDING: Final = "freehold.ending"
DATA_CLASS: Final = "freehold.data_class"
SEAMS: Final = "freehold.seams"
FIRST_S: Final = "freehold.time_to_first_token_s"

OPERATIONS: Final[Mapping[Operation, str]] = {
    Operation.CHAT: "chat",
    Operation.COMPLETION: "text_completion",
    Operation.FIM: "text_completion",
    Operation.COUNT_TOKENS: "count_tokens",  # of ours: the conventions have no name for it
    Operation.EMBED: "embeddings",
}
OWN_ENGINE: Final = "freehold"  # of ours, too: nobody else's API was asked

# Ours for a provider, and theirs where it is another one.
_PROVIDERS: Final[Mapping[str, str]] = {
    "mistral": "mistral_ai",
    "azure-openai": "azure.ai.openai",
    "aws-bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "xai": "x_ai",
}


def provider_name(operator: str) -> str:
    """How the conventions call the operator of a target."""
    return OWN_ENGINE if operator == "self" else _PROVIDERS.get(operator, operator)
