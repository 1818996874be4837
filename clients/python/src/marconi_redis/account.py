"""The account of an operation of many steps, for the one error that it can end in.

Guards *not done*: it is said only where each step that was to do something is known not to have been
done. *Done* is never said: what failed may have had more steps before it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Corrupt, MarconiError, Transport


@dataclass
class Account:
    """What is known of the steps."""

    has_begun: bool = False
    first_failure: MarconiError | None = None

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Around a step that does some of what was asked for. A failure is noted and goes no further."""
        try:
            yield
        except MarconiError as error:
            self.has_begun |= error.outcome != "not done"
            self.first_failure = self.first_failure or error
        else:
            self.has_begun = True

    @contextlib.contextmanager
    def look(self) -> Iterator[None]:
        """The same around what a step needs to know or have first."""
        try:
            yield
        except MarconiError as error:
            self.first_failure = self.first_failure or error

    def close(self) -> None:
        """Raises the first failure, with the outcome of all. A refusal has none but its own."""
        if isinstance(self.first_failure, (Corrupt, Transport)):
            self.first_failure.outcome = "unknown" if self.has_begun else "not done"
        if self.first_failure is not None:
            raise self.first_failure
