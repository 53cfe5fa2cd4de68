# SPDX-License-Identifier: Apache-2.0
"""The operations on API keys of applications and tokens of operators.

What gives somebody power is recorded first and done second; what takes it away is done first, because a full disk must
not keep a leaked key alive.
"""

import asyncio

from freehold.admin.interface import Parts
from freehold.admin.keys import (
    EVERY_SERVICE,
    KeyRecord,
    OperatorRecord,
    Prefix,
    digest_of,
    digest_of_grant,
    label_digest,
    new_id,
    new_salt,
    new_secret,
)
from freehold.admin.means import Answer, Means
from freehold.admin.requests import ById, CreateKey, CreateOperator, Nothing
from freehold.admin.views import key_view, key_views, operator_view, operator_views
from freehold.contract.call import DataClass
from freehold.errors import EstateError, InvalidRequest, LedgerFault, LedgerUnavailable, NotFound


class Keyring:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._state = parts.state
        self._means = means

    async def list_keys(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        keys = await asyncio.to_thread(self._state.api_keys)
        return {"keys": key_views(keys, self._means.now_unix())}

    async def show_key(self, request: ById, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        keys = await asyncio.to_thread(self._state.api_keys)
        found = next((key for key in keys if key.id == request.id), None)
        if found is None:
            raise _no_key(request.id)
        return {"key": key_view(found, self._means.now_unix())}

    async def create_key(self, request: CreateKey, asker: str) -> Answer:
        """Make an API key. The secret is in this answer and nowhere else."""
        self._require_services(request.services)
        secret, now_unix = new_secret(Prefix.API_KEY), self._means.now_unix()
        key = KeyRecord(
            id=new_id("key"),
            label=request.label,
            secret_sha256=digest_of(secret),
            services=request.services,
            data_class=DataClass[request.data_class.upper()],
            created_unix=now_unix,
            requests_per_minute=request.requests_per_minute or 0,
            expires_unix=now_unix + request.expires_in_s if request.expires_in_s else 0.0,
        )
        salt = new_salt()
        digests = {"grant": digest_of_grant(key), **label_digest(salt, key.label)}
        async with self._means.changing:
            await self._means.record("key.create", key.id, asker, digests)
            await asyncio.to_thread(self._state.add_api_key, key, salt)
            await self._means.publish()
        return {"key": {**key_view(key, now_unix), "secret": secret}}

    async def revoke_key(self, request: ById, asker: str) -> Answer:
        """Kill a key; done once no gateway accepts it."""
        now_unix = self._means.now_unix()
        async with self._means.changing:
            key = await asyncio.to_thread(self._state.revoke_api_key, request.id, now_unix)
            if key is None:
                raise _no_key(request.id)
            in_force = await self._means.publish()
            await self._record_done("key.revoke", key.id, asker)
        if not in_force:
            raise EstateError(
                f"{key.id} is revoked, but a gateway has not confirmed it in time and may still accept it",
                hint="'freehold status' shows the gateways; 'freehold down' ends one that does not answer.",
            )
        return {"key": key_view(key, now_unix)}

    async def list_operators(self, request: Nothing, asker: str) -> Answer:  # noqa: ARG002
        return {"operators": operator_views(await asyncio.to_thread(self._state.operators))}

    async def show_operator(self, request: ById, asker: str) -> Answer:  # noqa: ARG002
        """Raises NotFound."""
        operators = await asyncio.to_thread(self._state.operators)
        found = next((operator for operator in operators if operator.id == request.id), None)
        if found is None:
            raise _no_operator(request.id)
        return {"operator": operator_view(found)}

    async def create_operator(self, request: CreateOperator, asker: str) -> Answer:
        """Let somebody use the admin port. The token is in this answer and nowhere else."""
        token = new_secret(Prefix.OPERATOR)
        operator = OperatorRecord(
            id=new_id("op"), label=request.label, token_sha256=digest_of(token), created_unix=self._means.now_unix()
        )
        salt = new_salt()
        async with self._means.changing:
            await self._means.record("operator.create", operator.id, asker, label_digest(salt, operator.label))
            await asyncio.to_thread(self._state.add_operator, operator, salt)
        return {"operator": {**operator_view(operator), "token": token}}

    async def revoke_operator(self, request: ById, asker: str) -> Answer:
        """Kill an operator's token, from the next request on."""
        async with self._means.changing:
            operator = await asyncio.to_thread(self._state.revoke_operator, request.id, self._means.now_unix())
            if operator is None:
                raise _no_operator(request.id)
            await self._record_done("operator.revoke", operator.id, asker)
        return {"operator": operator_view(operator)}

    def _require_services(self, services: tuple[str, ...]) -> None:
        there_are = self._means.settings().services
        for service in services:
            if (service,) != EVERY_SERVICE and service not in there_are:
                raise InvalidRequest(
                    f"there is no service {service!r}; there are: {', '.join(there_are)}",
                    param="services",
                    hint="Name one of them.",
                )

    async def _record_done(self, kind: str, subject: str, asker: str) -> None:
        """Record what was done already. Raises LedgerUnavailable saying so."""
        try:
            await self._means.record(kind, subject, asker, {})
        except LedgerFault as fault:
            raise LedgerUnavailable(
                f"{subject} is revoked, but that is not on record: {fault.message}",
                hint="Revoke it again once the ledger writes; that is recorded.",
            ) from fault


def _no_key(id: str) -> NotFound:  # noqa: A002
    return NotFound(f"there is no API key {id!r}", hint="'freehold key list' shows them.")


def _no_operator(id: str) -> NotFound:  # noqa: A002
    return NotFound(f"there is no operator {id!r}", hint="'freehold operator list' shows them.")
