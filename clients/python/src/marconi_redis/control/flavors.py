"""Flavors: names that pools bear and that a queue can ask for.

Guards projects: a flavor is of one, and no name leads to another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import Corrupt
from ..keys import check_project, tag_of_project
from ..metadata import Metadata, packed, unpacked
from ..reply import Fields, number
from .base import ControlBase


@dataclass(frozen=True)
class Flavor:
    """A flavor, and what its pools can do."""

    name: str
    capabilities: dict[str, Any]


@dataclass(frozen=True)
class FlavorPage:
    """A page of flavors. ``marker``: give it to get the next page; None at the end."""

    flavors: list[Flavor]
    marker: str | None


class Flavors(ControlBase):
    """Flavors."""

    def create_flavor(self, project: str, name: str, capabilities: Metadata) -> bool:
        """Makes a flavor, in the place of all there was under the name; True where it is new.

        ``capabilities``: up to 4096 bytes of msgpack. Raises TooLarge.
        """
        return self._write_flavor("control/flavor/create", project, name, capabilities) == 1

    def update_flavor(self, project: str, name: str, capabilities: Metadata) -> None:
        """Replaces the capabilities. Raises FlavorDoesNotExist, TooLarge."""
        self._write_flavor("control/flavor/update", project, name, capabilities)

    def delete_flavor(self, project: str, name: str) -> bool:
        """Takes a flavor out; True where it was there. Pools and queues of its name stay as they are."""
        deleted = self._call("control/flavor/delete", project=tagged(project), name=name)
        return number(deleted) == 1

    def flavor(self, project: str, name: str) -> Flavor:
        """A flavor. Raises FlavorDoesNotExist."""
        reply = self._call("control/flavor/get", project=tagged(project), name=name)
        if not isinstance(reply, bytes):
            raise Corrupt(f"a {type(reply).__name__} where a string should be")
        return Flavor(name, unpacked(reply, "capabilities"))

    def flavors(self, project: str, *, marker: str | None = None, limit: int = 10) -> FlavorPage:
        """A page of a project's flavors, in the order of their names' bytes. ``limit``: 1 to 1000."""
        reply = self._call(
            "control/flavor/list",
            project=tagged(project),
            marker=marker,
            limit=limit,
        )
        fields, found = Fields(reply), []
        while fields.left:
            found.append(Flavor(fields.text(), unpacked(fields.bytes(), "capabilities")))
        return FlavorPage(found, found[-1].name if found and len(found) == limit else None)

    def _write_flavor(self, script: str, project: str, name: str, capabilities: Metadata) -> int:
        reply = self._call(
            script,
            project=tagged(project),
            name=name,
            capabilities=packed(capabilities, "capabilities"),
        )
        return number(reply)


def tagged(project: str) -> str:
    """A project as it stands in a tag. Raises InvalidArgument for what is none."""
    return tag_of_project(check_project(project))
