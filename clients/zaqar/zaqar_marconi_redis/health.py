"""Health: whether Redis answers, whether each kind of operation works, and how many messages there are.

Guards that one queue that can't be read hides no other.
"""

import marconi_redis as client

_PAGE = 250


def volume(store):
    """Messages of all queues of all projects: each queue at a moment of its own, exactly."""
    counted = {"free": 0, "claimed": 0, "total": 0}
    for queue in queues(store):
        try:
            stats = queue.stats()
        except (client.QueueDoesNotExist, client.NewerSchema, client.InvalidArgument):
            # Deleted since, of a later version, or something else under its keys.
            continue
        counted["free"] += stats.free
        counted["claimed"] += stats.claimed
        counted["total"] += stats.total
    return counted


def queues(store):
    """All queues of all projects."""
    for project in _pages(lambda marker: store.projects(marker=marker, limit=_PAGE), "projects"):
        for entry in _pages(lambda marker, p=project: store.queues(p, marker=marker, limit=_PAGE), "queues"):
            yield store.queue(project, entry.name)


def _pages(page_after, what):
    marker = None
    while True:
        page = page_after(marker)
        yield from getattr(page, what)
        marker = page.marker
        if marker is None:
            return
