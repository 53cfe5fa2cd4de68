# SPDX-License-Identifier: Apache-2.0
"""Trust policies, from C2SP's tlog-policy: which logs, which witnesses, what quorum. Works on octets, as it says."""

from dataclasses import dataclass, field

from tests.oracle.notes import Head, Key, open_note, read_head, read_key
from tests.oracle.refused import Refused


@dataclass
class Policy:
    """``quorum`` is None for ``none``. A group is its threshold and its members, by name."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[bytes, Key] = field(default_factory=dict)
    groups: dict[bytes, tuple[int, list[bytes]]] = field(default_factory=dict)
    quorum: bytes | None = None


def read_policy(data: bytes) -> Policy:
    """§Policy file syntax and structure. Raises Refused."""
    if any(octet < 0x20 and octet not in b"\t\n" for octet in data) or 0x7F in data:
        raise Refused("an octet that is not allowed")
    if data and not data.endswith(b"\n"):
        raise Refused("a line that does not end")
    policy, used, quorums = Policy(), set[bytes](), 0
    for line in data.split(b"\n"):
        words = [word for word in line.replace(b"\t", b" ").split(b" ") if word]
        if not words or words[0].startswith(b"#"):
            continue
        match words:
            case [b"log", vkey] | [b"log", vkey, _]:
                _add_log(policy, vkey)
            case [b"witness", name, vkey] | [b"witness", name, vkey, _]:
                _add_witness(policy, name, vkey)
            case [b"group", name, threshold, *members] if members:
                _add_group(policy, used, name, threshold, members)
            case [b"quorum", name]:
                quorums += 1
                _defined(policy, name, also_none=True)
                policy.quorum = None if name == b"none" else name
            case _:
                raise Refused(f"a line that says nothing: {line!r}")
    if quorums != 1:
        raise Refused(f"{quorums} quorum lines")
    return policy


def accept(policy: Policy, checkpoint: bytes) -> Head:
    """The head of a checkpoint that one of the logs signed and enough witnesses cosigned. Raises Refused."""
    text, signed = open_note(checkpoint, [*policy.logs, *policy.witnesses.values()])
    head = read_head(text)
    if not any(key in signed and key.name == head.origin for key in policy.logs):
        raise Refused("no log of the policy signed this")
    cosigned = {name for name, key in policy.witnesses.items() if key in signed}
    if policy.quorum is not None and not witnessed(policy, policy.quorum, cosigned):
        raise Refused("the quorum is not reached")
    return head


def witnessed(policy: Policy, name: bytes, cosigned: set[bytes]) -> bool:
    """§Defining a witness group, by its recursive definition."""
    if name in policy.witnesses:
        return name in cosigned
    threshold, members = policy.groups[name]
    return sum(witnessed(policy, member, cosigned) for member in members) >= threshold


def _add_log(policy: Policy, vkey: bytes) -> None:
    key = _key(vkey)
    if key.kind not in {0x01, 0x06} or any(other.public == key.public for other in policy.logs):
        raise Refused("a key of the wrong type, or one that was there already")
    policy.logs.append(key)


def _add_witness(policy: Policy, name: bytes, vkey: bytes) -> None:
    _new(policy, name)
    key = _key(vkey)
    if key.kind not in {0x04, 0x06} or any(other.public == key.public for other in policy.witnesses.values()):
        raise Refused("a key of the wrong type, or one that was there already")
    policy.witnesses[name] = key


def _add_group(policy: Policy, used: set[bytes], name: bytes, threshold: bytes, members: list[bytes]) -> None:
    _new(policy, name)
    for member in members:
        _defined(policy, member)
        if member in used:
            raise Refused(f"{member!r} is a member twice")
        used.add(member)
    policy.groups[name] = _threshold(threshold, len(members)), members


def _threshold(word: bytes, size: int) -> int:
    if word in {b"any", b"all"}:
        return 1 if word == b"any" else size
    if set(word) - set(b"0123456789") or not 1 <= int(word[:9]) <= size:
        raise Refused(f"{word!r} is no threshold for {size} members")
    return int(word)


def _new(policy: Policy, name: bytes) -> None:
    if name == b"none" or name in policy.witnesses or name in policy.groups:
        raise Refused(f"{name!r} is taken")


def _defined(policy: Policy, name: bytes, *, also_none: bool = False) -> None:
    if name not in policy.witnesses and name not in policy.groups and not (also_none and name == b"none"):
        raise Refused(f"{name!r} is not defined yet")


def _key(vkey: bytes) -> Key:
    try:
        return read_key(vkey.decode())
    except UnicodeDecodeError as exc:
        raise Refused("a key that is not UTF-8") from exc
