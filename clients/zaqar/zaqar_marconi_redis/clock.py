"""The clock that the scripts go by: the server's, or this process's for tests that move it.

Guards that the two are never mixed in one driver: a store has one of them for good.
"""

from oslo_utils import timeutils


def of(name):
    """What a store takes for its clock; None = the server's."""
    return None if name == "server" else node


def node():
    """Whole seconds of this process's clock in ms: Zaqar's tests reckon in whole seconds."""
    return int(timeutils.utcnow_ts()) * 1000
