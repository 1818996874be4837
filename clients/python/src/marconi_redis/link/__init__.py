"""The line to the server: sends scripts, loads them where they are missing, reconnects, repeats.

Guards the three-way answer of every call: *not done* only while no command left that could have been,
*done* where the server said so, *unknown* for everything between. That is why calls are sent on the
connections themselves, and not by a client that repeats on its own.
"""

from .call import MORE, Answer, Call, command, script_call
from .run import run
from .source import ClusterSource, PoolSource, Source, open_url, source_of

__all__ = [
    "MORE",
    "Answer",
    "Call",
    "ClusterSource",
    "PoolSource",
    "Source",
    "command",
    "open_url",
    "run",
    "script_call",
    "source_of",
]
