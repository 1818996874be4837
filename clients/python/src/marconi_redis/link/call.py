"""One call: a script or a plain command, with everything it needs to be sent, and sent again.

Guards that keys come from the manifest, in its order, and that arguments never show in a log.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..errors import MarconiError
from ..keys import Owner, QueuePath, packed
from ..manifest import Script


class _More(Enum):
    MORE = "nothing was done: the sweep script has to run first"


#: What a script answers that wants a sweep first.
MORE = _More.MORE

#: A reply, MORE, or the error that the call ended with.
Answer = object | MarconiError


@dataclass(slots=True)
class Call:
    """One call, ready to be sent. ``key`` is one that says on which node of a cluster; ``repeat`` for
    how many seconds it may be made again, should its answer be lost."""

    name: str
    packed: bytes = field(repr=False)
    key: bytes | None
    script: Script | None = None
    path: QueuePath | None = None
    repeat: float = math.inf


def script_call(script: Script, keys: Owner, values: Mapping[str, object]) -> Call:
    """A call of a script on a queue, or on the control plane."""
    head, arguments = keys.head(script), script.encode(values)
    sent = b"*%d\r\n%b%b" % (head.words + len(arguments), head.packed, packed(arguments))
    return Call(script.name, sent, head.key, script, keys.path, script.repeat.lasts(values))


def command(name: str, key: str | None = None, *arguments: str) -> Call:
    """A plain command, for the few things that are no script, and that may be repeated: names, PING."""
    words = [name, *([] if key is None else [key]), *arguments]
    encoded = [word.encode(errors="surrogateescape") for word in words]
    sent = b"*%d\r\n%b" % (len(encoded), packed(encoded))
    return Call(name, sent, None if key is None else key.encode())
