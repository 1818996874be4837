"""Bodies of messages, with a checksum beside them where the operator wants one.

Guards that a body stays the plain value that other programs read: only with `enable_checksum` it is wrapped, in a
msgpack extension that no JSON value can be.
"""

import marconi_redis as client
import msgpack
from oslo_log import log
from zaqar.storage import utils

LOG = log.getLogger(__name__)
#: The extension type of a wrapped body: a msgpack array of the body and its checksum.
WRAPPED = 0x5A


def new(message, with_checksum):
    """A message to be posted, from Zaqar's."""
    body = message.get("body", {})
    if with_checksum:
        inner = msgpack.packb([body, utils.get_checksum(message.get("body"))])
        body = msgpack.ExtType(WRAPPED, inner)
    # Zaqar's transports have filled in what the queue says; the scripts' defaults are for other programs.
    return client.NewMessage(body, ttl=message["ttl"], delay=message.get("delay") or 0)


def read(found):
    """A message's body, and its checksum where it has one. One that another program broke is shown as none."""
    try:
        body = found.body
    except client.MarconiError as error:
        LOG.warning("body not shown: %s", error)
        return None, None
    if isinstance(body, msgpack.ExtType) and body.code == WRAPPED:
        return msgpack.unpackb(body.data, strict_map_key=False)
    return body, None
