# SPDX-License-Identifier: Apache-2.0
"""A program that is vLLM in all but the model: its options, its routes, its answers, as its documentation has them.

Put as ``bin/vllm`` into a folder that looks like a virtual environment (``vllm_builder.py``). Standard library only,
and nothing of Freehold's. It works as two processes that speak over the loopback and over a unix socket, as the real
one does, so that a jail in which it works leaves what the real one needs. It says the words of a fixed sentence, and
breaks where the last message asks for that.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

WORDS = ("One", " house", " of", " one's", " own", " is", " enough", ".")
THOUGHT = "They want a sentence."
ROUTES = {
    "/v1/chat/completions": "POST",
    "/v1/completions": "POST",
    "/v1/messages": "POST",
    "/v1/messages/count_tokens": "POST",
    "/tokenize": "POST",
    "/invocations": "POST",
    "/health": "GET",
    "/version": "GET",
    "/metrics": "GET",
    "/v1/models": "GET",
}
OF_DEVELOPERS = {"/sleep": "POST", "/wake_up": "POST", "/collective_rpc": "POST", "/server_info": "GET"}
Json = dict[str, Any]


class Refused(Exception):
    """An answer in the shape of vLLM's errors."""

    def __init__(self, status: int, kind: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.detail = {"message": message, "type": kind, "param": param, "code": status}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm")
    serve = parser.add_subparsers(required=True).add_parser("serve")
    serve.add_argument("model")
    serve.add_argument("--served-model-name", required=True)
    serve.add_argument("--uds", required=True)
    serve.add_argument("--max-model-len", default="auto")
    serve.add_argument("--max-num-seqs", type=int, default=256)
    serve.add_argument("--tensor-parallel-size", type=int, default=1)
    serve.add_argument("--chat-template")
    serve.add_argument("--tool-call-parser", choices=("hermes", "mistral", "llama3_json"))
    serve.add_argument("--enable-auto-tool-choice", action="store_true")
    serve.add_argument("--reasoning-parser", choices=("deepseek_r1", "qwen3"))
    serve.add_argument("--uvicorn-log-level", default="info")
    serve.add_argument("--disable-uvicorn-access-log", action="store_true")
    serve.add_argument("--disable-fastapi-docs", action="store_true")
    serve.add_argument("--enforce-eager", action="store_true")
    return parser.parse_args()


def load(folder: Path) -> int:
    """Read the model as a loader would, from a process of its own; how much its context holds."""
    config = json.loads((folder / "config.json").read_text())
    tensors = 0
    for file in sorted(folder.glob("*.safetensors")):
        content = file.read_bytes()
        (size,) = struct.unpack_from("<Q", content)
        tensors += len(json.loads(content[8 : 8 + size]))
    if not tensors or not (folder / "tokenizer.json").exists():
        sys.exit("RuntimeError: this is no model")
    return int(config["max_position_embeddings"])


class EngineCore:
    """The other process: told over the loopback what to count, it answers over a unix socket."""

    def __init__(self, model: Path) -> None:
        self._meeting = Path(os.environ["VLLM_RPC_BASE_PATH"], f"{os.getpid()}.sock")
        with socket.socket(socket.AF_UNIX) as here, socket.create_server(("127.0.0.1", 0)) as there:
            here.bind(str(self._meeting))
            here.listen()
            self.pid = os.fork()
            if not self.pid:
                self._work(model, there)
            self._line = socket.create_connection(there.getsockname())
            answers, _ = here.accept()
        self._answers = answers
        self.trained_tokens = int(self.ask(b"load"))

    def ask(self, what: bytes) -> str:
        self._line.sendall(what + b"\n")
        answer = self._answers.recv(64).decode()
        if not answer:
            raise EOFError
        return answer

    def is_alive(self) -> bool:
        if self.pid and os.waitpid(self.pid, os.WNOHANG) != (0, 0):
            self.pid = 0
        return self.pid != 0

    def _work(self, model: Path, there: socket.socket) -> None:
        try:
            line, _ = there.accept()
            with socket.socket(socket.AF_UNIX) as answers:
                answers.connect(str(self._meeting))
                for asked in line.makefile():
                    answers.sendall(str(load(model) if asked == "load\n" else len(asked.split())).encode())
        finally:
            os._exit(1)


class Server:
    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._core = EngineCore(Path(given.model))
        asked = given.max_model_len
        self._context = self._core.trained_tokens if asked == "auto" else int(asked)
        if self._context > self._core.trained_tokens:
            sys.exit("ValueError: User-specified max_model_len is greater than the derived max_model_len")
        if given.chat_template and not Path(given.chat_template).read_text():
            sys.exit("ValueError: the chat template cannot be read")
        development = os.environ.get("VLLM_SERVER_DEV_MODE", "0") == "1"
        self._routes = ROUTES | (OF_DEVELOPERS if development else {})

    async def listen(self) -> None:
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        async with await asyncio.start_unix_server(self._serve, self._given.uds):
            await told.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, path, _ = lines[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                await self._answer(writer, method, path, body)
                if fields.get("connection") == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, method: str, path: str, body: bytes) -> None:
        if self._routes.get(path) != method:
            _send(writer, 404, {"detail": "Not Found"})
        elif method == "GET":
            self._tell(writer, path)
        else:
            await self._obey(writer, path, body)

    async def _obey(self, writer: asyncio.StreamWriter, path: str, body: bytes) -> None:
        try:
            asked = _read(body)
            answer = self._made(path, asked)
            if isinstance(answer, dict):
                _send(writer, 200, answer)
            else:
                await self._stream(writer, answer, str(asked))
        except Refused as refused:
            if path.startswith("/v1/messages"):
                detail = {name: refused.detail[name] for name in ("type", "message")}
                _send(writer, refused.status, {"type": "error", "error": detail})
            else:
                _send(writer, refused.status, {"error": refused.detail})
        except EOFError:
            _send(writer, 500, {"error": {"message": "EngineCore died", "type": "InternalServerError", "code": 500}})

    def _tell(self, writer: asyncio.StreamWriter, path: str) -> None:
        if path == "/health":
            _send(writer, 200 if self._core.is_alive() else 503, None)
        elif path == "/v1/models":
            card = {"id": self._given.served_model_name, "object": "model", "max_model_len": self._context}
            _send(writer, 200, {"object": "list", "data": [card]})
        else:
            _send(writer, 200, {"version": "0.33.0"})

    def _made(self, path: str, asked: Json) -> Json | list[bytes]:
        if asked.get("model") not in (None, self._given.served_model_name):
            raise Refused(404, "NotFoundError", f"The model `{asked['model']}` does not exist.", "model")
        if path.startswith("/v1/messages") and "model" not in asked:
            raise Refused(400, "Bad Request", "1 validation error: Field required", "model")
        if (asked.get("n") or 1) > 1 and asked.get("temperature") == 0:
            raise Refused(400, "BadRequestError", "n must be 1 when using greedy sampling, got 2.", "n")
        asked["model"] = self._given.served_model_name
        count = self._count(asked)
        if path == "/tokenize":
            return {"count": count, "max_model_len": self._context, "tokens": [0] * count, "token_strs": None}
        if count > self._context:
            most = f"at least {self._context + 1}"
            why = f"This model's maximum context length is {self._context} tokens. However, your prompt contains {most}"
            raise Refused(400, "BadRequestError", why, "input_tokens")
        if path.endswith("count_tokens"):
            return {"input_tokens": count, "context_management": {"original_input_tokens": count}}
        if asked.get("max_tokens") and asked["max_tokens"] > self._context:
            why = f"max_tokens={asked['max_tokens']} cannot be greater than max_model_len={self._context}."
            raise Refused(400, "BadRequestError", why, "max_tokens")
        if path == "/v1/messages":
            return _message(asked, count)
        if _last(asked) == "Die!":
            os.kill(self._core.pid, 9)
            self._core.ask(b"count")
        return (self._completion if path == "/v1/completions" else self._chat)(asked, count)

    def _count(self, asked: Json) -> int:
        prompt = asked.get("prompt")
        if isinstance(prompt, list):
            return len(prompt)
        return int(self._core.ask(json.dumps([prompt, asked.get("messages")]).encode()))

    def _chat(self, asked: Json, count: int) -> Json | list[bytes]:
        continues = asked.get("continue_final_message", False)
        if continues and asked.get("add_generation_prompt", True):
            raise Refused(400, "BadRequestError", "Cannot set both", "continue_final_message")
        for field in ("reasoning_content", "repeat_penalty", "grammar"):
            assert field not in asked, f"vLLM has no {field}"
        begun = asked["messages"][-1]["content"] if continues else ""
        words, calls = self._said(asked, begun)
        limit = min(asked.get("max_tokens") or 10_000, self._context - count)
        finish = "length" if limit < len(words) else "tool_calls" if calls else "stop"
        words = words[:limit]
        thought = THOUGHT if self._given.reasoning_parser else None
        number, counted = asked.get("n") or 1, {"prompt_tokens": count, "completion_tokens": 0}
        counted["completion_tokens"] = len(words) * number
        usage = counted | {"total_tokens": sum(counted.values())}
        if asked.get("stream"):
            return _chunks(asked, words, calls, finish, thought, usage)
        message: Json = {"role": "assistant", "content": "".join(words) or None, "refusal": None, "annotations": None}
        message |= {"audio": None, "function_call": None, "reasoning": thought}
        if calls:
            message["tool_calls"] = calls
        choice: Json = {"message": message, "logprobs": _logprobs(asked, words), "finish_reason": finish}
        choice |= {"stop_reason": None, "token_ids": None, "routed_experts": None}
        return {
            **_about(asked, "chat.completion"),
            "choices": [{"index": index, **choice} for index in range(number)],
            "service_tier": None,
            "system_fingerprint": None,
            "usage": usage | {"prompt_tokens_details": None, "completion_tokens_details": None},
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "kv_transfer_params": None,
        }

    def _said(self, asked: Json, begun: str) -> tuple[tuple[str, ...], list[Json]]:
        wanted = asked.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return (json.dumps(_instance(wanted["json_schema"]["schema"], wanted["json_schema"]["schema"])),), []
        if asked.get("tools") and asked.get("tool_choice", "auto") == "auto":
            if not self._given.enable_auto_tool_choice:
                why = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
                raise Refused(400, "BadRequestError", why)
            function = asked["tools"][0]["function"]
            arguments = json.dumps(_instance(function.get("parameters") or {}, {}))
            called = {"name": function["name"], "arguments": arguments}
            return (), [{"id": "chatcmpl-tool-1", "type": "function", "function": called}]
        whole = "".join(WORDS)
        if not begun or not whole.startswith(begun):
            return WORDS, []
        rest = whole[len(begun) :]
        return tuple(f" {word}" if number or rest[0] == " " else word for number, word in enumerate(rest.split())), []

    def _completion(self, asked: Json, count: int) -> Json | list[bytes]:
        limit = asked.get("max_tokens") or 16
        words, finish = WORDS[:limit], "length" if limit < len(WORDS) else "stop"
        usage = {"prompt_tokens": count, "completion_tokens": len(words), "total_tokens": count + len(words)}
        about = _about(asked, "text_completion")
        if not asked.get("stream"):
            choice = {"index": 0, "text": "".join(words), "logprobs": _legacy(asked, words), "finish_reason": finish}
            extras = {"stop_reason": None, "token_ids": None, "prompt_logprobs": None}
            more = {"service_tier": None, "system_fingerprint": None, "kv_transfer_params": None}
            return {**about, "choices": [choice | extras], "usage": usage | {"prompt_tokens_details": None}, **more}
        events = []
        for number, word in enumerate(words, start=1):
            choice = {"index": 0, "text": word, "logprobs": _legacy(asked, (word,)), "stop_reason": None}
            choice["finish_reason"] = finish if number == len(words) else None
            events.append(_data({**about, "choices": [choice | {"token_ids": None}]}))
        return [*events, *_usage(asked, about, usage), b"data: [DONE]\n\n"]

    async def _stream(self, writer: asyncio.StreamWriter, events: list[bytes], asked: str) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for number, event in enumerate(events):
            if number == 2 and "Fail!" in asked:
                failure = {"message": "a secret", "type": "InternalServerError", "code": 500}
                writer.write(_chunk(_data({"error": failure})))
                break
            if number == 2 and "Break!" in asked:
                writer.transport.abort()
                return
            writer.write(_chunk(event))
            await writer.drain()
        writer.write(_chunk(b""))


def _read(body: bytes) -> Json:
    try:
        asked: Json = json.loads(body)
    except ValueError as exc:
        raise Refused(400, "Bad Request", "1 validation error: JSON decode error", "body.1") from exc
    return asked


def _last(asked: Json) -> str:
    messages = asked.get("messages") or [{}]
    return str(messages[-1].get("content"))


def _about(asked: Json, kind: str) -> Json:
    return {"id": "chatcmpl-stand-in", "object": kind, "created": 1_800_000_000, "model": asked["model"]}


def _chunks(  # noqa: PLR0917 - what an answer is made of
    asked: Json, words: tuple[str, ...], calls: list[Json], finish: str, thought: str | None, usage: Json
) -> list[bytes]:
    about, bare = _about(asked, "chat.completion.chunk"), dict.fromkeys(("logprobs", "finish_reason"))
    events: list[Json] = []
    for index in range(asked.get("n") or 1):
        deltas: list[Json] = [{"role": "assistant", "content": ""}]
        deltas += [{"reasoning": thought}] if thought else []
        deltas += [{"content": word} for word in words]
        deltas += [{"tool_calls": [{"index": 0, **call}]} for call in calls]
        choices: list[Json] = [{"index": index, "delta": delta, **bare} for delta in deltas]
        for choice, word in zip(choices[-len(words) :] if words else [], words, strict=True):
            choice["logprobs"] = _logprobs(asked, (word,))
        choices[-1] |= {"finish_reason": finish, "stop_reason": None}
        events += [{**about, "choices": [choice]} for choice in choices]
    return [*map(_data, events), *_usage(asked, about, usage), b"data: [DONE]\n\n"]


def _usage(asked: Json, about: Json, usage: Json) -> list[bytes]:
    wanted = (asked.get("stream_options") or {}).get("include_usage")
    return [_data({**about, "choices": [], "usage": usage})] if wanted else []


def _logprobs(asked: Json, words: tuple[str, ...]) -> Json | None:
    if not asked.get("logprobs"):
        return None
    top = [{"token": "x", "logprob": -1.0, "bytes": [120]}] * (asked.get("top_logprobs") or 0)
    return {"content": [{"token": word, "logprob": -0.5, "bytes": None, "top_logprobs": top} for word in words]}


def _legacy(asked: Json, words: tuple[str, ...]) -> Json | None:
    if not asked.get("logprobs"):
        return None
    tops, offsets = [{word: -0.5} for word in words], [0] * len(words)
    return {"text_offset": offsets, "token_logprobs": [-0.5] * len(words), "tokens": list(words), "top_logprobs": tops}


def _instance(schema: Json, whole: Json) -> Any:
    """The first thing that follows the schema."""
    if "$ref" in schema:
        return _instance(whole["$defs"][schema["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0], whole)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if schema.get("type") in (None, "object"):
        return {name: _instance(inner, whole) for name, inner in (schema.get("properties") or {}).items()}
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": []}.get(str(schema["type"]))


def _message(asked: Json, count: int) -> Json:
    text, usage = "".join(WORDS[: asked["max_tokens"]]), {"input_tokens": count, "output_tokens": asked["max_tokens"]}
    content = [{"type": "text", "text": text}]
    about: Json = {"id": "chatcmpl-stand-in", "type": "message", "role": "assistant", "model": asked["model"]}
    return {**about, "content": content, "stop_reason": "max_tokens", "usage": usage}


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _data(value: Json) -> bytes:
    return b"data: " + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _send(writer: asyncio.StreamWriter, status: int, body: Json | None) -> None:
    content = b"" if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)


if __name__ == "__main__":
    tempfile.gettempdir()  # the real one writes there
    asyncio.run(Server(options()).listen())
