"""What queues and topics have in common for Zaqar: a name, metadata, and how they are listed.

Guards that what exists keeps its metadata when it is made again, as Zaqar wants it.
"""

from zaqar import storage
from zaqar.storage import errors

from zaqar_marconi_redis import units
from zaqar_marconi_redis.errors import said

#: How many are looked at in a round trip where some of many are asked for.
_PAGE = 250


class NamedController:
    """Queues, or topics, of the control plane: `_page` and `_one` say which."""

    def _page(self, project, **asked):
        """A page of them: entries and a marker."""
        raise NotImplementedError

    def _one(self, project, name):
        """One of them, there or not."""
        raise NotImplementedError

    @said
    def _list(
        self,
        project=None,
        kfilter=None,
        marker=None,
        limit=storage.DEFAULT_QUEUES_PER_PAGE,
        detailed=False,
        name=None,
    ):
        found = []
        size = _PAGE if kfilter else min(limit, _PAGE)
        for entry in self._entries(project, marker, size, name, detailed or bool(kfilter)):
            if kfilter and not units.is_like(entry.metadata or {}, kfilter):
                continue
            shown = {"name": entry.name}
            if detailed:
                shown["metadata"] = units.from_store(entry.metadata or {})
            found.append(shown)
            if len(found) == limit:
                break
        yield iter(found)
        yield found[-1]["name"] if found else {}

    def _entries(self, project, marker, size, name, with_metadata):
        while True:
            entries, marker = self._page(
                project or "", marker=marker, limit=size, name_contains=name or "", with_metadata=with_metadata
            )
            yield from entries
            if marker is None:
                return

    @said
    def _get(self, name, project=None):
        try:
            return self.get_metadata(name, project)
        except errors.DoesNotExist:
            return {}

    @said
    def get_metadata(self, name, project=None):
        """What was set, or nothing; raises where there is none."""
        return units.from_store(self._one(project or "", name).metadata())

    @said
    def set_metadata(self, name, metadata, project=None):
        """Replaces it; raises where there is none."""
        self._one(project or "", name).set_metadata(units.to_store(metadata))

    @said
    def _create(self, name, metadata=None, project=None):
        queue = self._one(project or "", name)
        if not metadata:
            return queue.create()
        # In one step, so that no queue is ever without what it was made with. Of two that make it at once one is told
        # that it is not new, and its metadata count or the other's do.
        return not queue.exists() and queue.create(units.to_store(metadata))

    @said
    def _exists(self, name, project=None):
        return self._one(project or "", name).exists()

    @said
    def _delete(self, name, project=None):
        self._one(project or "", name).delete()

    @said
    def _stats(self, name, project=None):
        # The stage before this one has answered: messages are in the data plane.
        return None
