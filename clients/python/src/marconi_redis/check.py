"""Whether the parts of a queue, or of the control plane, agree with each other.

Guards that looking disturbs nobody: some entries a call, and live traffic beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .keys import Owner
from .operation import Operation
from .reply import Fields

if TYPE_CHECKING:
    from .store import Store


@dataclass(frozen=True)
class Violation:
    """Something that does not agree: in which part, what it is about, and a sentence."""

    part: str
    about: str
    what: str


def violations(store: Store, script: str, keys: Owner, parts: Iterable[str]) -> list[Violation]:
    """All of them, once through every part."""
    found = []
    for part in parts:
        cursor = ""
        while True:
            of = Operation(store)
            call = of.script(script, keys, part=part, cursor=cursor)
            fields = Fields(of.call(call))
            cursor = fields.text()
            fields.number()
            while fields.left:
                found.append(Violation(part, fields.text(), fields.text()))
            if not cursor:
                break
    return found
