# SPDX-License-Identifier: Apache-2.0
"""Real estates for the tests of the whole: one for all, one whose model knows tools, and new ones to break.

The suite runs in two processes side by side, each of which takes whole files (``make test-system``). So tests of one
file may share what they make and run in their order, and tests of two files share nothing but the machine:

- ``estate``, ``tool_estate`` and ``provided`` are made once in each process, and left as they were found.
- ``module_estate``, or a fixture like it, is a file's own: tests leave it able to answer. ``new_estate`` costs seconds,
  so it is for what is broken beyond use. A start that is refused needs no model: ``init`` is enough.
- Ports come from ``tests.ports.free_port``; what is awaited, from ``waiting.wait_for``, whose bound only ends hangs.
- No test asserts that something was quick, or that a call is still under way when a command has answered: machines are
  busy. A call that has to be under way is LONG (test_hang_ups.py), and pids are asked for before it begins.
- What a model says is asked for with temperature 0, or not looked at, and has bounded ``max_tokens``.
- Processes of others end while they are looked at: ask ``processes``, which can bear that.
- Debian packages come from ``programs.installed``, which waits for its turn.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anthropic import Anthropic
from mistralai.client import Mistral
from openai import OpenAI
from tests.simulator.faults import Play
from tests.simulator.running import in_a_thread
from tests.simulator.server import Simulator
from tests.system import clients, foreign
from tests.system.estates import Estate

_HERE = Path(__file__).parent
NewEstate = Callable[[], Estate]
# Begun first, so that neither process is left with one of them while the other has nothing more to do.
_LONGEST = ("test_clone.py", "test_killed.py", "test_witnesses.py", "test_sealed.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that lies here is of the system suite, and may take as long as a slow machine needs; the longest first."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning"))
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """The estate that ``freehold up`` makes in an empty directory. Tests leave it as they found it."""
    shared = Estate(tmp_path_factory.mktemp("shared") / "estate")
    try:
        shared.up()
        yield shared
    finally:
        shared.destroy()


@pytest.fixture(scope="session")
def tool_estate(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """The same model behind a chat template that has tools."""
    shared = Estate(tmp_path_factory.mktemp("tools") / "estate")
    try:
        shared.run("init")
        shared.take_vault_of(estate)
        shutil.copy(_HERE / "tools.jinja", shared.directory)
        shared.set("target.local", 'chat_template = "tools.jinja"')
        shared.up()
        yield shared
    finally:
        shared.destroy()


@pytest.fixture(scope="module")
def module_estate(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate that the tests of one file share, each leaving it able to answer."""
    own = Estate(tmp_path_factory.mktemp("own") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.up()
        yield own
    finally:
        own.destroy()


@pytest.fixture
def new_estate(estate: Estate, tmp_path: Path) -> Iterator[NewEstate]:
    """Makes estates that have the default model and are not up yet."""
    with ExitStack() as made:

        def make() -> Estate:
            new = Estate(tmp_path / f"estate-{len(list(tmp_path.iterdir()))}")
            made.callback(new.destroy)
            new.run("init")
            new.take_vault_of(estate)
            return new

        yield make


@pytest.fixture
def openai(estate: Estate) -> Iterator[OpenAI]:
    with clients.openai(estate) as client:
        yield client


@pytest.fixture
def anthropic(estate: Estate) -> Iterator[Anthropic]:
    with clients.anthropic(estate) as client:
        yield client


@pytest.fixture
def mistral(estate: Estate) -> Iterator[Mistral]:
    with clients.mistral(estate) as client:
        yield client


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    with in_a_thread(Simulator()) as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """The simulator of providers, which has heard nothing yet, and says what the model's name asks for."""
    running_simulator.play(Play())
    running_simulator.record.clear()
    return running_simulator


@pytest.fixture(scope="session")
def provided(running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate without an engine: for each provider a service of its name, and others. Tests leave it well."""
    shared = Estate(tmp_path_factory.mktemp("provided") / "estate")
    try:
        foreign.found(shared, running_simulator, *foreign.ALL)
        for name in foreign.NAMES:
            foreign.serve(shared, name, name)
            foreign.serve(shared, f"{name}-thinking", f"{name}/{foreign.REASONER}")
            foreign.serve(shared, f"{name}-lax", name, settings=['drop = ["*"]'])
            foreign.serve(shared, f"{name}-seed", name, settings=['drop = ["seed"]'])
        foreign.serve(shared, "named", "named=openai")
        shared.set('target."named"', 'answers_as = ["other-*"]')
        shared.up()
        yield shared
    finally:
        shared.destroy()
