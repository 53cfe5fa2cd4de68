# SPDX-License-Identifier: Apache-2.0
"""Trust policies: sound ones, ones that break a rule of C2SP's tlog-policy each, and ones that want more than there is.

The last are well-formed. They are held against the checkpoint ``cosigned-by-two``: signed by the log, cosigned by Paris
and Berlin.
"""

import hashlib

from tests.attack.ledger.signing_by_hand import (
    BERLIN,
    ELSEWHERE,
    LOG,
    OWN,
    PARIS,
    ROME,
    STRANGER,
    THIEF,
    Hand,
    head,
    note,
)

_THREE = (
    f"log {OWN.vkey}\n\nwitness paris {PARIS.vkey}\nwitness berlin {BERLIN.vkey} https://witness.berlin.example/\n"
    f"witness rome {ROME.vkey}\n"
)
_PARIS = f"log {OWN.vkey}\nwitness paris {PARIS.vkey}\n"


def cosigned_by_two() -> bytes:
    text = head(7, hashlib.sha256(b"root").digest())
    return note(text, OWN.line(text), PARIS.line(text), BERLIN.line(text))


def sound_policies() -> dict[str, bytes]:
    """Each is reached by ``cosigned-by-two``."""
    policies = {
        "none": f"log {OWN.vkey}\nquorum none\n",
        "one-witness": f"{_PARIS}quorum paris\n",
        "two-of-three": f"{_THREE}group g 2 paris berlin rome\nquorum g\n",
        "any": f"{_THREE}group g any rome paris\nquorum g\n",
        "all": f"{_THREE}group g all berlin paris\nquorum g\n",
        "groups-of-groups": f"{_THREE}group a any rome paris\ngroup b all berlin\ngroup c all a b\nquorum c\n",
        "spread-out": f"# one\n\n \t log\t{OWN.vkey} \n  # two\nwitness  paris\t{PARIS.vkey}\n\tquorum paris\t\n",
        "names-in-other-letters": f"log {OWN.vkey}\nwitness témoin-à-Paris {PARIS.vkey}\nquorum témoin-à-Paris\n",
        "witness-named-as-a-word": f"log {OWN.vkey}\nwitness any {PARIS.vkey}\ngroup all 1 any\nquorum all\n",
        "two-logs": f"log {Hand('second.example/log', 7).vkey}\nlog {OWN.vkey}\nquorum none\n",
        "group-unused": f"{_THREE}group g all rome\nquorum paris\n",
    }
    return {name: text.encode() for name, text in policies.items()}


def malformed_policies() -> dict[str, bytes]:
    many = "".join(f"witness w{n} {Hand(f'w{n}.example', n, PARIS.kind).vkey}\n" for n in range(10, 13))
    policies = {
        "empty": "",
        "no-quorum": _PARIS,
        "two-quorums": f"{_PARIS}quorum paris\nquorum paris\n",
        "quorum-without-a-name": f"{_PARIS}quorum\n",
        "quorum-of-two-names": f"{_THREE}quorum paris berlin\n",
        "quorum-undefined": f"{_PARIS}quorum lyon\n",
        "quorum-defined-later": f"log {OWN.vkey}\nquorum paris\nwitness paris {PARIS.vkey}\n",
        "quorum-in-capitals": f"{_PARIS}Quorum paris\n",
        "word-unknown": f"{_PARIS}require paris\nquorum paris\n",
        "log-without-a-key": f"log\nwitness paris {PARIS.vkey}\nquorum paris\n",
        "log-key-malformed": f"log {OWN.vkey[:-4]}\nquorum none\n",
        "log-key-id-wrong": f"log {OWN.vkey.replace('+', '+0', 1).replace(OWN.key_id.hex(), OWN.key_id.hex()[:7])}\n"
        "quorum none\n",
        "log-key-in-hex": f"log {OWN.material[1:].hex()}\nquorum none\n",
        "log-with-a-witness-s-key": f"log {PARIS.vkey}\nquorum none\n",
        "log-twice": f"log {OWN.vkey}\nlog {OWN.vkey}\nquorum none\n",
        "log-twice-under-two-names": f"log {OWN.vkey}\nlog {ELSEWHERE.vkey}\nquorum none\n",
        "log-with-two-urls": f"log {OWN.vkey} https://a.example https://b.example\nquorum none\n",
        "witness-without-a-key": f"log {OWN.vkey}\nwitness paris\nquorum paris\n",
        "witness-without-a-name": f"log {OWN.vkey}\nwitness {PARIS.vkey}\nquorum none\n",
        "witness-with-a-log-s-key": f"log {OWN.vkey}\nwitness paris {Hand(PARIS.name, 1, LOG).vkey}\nquorum paris\n",
        "witness-named-none": f"log {OWN.vkey}\nwitness none {PARIS.vkey}\nquorum none\n",
        "witness-name-twice": f"{_PARIS}witness paris {BERLIN.vkey}\nquorum paris\n",
        "witness-key-twice": f"{_PARIS}witness lutetia {PARIS.vkey}\nquorum paris\n",
        "witness-key-twice-under-two-names": f"{_PARIS}witness lutetia {Hand('w.example', 1, PARIS.kind).vkey}\n"
        "quorum paris\n",
        "group-without-members": f"{_THREE}group g any\nquorum g\n",
        "group-without-a-threshold": f"{_THREE}group g paris berlin\nquorum g\n",
        "group-of-zero": f"{_THREE}group g 0 paris berlin\nquorum g\n",
        "group-of-more-than-there-are": f"{_THREE}group g 3 paris berlin\nquorum g\n",
        "group-below-zero": f"{_THREE}group g -1 paris berlin\nquorum g\n",
        "group-threshold-in-hex": f"{_THREE}group g 0x1 paris berlin\nquorum g\n",
        "group-threshold-in-other-digits": f"{_THREE}group g ² paris berlin\nquorum g\n",
        "group-threshold-in-capitals": f"{_THREE}group g ALL paris berlin\nquorum g\n",
        "group-of-an-unknown": f"{_THREE}group g any paris lyon\nquorum g\n",
        "group-of-one-defined-later": f"{_THREE}group g any h\ngroup h any paris\nquorum g\n",
        "group-of-itself": f"{_THREE}group g any paris g\nquorum g\n",
        "group-of-none": f"{_THREE}group g any paris none\nquorum g\n",
        "group-name-twice": f"{_THREE}group g any paris\ngroup g any berlin\nquorum g\n",
        "group-named-as-a-witness": f"{_THREE}group paris any berlin\nquorum paris\n",
        "group-named-none": f"{_THREE}group none any berlin\nquorum none\n",
        "member-twice-in-a-group": f"{_THREE}group g 2 paris paris\nquorum g\n",
        "member-of-two-groups": f"{_THREE}group g any paris\ngroup h any paris berlin\nquorum h\n",
        "comment-behind-a-line": f"{_PARIS}quorum paris # of one\n",
        "carriage-returns": f"{_PARIS}quorum paris\n".replace("\n", "\r\n"),
        "nul": f"{_PARIS}quorum paris\n\x00",
        "delete": f"{_PARIS}# \x7f\nquorum paris\n",
        "form-feed-for-a-space": f"{_PARIS}quorum\x0cparis\n",
        "space-of-unicode": f"{many}log {OWN.vkey}\nquorum\u2003w10\n",
    }
    return {name: text.encode() for name, text in policies.items()}


def unreached_policies() -> dict[str, bytes]:
    policies = {
        "witness-that-did-not-sign": f"{_THREE}quorum rome\n",
        "all-of-three": f"{_THREE}group g all paris berlin rome\nquorum g\n",
        "group-within-not-reached": f"{_THREE}group g any rome\ngroup h all paris berlin g\nquorum h\n",
        "witness-of-another-key": _witnessed_by(Hand(PARIS.name, 8, PARIS.kind)),
        "witness-of-another-name": _witnessed_by(Hand("witness.example", 1, PARIS.kind)),
        "witness-unknown-to-the-checkpoint": f"log {OWN.vkey}\nwitness w {STRANGER.vkey}\nquorum w\n",
        "log-of-another-key": f"log {THIEF.vkey}\nquorum none\n",
        "log-of-another-name": f"log {ELSEWHERE.vkey}\nquorum none\n",
        "no-log": "quorum none\n",
        "witnesses-alone": f"witness paris {PARIS.vkey}\nquorum paris\n",
    }
    return {name: text.encode() for name, text in policies.items()}


def _witnessed_by(hand: Hand) -> str:
    return f"log {OWN.vkey}\nwitness paris {hand.vkey}\nquorum paris\n"
