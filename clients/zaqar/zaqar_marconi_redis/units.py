"""A queue's metadata: Zaqar's map in the units of the scripts, and back.

Guards that a map comes back as it was given, whatever Zaqar let through, and that no other program reads seconds for
milliseconds: what the scripts go by is in the map in their units, and what they are not to go by is under another name.
"""

#: Reserved names whose values Zaqar has in seconds, the scripts in ms.
TIMES = ("_default_message_ttl", "_default_message_delay", "_dead_letter_queue_messages_ttl")
#: Zaqar lets a message die only where both are there. The scripts would keep it beside its queue, where nobody looks.
DYING = ("_max_claim_count", "_dead_letter_queue")
#: Zaqar bounds the JSON of a request, before it comes here; the scripts' own bound is on something else.
NOT_FOR_SCRIPTS = ("_max_messages_post_size",)
#: What stands before a reserved name that the scripts are not to go by.
HIDDEN = "zaqar:"

_TEN_YEARS = 315_360_000
_MOST_CLAIMS = 1_000_000_000


def to_store(metadata):
    """Zaqar's map, as it is kept."""
    dies = _is_whole(metadata.get("_max_claim_count"), 1, _MOST_CLAIMS) and _is_text(metadata.get("_dead_letter_queue"))
    kept = {}
    for name, value in metadata.items():
        if name in TIMES and _is_time(name, value, metadata):
            kept[name] = value * 1000
        elif _is_hidden(name, value, dies):
            kept[HIDDEN + name] = value
        else:
            kept[name] = value
    return kept


def from_store(kept):
    """What is kept, as Zaqar's map. A time of another program is rounded up to whole seconds."""
    metadata = {}
    for name, value in kept.items():
        if name in TIMES and isinstance(value, int):
            metadata[name] = -(-value // 1000)
        else:
            metadata[name.removeprefix(HIDDEN)] = value
    return metadata


def is_like(kept, wanted):
    """Whether a queue has these values under these names: Zaqar's filter of listings."""
    metadata = from_store(kept)
    return all(name in metadata and metadata[name] == value for name, value in wanted.items())


def _is_hidden(name, value, dies):
    if name in DYING:
        return not dies
    return name in TIMES or name in NOT_FOR_SCRIPTS or (name == "_flavor" and not _is_text(value))


def _is_time(name, value, metadata):
    if name != "_default_message_delay":
        return _is_whole(value, 1, _TEN_YEARS)
    # A delay has to be less than the ttl it goes with, which is 14 days where the queue says nothing.
    ttl = metadata.get("_default_message_ttl")
    return _is_whole(value, 0, (ttl if _is_whole(ttl, 1, _TEN_YEARS) else 1_209_600) - 1)


def _is_whole(value, low, high):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_text(value):
    return isinstance(value, str) and value != ""
