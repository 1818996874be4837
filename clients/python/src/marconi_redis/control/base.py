"""What the parts of the control plane share: its keys and its calls.

Guards that a change is not made twice: a late repeat would undo what another set between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ..check import Violation, violations
from ..keys import ControlKeys
from ..manifest import SCRIPTS
from ..operation import Operation
from ..reply import number

if TYPE_CHECKING:
    from ..store import Store


class ControlBase:
    """The control plane's place in a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.keys = ControlKeys(store.prefix)
        self._catalogue_keys = self.keys

    def drop_all(self, kind: Literal["pools", "flavors", "catalogue"]) -> int:
        """Takes out all of a kind, and says how many. Pools are not asked whether they are in use."""
        return number(self._call("control/drop", what=kind))

    def check(self) -> list[Violation]:
        """Where the parts do not agree, and which queues are on pools that are not there."""
        # All but the first, which has the schema alone.
        parts = SCRIPTS["control/check"].keys[1:]
        return violations(self.store, "control/check", self.keys, parts)

    def _call(self, script: str, /, **values: object) -> object:
        of = Operation(self.store)
        return of.call(of.script(script, self.keys, **values))
