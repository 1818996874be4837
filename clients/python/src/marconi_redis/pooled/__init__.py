"""A store over many pools."""

from __future__ import annotations

from .places import PooledQueueEntry, PooledQueuePage
from .store import PooledStore, PooledTopicEntry, PooledTopicPage

__all__ = [
    "PooledQueueEntry",
    "PooledQueuePage",
    "PooledStore",
    "PooledTopicEntry",
    "PooledTopicPage",
]
