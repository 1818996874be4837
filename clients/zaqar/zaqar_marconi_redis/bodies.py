"""Bodies of messages, with a checksum beside them where the operator wants one.

Guards that a body stays the plain value that other programs read: only with `enable_checksum` it is wrapped, in a
msgpack extension that no JSON value can be.
"""

import msgpack
from marconi_redis import NewMessage
from zaqar.storage import utils

#: The extension type of a wrapped body: a msgpack array of the body and its checksum.
WRAPPED = 0x5A


def new(message, with_checksum):
    """A message to be posted, from Zaqar's."""
    body = message.get("body", {})
    if with_checksum:
        inner = msgpack.packb([body, utils.get_checksum(message.get("body"))])
        body = msgpack.ExtType(WRAPPED, inner)
    # Zaqar's transports have filled in what the queue says; the scripts' defaults are for other programs.
    return NewMessage(body, ttl=message["ttl"], delay=message.get("delay") or 0)


def read(found):
    """A message's body, and its checksum where it has one."""
    body = found.body
    if isinstance(body, msgpack.ExtType) and body.code == WRAPPED:
        return msgpack.unpackb(body.data, strict_map_key=False)
    return body, None
