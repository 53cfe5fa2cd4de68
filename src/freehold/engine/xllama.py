# SPDX-License-Identifier: Apache-2.0
"""The model run in this process, by the xllamacpp package: llama.cpp's own HTTP server on threads of its own.

Only ``worker.py`` imports this, inside the jail: importing it runs native code.
"""

import threading
from typing import Final

import xllamacpp

from freehold.engine.order import Order

BUILD: Final = f"xllamacpp {xllamacpp.__version__}"
_WARNINGS_AND_ERRORS: Final = 2  # one more writes a line for every call, and two more what was said in it


class NotLoaded(Exception):
    """The engine would not start. It has written the reason on standard error."""


def serve(order: Order) -> None:
    """Load the model and answer on the socket until the process ends. Raises NotLoaded."""
    try:
        _server = xllamacpp.Server(_parameters(order))
    except RuntimeError as exc:
        raise NotLoaded from exc
    threading.Event().wait()


def _parameters(order: Order) -> xllamacpp.CommonParams:
    plan = order.plan
    parameters = xllamacpp.CommonParams()
    parameters.model.path = f"/proc/self/fd/{order.weights_fd}"
    parameters.model_alias = {order.model}
    parameters.hostnames = [order.socket]
    parameters.n_ctx = plan.context_tokens * plan.slots
    parameters.n_parallel = plan.slots
    parameters.cpuparams.n_threads = plan.threads
    parameters.cpuparams_batch.n_threads = plan.prompt_threads
    parameters.n_threads_http = order.http_threads
    parameters.cache_ram_mib = plan.prompt_cache_mib
    parameters.fit_params = False  # the plan fits already
    if order.embeds:  # a text is read at one go, or not at all
        parameters.embedding = True
        parameters.n_batch = parameters.n_ubatch = plan.context_tokens * plan.slots
    parameters.chat_template = order.chat_template
    parameters.use_jinja = True
    parameters.offline = True
    parameters.cors_origins = ""  # no web page has any business here
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.sse_ping_interval = -1  # the gateway keeps its callers company; a ping would hide an error's status
    parameters.verbosity = _WARNINGS_AND_ERRORS
    return parameters
