"""Being told that there is something to claim.

Guards that a waiter costs the server nothing while it waits: one connection for all queues of a store,
made when the first one waits, gone a while after the last.
"""

from .hall import Wakes
from .room import Seat

__all__ = ["Seat", "Wakes"]
