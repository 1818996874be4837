"""Flavors: names that pools bear and queues ask for.

Guards that each project has its own.
"""

import marconi_redis as client
from zaqar.storage import base, errors

from zaqar_marconi_redis.errors import said

_ALL = 1000
#: Under this name a list of capabilities is kept.
_LIST = "zaqar:capabilities"


class FlavorsController(base.FlavorsBase):
    """Flavors of the control plane."""

    @property
    def _control(self):
        return self.driver.plane.store.control()

    @said
    def list(self, project=None, marker=None, limit=10, detailed=False):
        """A page, and its last name."""
        flavors = self._control.flavors(project or "", marker=marker, limit=limit or _ALL).flavors
        yield (_shown(flavor, detailed) for flavor in flavors)
        yield flavors[-1].name if flavors else {}

    @said
    def get(self, name, project=None, detailed=False):
        """One flavor. Raises FlavorDoesNotExist."""
        try:
            return _shown(self._control.flavor(project or "", name), detailed)
        except client.FlavorDoesNotExist:
            raise errors.FlavorDoesNotExist(name) from None

    @said
    def create(self, name, project=None, capabilities=None):
        """Makes one, or replaces it."""
        self._control.create_flavor(project or "", name, _kept(capabilities or {}))

    @said
    def exists(self, name, project=None):
        """Whether there is one."""
        try:
            self._control.flavor(project or "", name)
        except client.FlavorDoesNotExist:
            return False
        return True

    @said
    def update(self, name, project=None, capabilities=None):
        """Replaces its capabilities. Raises FlavorDoesNotExist."""
        assert capabilities is not None, "`capabilities` not found in kwargs"
        try:
            self._control.update_flavor(project or "", name, _kept(capabilities))
        except client.FlavorDoesNotExist:
            raise errors.FlavorDoesNotExist(name) from None

    @said
    def delete(self, name, project=None):
        """Takes one out; one that is not there is no error."""
        self._control.delete_flavor(project or "", name)

    @said
    def drop_all(self):
        """Takes all of all projects out."""
        self._control.drop_all("flavors")


def _kept(capabilities):
    """A map, as the scripts keep it. Zaqar has a list of numbers where it asked a pool itself."""
    return capabilities if isinstance(capabilities, dict) else {_LIST: [int(one) for one in capabilities]}


def _shown(flavor, detailed):
    shown = {"name": flavor.name}
    if detailed:
        shown["capabilities"] = flavor.capabilities.get(_LIST, flavor.capabilities)
    return shown
