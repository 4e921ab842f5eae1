"""Which field of a transaction is wrong, in words: the decoder tells its place in the bytes, which nobody has seen."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from jifen.ledger.rewards.records import REWARD_PATTERN
from jifen.ledger.transactions import Body
from jifen.ledger.types import ORDER_ID_PATTERN, POINT_TYPE_PATTERN, SLUG_PATTERN

_INTEGER_MAX: Final = 2**63 - 1
"""Largest integer told apart here; every field of a transaction ends below it."""

_SHOWN_CHARACTERS_MAX: Final = 60
"""Most characters of a wrong value that are repeated: enough to find it in what was typed."""

_FORMS: Final = {
    SLUG_PATTERN: "write small letters, digits and hyphens, at most 32, like north-music",
    POINT_TYPE_PATTERN: "write organization/role, like north-music/consumer",
    REWARD_PATTERN: "write organization/name, like north-music/mug",
    ORDER_ID_PATTERN: "write 1 to 64 letters, digits and signs of ASCII, no spaces, like A-17",
}
"""What texts of these patterns look like."""

_PLACE: Final = re.compile(r"(?P<fault>.*?) - at `\$(?P<place>(\[\d+\])+)`\Z", re.DOTALL)


def name_the_fault(body: Body, fault: str) -> str:
    """Return what is wrong with a body, by the field's name, its value and what to write instead.

    Args:
        body: what cannot be encoded, or not be decoded again.
        fault: what the encoder or decoder said; returned as it is where it names no place and none can be found.
    """
    found = _PLACE.match(fault)
    if found is not None:
        name, value = _at(body, [int(step) for step in re.findall(r"\d+", found["place"])])
        return f"{name} {_shown(value)}: {_in_words(found['fault'].partition(': ')[2] or found['fault'])}"
    for name, value in _leaves(body, ""):
        if isinstance(value, int) and not -_INTEGER_MAX <= value <= _INTEGER_MAX:
            return f"{name} {_shown(value)}: write a smaller number"
        if isinstance(value, str) and not _encodes(value):
            return f"{name} {_shown(value)}: holds half a character; type it anew"
    return fault


def _at(node: object, steps: list[int]) -> tuple[str, object]:
    name = ""
    for step in steps:
        if isinstance(node, msgspec.Struct):
            # A tag stands before the fields.
            place = step - (node.__struct_config__.tag is not None)
            field = node.__struct_fields__[place] if 0 <= place < len(node.__struct_fields__) else "kind"
            name, node = f"{name}.{field}" if name else field, getattr(node, field, None)
        elif isinstance(node, tuple | list) and step < len(node):
            name, node = f"{name}[{step + 1}]", node[step]
    return name, node


def _leaves(node: object, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(node, msgspec.Struct):
        for field in node.__struct_fields__:
            yield from _leaves(getattr(node, field), f"{name}.{field}" if name else field)
    elif isinstance(node, tuple | list):
        for number, item in enumerate(node, start=1):
            yield from _leaves(item, f"{name}[{number}]")
    else:
        yield name, node


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(value: object) -> str:
    text = ascii(value) if isinstance(value, str) and not _encodes(value) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}..."


def _in_words(fault: str) -> str:
    for pattern, form in _FORMS.items():
        if f"matching regex {pattern!r}" in fault:
            return form
    if limit := re.fullmatch(r"Expected `int` ([<>]=) (-?\d+)", fault):
        return f"write {'at most' if limit[1] == '<=' else 'at least'} {int(limit[2]):,}"
    if length := re.fullmatch(r"Expected `(str|bytes|array)` of length ([<>]=) (\d+)", fault):
        unit = {"str": "characters", "bytes": "bytes", "array": "of them"}[length[1]]
        return f"write {'at most' if length[2] == '<=' else 'at least'} {int(length[3]):,} {unit}"
    return fault
