# SPDX-License-Identifier: Apache-2.0
import json

from tests.unit.cli.conftest import Run

from freehold.contract.estate import Estate

GRANT = '\n[grant.mirror]\nfor = "import"\nhosts = ["mirror.example.org:8443"]\nwhy = "our own mirror"\n'
PROVIDER = """
[service.far]
targets = ["far"]

[target.far]
provider = "mistral"
model = "mistral-small-latest"

[provider.mistral]
"""


def add(estate: Estate, text: str) -> None:
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write(text)


def test_a_default_estate_says_plainly_that_it_contacts_nobody(run: Run, estate: Estate) -> None:
    assert json.loads(run("egress", "list", "--estate", estate.directory, "--json").stdout) == {"hosts": []}
    assert "This estate contacts nobody" in run("egress", "list", "--estate", estate.directory).stdout


def test_hosts_are_listed_with_what_policy_says_of_them(run: Run, estate: Estate) -> None:
    add(estate, PROVIDER + GRANT)
    shown = run("egress", "list", "--estate", estate.directory)
    calls, grant = shown.stdout.splitlines()[1:]
    assert calls.split()[:2] == ["api.mistral.ai", "443"]
    assert "forbidden by policy" in calls
    assert grant.split()[:3] == ["mirror.example.org", "8443", "import"]
    assert "[grant.mirror]" in grant
    assert "nothing is sent there, and its name is not looked up" in shown.stderr


def test_a_grant_that_is_none_is_refused_with_its_line(run: Run, estate: Estate) -> None:
    line = len(estate.settings.read_text(encoding="utf-8").splitlines()) + 4
    add(estate, GRANT.replace("mirror.example.org:8443", "https://mirror.example.org"))
    refused = run("egress", "list", "--estate", estate.directory)
    assert refused.exit_code == 1
    assert f"line {line}: [grant.mirror] hosts: 'https://mirror.example.org' is not a host" in refused.stderr
