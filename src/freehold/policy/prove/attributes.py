# SPDX-License-Identifier: Apache-2.0
"""What a rule may speak of, by kind: the table of ``schema.cedarschema``. An attribute that is not here is refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "Freehold"
PRINCIPAL: Final = f"{NAMESPACE}::Application"
RESOURCE: Final = f"{NAMESPACE}::Backend"
ACTION: Final = (f"{NAMESPACE}::Action", "infer")
NAME: Final = "name"  # the id of a backend; no attribute in Cedar, where the entity itself is compared


class Kind(StrEnum):
    """Cedar's types, as far as the schema uses them."""

    BOOL = "Bool"
    LONG = "Long"
    TEXT = "String"
    TEXTS = "Set<String>"


TABLE: Final[Mapping[str, Mapping[str, Kind]]] = {
    "principal": {"key": Kind.TEXT, "services": Kind.TEXTS},  # its id is its key
    "resource": {
        NAME: Kind.TEXT,
        "owned": Kind.BOOL,
        "operator": Kind.TEXT,
        "authorities": Kind.TEXTS,
        "exposure": Kind.TEXTS,
        "locations": Kind.TEXTS,
        "retention_days": Kind.LONG,
        "trains": Kind.BOOL,
        "licence": Kind.TEXT,
    },
    "context": {
        "data_class": Kind.LONG,
        "purpose": Kind.TEXT,
        "service": Kind.TEXT,
        "unix_time": Kind.LONG,
    },
}
STATE_SETS: Final = ("authorities", "exposure", "locations")  # of the resource
NEVER_EMPTY: Final = ("authorities", "locations")  # of a provider: an empty one is not known
MAY_BE_UNKNOWN: Final = (*STATE_SETS, "retention_days", "trains", "licence")
