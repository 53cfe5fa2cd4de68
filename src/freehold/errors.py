# SPDX-License-Identifier: Apache-2.0
"""Everything that Freehold says no with, in one tree.

    FreeholdError
    ├── Refusal               a rule said no; on record
    │   └── PolicyDenied
    ├── CallerError           the caller got it wrong; says what, and what to do
    │   ├── InvalidRequest
    │   │   ├── ContextExceeded
    │   │   └── Unsupported
    │   ├── InvalidKey
    │   ├── InvalidToken
    │   ├── ForeignOrigin
    │   ├── UnknownService
    │   ├── UnknownEndpoint
    │   ├── UnknownReceipt
    │   │   └── ReceiptNotYet
    │   ├── MethodNotAllowed
    │   ├── TooLarge
    │   ├── SlowRequest
    │   ├── SlowCaller
    │   └── RateLimited
    ├── Fault                 the outside world failed
    │   ├── BackendBroke
    │   │   ├── EngineBroke
    │   │   └── ProviderBroke
    │   ├── EngineFault
    │   │   ├── EngineUnavailable
    │   │   └── EngineBusy
    │   ├── ProviderFault
    │   │   ├── ProviderUnavailable
    │   │   ├── ProviderBusy
    │   │   └── ProviderRefused
    │   ├── ContactFailed
    │   ├── NoTarget
    │   ├── GatewayUnavailable
    │   ├── Overloaded
    │   └── LedgerFault
    │       ├── LedgerUnavailable
    │       └── LedgerFull
    └── OperatorError         the estate or a command needs a person
        ├── SettingsError
        ├── PolicyInvalid
        ├── PolicyNotProvable
        ├── ClaimInvalid
        ├── ClaimNotProved
        ├── EgressDenied
        ├── EstateError
        │   └── NotAtHome
        ├── Conflict
        ├── NotFound
        │   └── Pruned
        ├── VaultError
        ├── TrustInvalid
        ├── Uncheckable
        └── VerificationFailed

A bug is none of these: it is a ``RuntimeError`` or an ``assert``. How an error looks on the wire is each dialect's own
affair (``dialect/``); here it has a stable ``code``, a message for whoever made the call, and a ``hint``: what to do.
Messages never carry the text of a foreign exception.
"""

from collections.abc import Mapping
from typing import ClassVar


class FreeholdError(Exception):
    """The root. ``code`` is stable and documented; ``hint`` says what to do next."""

    code: ClassVar[str] = "internal_error"
    hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = self.hint if hint is None else hint


class Refusal(FreeholdError):
    """A rule said no. Never retried, always on record."""


class PolicyDenied(Refusal):
    """No target may see this call."""

    code = "policy_denied"
    hint = "Ask the estate's operator which rule decided: the decision id names the entry in the ledger."

    def __init__(self, message: str, *, decision_id: str) -> None:
        super().__init__(message)
        self.decision_id = decision_id


class CallerError(FreeholdError):
    """The caller got it wrong."""


class InvalidRequest(CallerError):
    """The body, or a field of it, is not what the dialect allows. ``param`` is the field's path, if one is to blame."""

    code = "invalid_request"
    hint = "Correct the request and send it again."

    def __init__(self, message: str, *, param: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.param = param


class ContextExceeded(InvalidRequest):
    """The prompt is longer than the model's context. Both in tokens; 0 where whoever counted did not say."""

    code = "context_length_exceeded"
    hint = "Shorten the prompt, or ask the operator for a target with a larger context."

    def __init__(self, *, prompt_tokens: int, context_tokens: int) -> None:
        known = f"the prompt has {prompt_tokens} tokens and the model's context holds {context_tokens}"
        super().__init__(known if prompt_tokens else "prompt is too long: it is longer than the context of the model")
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class Unsupported(InvalidRequest):
    """The dialect allows it, the model or this estate cannot do it."""

    code = "unsupported"
    hint = "Leave the field out, or use a service whose model can do it."


class InvalidKey(CallerError):
    """Missing, unknown, expired or revoked: one answer for all, so that none can be told from another."""

    code = "invalid_api_key"
    hint = "Send the key as 'Authorization: Bearer KEY' or 'x-api-key: KEY'; 'freehold key create' makes one."

    def __init__(self) -> None:
        super().__init__("the API key is missing or not valid")


class InvalidToken(CallerError):
    """The admin port's counterpart of InvalidKey: one answer for every token that is not an operator's."""

    code = "invalid_operator_token"
    hint = "Send the token as 'Authorization: Bearer TOKEN'; 'freehold operator create' makes one."


class ForeignOrigin(CallerError):
    """A web page of somebody else made a browser ask the admin port."""

    code = "foreign_origin"
    hint = "Ask the admin port by its own loopback address, and not from a page of another origin."


class UnknownService(CallerError):
    """No service of this estate answers to the name."""

    code = "model_not_found"
    hint = "GET /v1/models lists the names that this key may use."


class UnknownEndpoint(CallerError):
    """No such path."""

    code = "unknown_endpoint"
    hint = "The endpoints are listed in docs/reference/api.md."


class UnknownReceipt(CallerError):
    """There is no such entry, or it is not of a call that this key made: one answer, so that nobody can tell."""

    code = "receipt_not_found"
    hint = "Ask with the key that made the call, for what its answer carried as Freehold-Receipt."


class ReceiptNotYet(UnknownReceipt):
    """The call is on record, and the checkpoint that proves it is about to be signed."""

    code = "receipt_not_yet"
    hint = "Ask again as soon as Retry-After says."
    retry_after_s: float = 1.0


class MethodNotAllowed(CallerError):
    """The path exists, the method does not. ``allowed``: those that do, where whoever refuses knows them."""

    code = "method_not_allowed"
    hint = "The endpoints are listed in docs/reference/api.md."

    def __init__(self, message: str, *, allowed: tuple[str, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.allowed = allowed


class TooLarge(CallerError):
    """The body is over the limit; it was not read whole."""

    code = "request_too_large"
    hint = "Send less, or ask the operator to raise gateway.max_body_mb."


class SlowRequest(CallerError):
    """The body did not come in time."""

    code = "request_timeout"
    hint = "Send the body without delay, or ask the operator to raise gateway.body_within_s."


class SlowCaller(CallerError):
    """The caller did not take the answer, and was hung up on. Nobody but the record hears of it."""

    code = "caller_too_slow"
    hint = "Read answers as they come; the operator can raise gateway.taken_within_s."


class RateLimited(CallerError):
    """The key has used up its rate."""

    code = "rate_limited"
    hint = "Wait as long as Retry-After says."

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Fault(FreeholdError):
    """The outside world failed. ``retry_after_s`` is a guess at when to try again."""

    retry_after_s: float = 1.0


class BackendBroke(Fault):
    """Whoever answered broke off in the middle of an answer, or answered what is not its protocol."""

    code = "backend_failed"
    hint = "Send the call again; 'freehold status' shows the state of every target."


class EngineFault(Fault):
    """An owned engine cannot take the call."""


class EngineUnavailable(EngineFault):
    """The engine is starting, stopped or broken, and did not become ready in time."""

    code = "engine_unavailable"
    hint = "'freehold status' shows the engine and why it is not ready."
    retry_after_s = 2.0


class EngineBusy(EngineFault):
    """Every slot is taken, and the queue is full or has no place for a call of this priority."""

    code = "engine_busy"
    hint = "Wait as long as Retry-After says; the operator can raise the target's slots or queue."

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EngineBroke(BackendBroke):
    """The engine stopped answering in the middle of an answer, or answered what is not its protocol."""

    code = "engine_failed"
    hint = "Send the call again; the engine is being restarted."


class ProviderFault(Fault):
    """Somebody else's API did not take the call."""


class ProviderUnavailable(ProviderFault):
    """The provider cannot be reached, does not answer in time, or its key is not there."""

    code = "provider_unavailable"
    hint = "'freehold doctor' says what is missing; 'freehold provider show' says who runs it."
    retry_after_s = 5.0


class ProviderBusy(ProviderFault):
    """The provider has no room for the call now, or the estate's quota there is used up."""

    code = "provider_busy"
    hint = "Wait as long as Retry-After says; another target of the service would have been tried."

    def __init__(self, message: str, *, retry_after_s: float = 5.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderRefused(ProviderFault):
    """The provider will not answer this estate, or has no such model. ``status`` is its HTTP status.

    ``legal``: it gave a legal or a regional reason, in a code or a status that says nothing else.
    """

    code = "provider_refused"
    hint = "The operator checks the provider's key, and the target's model: 'freehold doctor'."
    retry_after_s = 60.0

    def __init__(self, message: str, *, status: int, legal: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.legal = legal


class ProviderBroke(BackendBroke):
    """The provider broke off, fell silent, went beyond a limit of its own, or answered what is not its protocol."""

    code = "provider_failed"
    hint = "Send the call again; if it stays so, the operator looks at the target's provider."


class ContactFailed(Fault):
    """Somebody who is contacted for what is no call, such as a witness, did not answer, or not in its protocol."""

    code = "contact_failed"
    hint = "It is tried again by itself; 'freehold witness list' shows what was seen of it."
    retry_after_s = 5.0


class NoTarget(Fault):
    """Targets are allowed, none is fit to answer."""

    code = "no_target"
    hint = "'freehold status' shows the state of every target."


class GatewayUnavailable(Fault):
    """The gateway has no configuration yet, or is letting its last calls finish."""

    code = "gateway_unavailable"
    hint = "Wait as long as Retry-After says; 'freehold status' shows the gateway."


class Overloaded(Fault):
    """The gateway has as many calls as it can carry. The call was not admitted: it is on no record."""

    code = "overloaded"
    hint = "Wait as long as Retry-After says; the operator can raise gateway.max_calls, or run more of them."


class LedgerFault(Fault):
    """The record cannot be written, so no call is served."""


class LedgerUnavailable(LedgerFault):
    """The ledger process does not answer."""

    code = "ledger_unavailable"
    hint = "'freehold status' shows the ledger process; one that ended is restarted by itself."


class LedgerFull(LedgerFault):
    """The disk under the ledger is down to its reserve."""

    code = "ledger_full"
    hint = "Free space on the estate's disk; calls are served again by themselves."
    retry_after_s = 10.0


class OperatorError(FreeholdError):
    """A command or a start cannot go on until a person has acted."""


class SettingsError(OperatorError):
    """freehold.toml is not what it should be. The message names the line."""

    code = "settings_invalid"
    hint = "Correct freehold.toml; every setting is in docs/reference/settings.md."


class PolicyInvalid(OperatorError):
    """A rule is not what it should be. The message names each file and line. The rules in force stay in force."""

    code = "policy_invalid"
    hint = "Correct the file; 'freehold policy check' tries it. What rules may say is in docs/reference/policy.md."


class PolicyNotProvable(OperatorError):
    """A rule uses what the prover does not cover, so nothing can be proved of the rules. The message names both."""

    code = "policy_not_provable"
    hint = "Write the rule without it; what the prover covers is in docs/reference/claims.md."


class ClaimInvalid(OperatorError):
    """A claim does not parse. The message says where, and what was expected there."""

    code = "claim_invalid"
    hint = "Correct the claim; the words that it may use are in docs/reference/claims.md."


class ClaimNotProved(OperatorError):
    """The rules break a claim of the estate, or it could not be decided. The rules in force stay in force."""

    code = "claim_not_proved"
    hint = "Change the rules until the claim holds, or the claim: 'freehold policy prove' tries both."


class EgressDenied(OperatorError):
    """Nothing leaves the estate for this: there is no grant for the host, or the estate is sealed."""

    code = "egress_denied"
    hint = "'freehold egress list' shows every host that the estate may contact, and why."


class EstateError(OperatorError):
    """The estate's directory, port or processes are not as the command needs them."""

    code = "estate_unusable"


class NotAtHome(EstateError):
    """The log in this directory is a copy, or was put back to an older state: nothing may be signed on it."""

    code = "ledger_not_at_home"
    hint = "'freehold ledger adopt' makes this copy the log, once nobody knows of a newer one."


class Conflict(OperatorError):
    """What was to be changed is no longer what whoever asks was shown. ``changed`` says by whom, if that is known."""

    code = "conflict"
    hint = "Look at it again, and decide anew."

    def __init__(self, message: str, *, etag: str = "", changed: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.etag = etag
        self.changed = changed


class NotFound(OperatorError):
    """There is no such key, operator, or other thing of this estate. The message names it."""

    code = "not_found"
    hint = "The matching 'list' command shows what there is."


class Pruned(NotFound):
    """The log had this entry and has pruned it. What was proved of it before stays proved."""

    code = "entry_pruned"
    hint = "A copy or an export that was made before the pruning still has it."


class VaultError(OperatorError):
    """A model cannot be imported, found, or trusted."""

    code = "vault_refused"


class TrustInvalid(OperatorError):
    """A trust policy or a verifier key is not what it should be, so nothing can be checked by it. Names the line."""

    code = "trust_invalid"
    hint = "Correct the policy, or the key; both formats are in docs/reference/verify.md."


class Uncheckable(OperatorError):
    """What would have to be known to check this was not given, or is no more. It is neither proved nor disproved."""

    code = "uncheckable"


class VerificationFailed(OperatorError):
    """A proof, a signature or a digest does not hold. The message gives the expected and the found value."""

    code = "verification_failed"
    hint = "Keep the files as they are and compare them with a copy; this is not a passing fault."
