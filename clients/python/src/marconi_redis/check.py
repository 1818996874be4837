"""Whether the parts of a queue, or of the control plane, agree with each other.

Guards that looking disturbs nobody: some entries a call, and live traffic beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .errors import Corrupt
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


@dataclass(frozen=True)
class Repair:
    """A violation, and what became of it: what was done, or where it is left, what there is to do."""

    violation: Violation
    is_mended: bool
    done: str


# Claims before the messages that they hold, and the log last.
_ORDER = ("meta", "claims", "held", "returned", "tries", "delayed", "expiry", "log")

# One mends, one sees that all is well; the others are for what comes to light by mending.
_ROUNDS = 4


def violations(store: Store, script: str, keys: Owner, parts: Iterable[str]) -> list[Violation]:
    """All of them, once through every part."""
    return [
        violation for part in parts for page in _pages(store, script, keys, part) for violation in page
    ]


def _pages(store: Store, script: str, keys: Owner, part: str) -> Iterator[list[Violation]]:
    """What each call over a part found."""
    cursor = ""
    while True:
        of = Operation(store)
        fields = Fields(of.call(of.script(script, keys, part=part, cursor=cursor)))
        following = fields.text()
        fields.number()
        # Or who asks for page after page would ask for ever.
        if following and following == cursor:
            raise Corrupt("a page that is its own next one")
        cursor, found = following, []
        while fields.left:
            found.append(Violation(part, fields.text(), fields.text()))
        yield found
        if not cursor:
            return


def repairs(store: Store, keys: Owner) -> list[Repair]:
    """Rounds through the queue until there is nothing to mend."""
    mended: list[Repair] = []
    for number in range(1, _ROUNDS + 1):
        found = [
            repair
            for part in _ORDER
            for page in _pages(store, "check", keys, part)
            for repair in _mend(store, keys, part, page)
        ]
        if not any(repair.is_mended for repair in found):
            return mended + found
        if number == _ROUNDS:
            unstable = "does not stay so: look for what else writes to these keys"
            found = [replace(repair, is_mended=False, done=unstable) for repair in found]
            return mended + found
        mended += [repair for repair in found if repair.is_mended]
    return mended


def _mend(store: Store, keys: Owner, part: str, page: list[Violation]) -> Iterator[Repair]:
    """What became of what one call found; the script looks again before it writes."""
    told: dict[str, dict[str, bool]] = {}
    rest = list(dict.fromkeys(violation.about for violation in page))
    while rest:
        of = Operation(store)
        some = [name.encode(errors="surrogateescape") for name in rest[:250]]
        fields = Fields(of.call(of.script("repair", keys, part=part, about=some)))
        looked_at = fields.number()
        if not looked_at:
            raise Corrupt("a repair that looked at nothing")
        rest = rest[looked_at:]
        while fields.left:
            about, is_mended, done = fields.text(), fields.number() == 1, fields.text()
            told.setdefault(about, {})[done] = is_mended
    for violation in page:
        said = told.get(violation.about, {"was in order when it was looked at again": True})
        yield Repair(violation, all(said.values()), "; ".join(said))
    named = {violation.about for violation in page}
    for about, said in told.items():
        # The script looks at meta in any case; what is left there is found in its turn.
        if about not in named and all(said.values()):
            yield Repair(Violation("meta", about, "was wrong beside it"), True, "; ".join(said))
