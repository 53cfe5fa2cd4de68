# SPDX-License-Identifier: Apache-2.0
import hashlib

from freehold.admin.permits import hosts_digest, import_permit
from freehold.contract.grant import Allowance, Errand, Place
from freehold.settings import GrantSection

INDEX, FILES = Place("index.example.org"), Place("files.example.org", 8443)
ERRAND = Errand(contacted=frozenset({INDEX, FILES}))


def test_without_a_standing_grant_the_act_is_told_and_recorded_before_it_is_permitted() -> None:
    said: list[str] = []
    permit = import_permit({}, lambda errand: said.append(f"tell {errand}"), lambda _: said.append("record"))
    assert permit(ERRAND) == Allowance(places=ERRAND.places, private=ERRAND.places)
    assert said == ["tell files.example.org:8443, index.example.org:443", "record"]


def test_a_standing_grant_permits_what_it_names_and_nothing_that_pip_is_set_up_for() -> None:
    grants = {
        "mirror": GrantSection(purpose="import", hosts=["index.example.org"]),
        "near": GrantSection(purpose="import", hosts=["10.0.0.7:3141"], allow_private=True),
    }
    told: list[str] = []
    recorded: list[Errand] = []
    allowed = import_permit(grants, lambda errand: told.append(str(errand)), recorded.append)(ERRAND)
    near = Place("10.0.0.7", 3141)
    assert allowed == Allowance(places=frozenset({INDEX, near}), private=frozenset({near}))
    assert (told, recorded) == (["index.example.org:443"], [])


def test_the_digest_is_over_the_hosts_in_order() -> None:
    expected = hashlib.sha256(b'["files.example.org:8443","index.example.org:443"]').hexdigest()
    assert hosts_digest(ERRAND) == f"sha256:{expected}"
