# SPDX-License-Identifier: Apache-2.0
"""The vendors' own SDKs, told where the estate is and nothing else. Retries are off, so that each call is one call."""

from anthropic import Anthropic, AsyncAnthropic
from mistralai.client import Mistral
from openai import AsyncOpenAI, OpenAI
from tests.system.estates import Estate


def openai(estate: Estate, key: str = "") -> OpenAI:
    return OpenAI(base_url=f"{estate.base_url}/v1", api_key=key or estate.key, max_retries=0)


def async_openai(estate: Estate) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{estate.base_url}/v1", api_key=estate.key, max_retries=0)


def anthropic(estate: Estate, key: str = "") -> Anthropic:
    return Anthropic(base_url=estate.base_url, api_key=key or estate.key, max_retries=0)


def async_anthropic(estate: Estate) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=estate.base_url, api_key=estate.key, max_retries=0)


def mistral(estate: Estate, key: str = "") -> Mistral:
    return Mistral(server_url=estate.base_url, api_key=key or estate.key)
