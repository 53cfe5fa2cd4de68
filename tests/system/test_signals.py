# SPDX-License-Identifier: Apache-2.0
"""What monitoring sees of a real estate: metrics, health, traces and logs. Content of calls is in none of them."""

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_metrics
from tests.simulator.faults import Fault, FaultKind, Play
from tests.simulator.server import Simulator
from tests.system import clients, foreign, processes
from tests.system.collector import Collector, attributes, collecting
from tests.system.estates import Estate
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, ask, chat, post

CANARY = "kanarienvogel-4711"  # in prompts, answers and names that somebody makes up; nowhere else
ORDER = ("service", "target", "ending", "kind", "rule", "code", "direction", "part", "state", "le")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def house(
    running_simulator: Simulator, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Estate]:
    """Two providers, one of which may know of traces; JSON logs, a line for each call; all traced."""
    own = Estate(tmp_path_factory.mktemp("signals") / "estate")
    try:
        told = foreign.Provider(
            name="openai", path="/openai/v1", dialect="openai", settings=("give_traceparent = true",)
        )
        heir = replace(foreign.COMPATIBLE, settings=('prefill = "text"',))  # it can go on with what another one began
        foreign.found(own, running_simulator, told, heir)
        foreign.serve(own, "support", "openai", "compatible", settings=[f'aliases = ["{CANARY[:5]}*"]'])
        foreign.serve(own, "quiet", "compatible")
        own.set("signals", f'traces = "http://127.0.0.1:{collector.port}"\ntake_traceparent = true')
        own.set("log", 'format = "json"\ncalls = true')
        with (own.files / "freehold.toml").open("a", encoding="utf-8") as settings:
            settings.write(f"""
[grant.traces]
for = "telemetry"
hosts = ["127.0.0.1:{collector.port}"]
allow_private = true
""")
        own.up()
        yield own
    finally:
        own.destroy()


def say(house: Estate, text: str = CANARY, **fields: Any) -> None:
    body = {"model": "support", "max_tokens": 20, "messages": [{"role": "user", "content": text}], **fields}
    assert post(house, CHAT, body).status == 200


def admin(house: Estate, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = HTTPConnection("127.0.0.1", house.admin_port, timeout=LONG_S)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
    finally:
        connection.close()


def metrics(house: Estate) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, in the order of the catalogue."""
    status, _, text = admin(house, "/metrics")
    assert status == 200, text
    return {
        (sample.name, *(sample.labels[name] for name in ORDER if name in sample.labels)): sample.value
        for family in plain_metrics(text)
        for sample in family.samples
    }


def test_calls_are_counted_by_service_target_and_ending(house: Estate, simulator: Simulator) -> None:
    answered = ("freehold_calls_total", "support", "openai", "complete")
    before = metrics(house)
    assert before[answered] == 0, "what appears at 1 has no increase"
    say(house)
    say(house, stream=True)
    simulator.play(Play(fault=Fault(kind=FaultKind.STATUS, status=500), times=1, only="/openai/"))
    say(house)
    simulator.play(Play(fault=Fault(kind=FaultKind.RESET, after=3), times=1, only="/openai/"))
    say(house, stream=True)
    assert post(house, CHAT, chat(model="nobody")).status == 404
    assert post(house, CHAT, chat(), key="fh_wrong").status == 401
    wait_for(lambda: metrics(house).get(answered) == 2, "the gateway has told of them")
    found = metrics(house)
    assert found["freehold_calls_total", "support", "compatible", "complete"] == 1
    assert found["freehold_calls_total", "support", "compatible", "continued"] == 1
    assert found["freehold_failovers_total", "support", "openai"] == 1
    assert found["freehold_seams_total", "support", "openai", "continued"] == 1
    assert found["freehold_target_faults_total", "openai", "provider_unavailable"] >= 1
    assert found["freehold_time_to_first_token_seconds_count", "support", "openai"] == 1
    assert found["freehold_inter_token_seconds_count", "support", "openai"] >= 3
    assert found["freehold_call_duration_seconds_count", "support", "openai"] == 2
    assert found["freehold_tokens_total", "support", "openai", "output"] > 0
    assert found["freehold_problems_total", "model_not_found"] == 1
    assert found["freehold_problems_total", "invalid_api_key"] == 1
    assert found["freehold_target_state", "openai", "active"] == 1
    assert found["freehold_ready",] == 1
    assert found["freehold_part_up", "ledger"] == 1
    assert found["freehold_ledger_entries",] >= 8


def test_the_text_is_what_both_formats_say(house: Estate) -> None:
    status, headers, text = admin(
        house, "/metrics", accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    )
    assert (status, headers["content-type"].partition(";")[0]) == (200, "application/openmetrics-text")
    names = {family.name for family in open_metrics(text)}  # type: ignore[no-untyped-call]  # it has no annotations
    assert names >= {"freehold_calls", "freehold_ledger_lag_entries"}
    assert text.endswith("# EOF\n")
    status, headers, _ = admin(house, "/metrics", accept="application/openmetrics-text; version=hello")
    assert status == 200


def test_the_control_socket_tells_the_same(house: Estate) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.path.relpath(house.files / "run" / "control.sock"))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: estate\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b""))
    assert text.startswith(b"HTTP/1.1 200")
    assert b"\nfreehold_ready 1.0\n" in text


def test_health_and_readiness_are_told_without_a_token(house: Estate) -> None:
    assert admin(house, "/healthz")[::2] == (200, '{"status":"ok"}')
    status, _, body = admin(house, "/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ready", "reasons": []})
    assert ask(house, "GET", "/readyz", key="").json == {"status": "ready"}
    assert ask(house, "GET", "/healthz", key="").json == {"status": "ok"}


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_a_page_of_somebody_else_reads_nothing(house: Estate, path: str) -> None:
    assert admin(house, path, host="evil.example")[0] == 403
    assert admin(house, path, origin="http://evil.example")[0] == 403


def test_what_comes_through_a_proxy_shows_a_token(house: Estate) -> None:
    assert admin(house, "/metrics", x_forwarded_for="203.0.113.9")[0] == 401
    status, _, body = admin(house, "/readyz", x_forwarded_for="203.0.113.9")
    assert (status, json.loads(body)) == (200, {"status": "ready"})


def test_a_call_is_a_trace_that_goes_on_from_its_callers(
    house: Estate, collector: Collector, simulator: Simulator
) -> None:
    simulator.play(Play(script="echo"))
    body = {"model": "support", "max_tokens": 20, "messages": [{"role": "user", "content": CANARY}]}
    answer = post(house, CHAT, body, traceparent=PARENT, tracestate=f"vendor={CANARY}")
    assert answer.status == 200
    call = answer.headers["x-request-id"]

    def arrived() -> list[Any]:
        return [span for span in collector.spans() if span.trace_id.hex() == PARENT.split("-")[1]]

    wait_for(lambda: len(arrived()) == 2, "both spans have arrived")
    found = arrived()
    served = next(span for span in found if attributes(span).get("freehold.call.id") == call)
    asked = next(span for span in found if span is not served)
    assert served.parent_span_id.hex() == PARENT.split("-")[2]
    assert asked.parent_span_id == served.span_id
    assert (asked.name, attributes(asked)["gen_ai.operation.name"]) == ("chat sim-1", "chat") or asked.name.startswith(
        "chat "
    )
    assert attributes(served)["freehold.decision.id"] == answer.headers["freehold-decision"]
    assert collector.media == {"application/json"}
    (heard,) = [dict(heard.headers) for heard in simulator.requests]
    sent = {name.lower(): value for name, value in heard.items()}
    assert sent["traceparent"] == f"00-{PARENT.split('-')[1]}-{served.span_id.hex()}-01"
    assert "tracestate" not in sent


def test_whom_nobody_told_to_hears_of_no_trace(house: Estate, simulator: Simulator) -> None:
    body = {"model": "quiet", "max_tokens": 20, "messages": [{"role": "user", "content": CANARY}]}
    assert post(house, CHAT, body, traceparent=PARENT).status == 200
    (heard,) = simulator.requests
    assert "traceparent" not in {name.lower() for name, _ in heard.headers}


def test_the_receiver_is_listed_as_a_host_that_is_contacted(house: Estate, collector: Collector) -> None:
    hosts = house.ask("egress", "list")["hosts"]
    (row,) = [row for row in hosts if row["for"] == "telemetry"]
    assert (row["host"], row["port"], row["source"]) == ("127.0.0.1", collector.port, "[grant.traces]")


def test_the_log_has_a_line_for_each_call_with_its_ids(house: Estate) -> None:
    answer = post(house, CHAT, {"model": "support", "messages": [{"role": "user", "content": CANARY}]})
    log = house.files / "run" / "log" / "gateway.log"

    def line() -> dict[str, Any] | None:
        lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
        return next((one for one in lines if one.get("request_id") == answer.headers["x-request-id"]), None)

    told = wait_for(line, "the line is there")
    assert told["decision_id"] == answer.headers["freehold-decision"]
    assert (told["service"], told["target"], told["ending"]) == (
        "support",
        answer.headers["freehold-target"],
        "complete",
    )
    for name in ("control", "ledger", "supervisor"):
        for text in (house.files / "run" / "log" / f"{name}.log").read_text(encoding="utf-8").splitlines():
            assert json.loads(text)["process"] == name


def test_content_is_in_no_signal(house: Estate, collector: Collector, simulator: Simulator) -> None:
    """Prompts, answers, tools and names that callers make up, answered, refused and broken off."""
    simulator.play(Play(script="echo"))
    tool = {"type": "function", "function": {"name": CANARY, "description": CANARY, "parameters": {"type": "object"}}}
    say(house, tools=[tool], stream=True, user=CANARY)
    simulator.play(Play(answers_as=CANARY))
    say(house, model=CANARY)  # an alias of the service has a wildcard
    simulator.play(Play(script="echo", fault=Fault(kind=FaultKind.STATUS, status=400, text=f'{{"error": "{CANARY}"}}')))
    post(house, CHAT, {"model": "support", "messages": [{"role": "user", "content": CANARY}]})
    simulator.play(Play())
    post(house, CHAT, f'{{"model": "support", "{CANARY}": '.encode(), freehold_data_class=CANARY)
    post(house, f"/v1/{CANARY}", {}, user_agent=CANARY)
    post(house, CHAT, {"model": "support", "messages": []}, key=f"fh_{CANARY}")
    last = post(house, CHAT, {"model": "quiet", "max_tokens": 20, "messages": [{"role": "user", "content": CANARY}]})
    call = last.headers["x-request-id"].encode()
    wait_for(lambda: any(call in body for body in collector.bodies), "the last trace has arrived")
    wait_for(lambda: metrics(house).get(("freehold_calls_total", "quiet", "compatible", "complete"), 0) >= 1, "told")
    planted = CANARY.encode()
    assert not [body for body in collector.bodies if planted in body]
    assert CANARY not in admin(house, "/metrics")[2]
    assert CANARY not in admin(house, "/readyz")[2]
    for log in (house.files / "run" / "log").iterdir():
        assert planted not in log.read_bytes(), log.name
    secrets = re.compile(rb"\bfho?_[A-Za-z0-9_-]{16,}")
    for log in (house.files / "run" / "log").iterdir():
        assert not secrets.search(log.read_bytes()), log.name
    assert house.key not in admin(house, "/metrics")[2]


def test_counters_do_not_go_back_with_a_gateway(house: Estate) -> None:
    """One that is killed takes nothing with it but what it had not told; the next one's calls are added."""
    name = ("freehold_calls_total", "quiet", "compatible", "complete")
    before = metrics(house)[name]
    pid = house.process("gateway")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes.alive(pid) and house.answers(), "another gateway answers")
    assert metrics(house)[name] >= before
    body = {"model": "quiet", "max_tokens": 20, "messages": [{"role": "user", "content": "again"}]}
    assert post(house, CHAT, body).status == 200
    wait_for(lambda: metrics(house)[name] == before + 1, "its call is added")


def test_an_estate_that_could_not_answer_says_so_and_why(house: Estate) -> None:
    house.run("target", "withdraw", "compatible", "--reason", "a test")
    try:
        wait_for(lambda: admin(house, "/readyz")[0] == 503, "it is not ready")
        assert json.loads(admin(house, "/readyz")[2])["reasons"] == ["service quiet: no target is fit to answer"]
        assert wait_for(lambda: ask(house, "GET", "/readyz", key="").status == 503, "the gateway knows it")
        assert ask(house, "GET", "/healthz", key="").status == 200
        assert admin(house, "/healthz")[0] == 200
        assert metrics(house)["freehold_target_state", "compatible", "withdrawn"] == 1
    finally:
        house.run("target", "restore", "compatible")
    assert wait_for(lambda: admin(house, "/readyz")[0] == 200, "it is ready again")


def test_a_client_of_the_vendors_is_none_the_wiser(house: Estate) -> None:
    with clients.openai(house) as client:
        stream = client.chat.completions.create(
            model="support", stream=True, max_tokens=20, messages=[{"role": "user", "content": "Hello."}]
        )
        assert [piece for piece in stream if piece.choices and piece.choices[0].finish_reason]
