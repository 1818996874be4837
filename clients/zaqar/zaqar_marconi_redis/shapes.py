"""What the client answers, in the shape that Zaqar hands on.

Guards the units: Zaqar has whole seconds, the scripts milliseconds. What is shown is rounded down, so that nothing
looks longer than it is.
"""

import datetime

from zaqar_marconi_redis import bodies


def whole(length):
    """A length of time in whole seconds."""
    return length // datetime.timedelta(seconds=1)


def message(found):
    """A message as Zaqar has it."""
    body, checksum = bodies.read(found)
    shown = {
        "id": found.id,
        "age": whole(found.age),
        "ttl": whole(found.ttl),
        "body": body,
        "claim_id": found.claim,
        "claim_count": found.claims,
    }
    if checksum:
        shown["checksum"] = checksum
    return shown


def end(found):
    """The oldest or the newest message, in stats."""
    posted = datetime.datetime.fromtimestamp(int(found.id.partition("-")[0]) / 1000, tz=datetime.UTC)
    return {"id": found.id, "age": whole(found.age), "created": posted.strftime("%Y-%m-%dT%H:%M:%SZ")}


def stats(found):
    """Stats of a queue. Zaqar has no word for what is delayed: it is in none of its numbers but the total."""
    shown = {"free": found.free, "claimed": found.claimed, "total": found.total}
    if found.oldest and found.newest:
        shown |= {"oldest": end(found.oldest), "newest": end(found.newest)}
    return {"messages": shown}
