"""The results as a page: zaqar.md from what zaqar.json has.

Guards that nothing is left out: what failed, what took too long and what misses its target is in the same tables.
"""

from bench import figures
from bench.results import cell_title

_VERBS = figures.VERBS


def written(found):
    """The whole page."""
    parts = (_head, _targets, _ratios, _rates, _kept, _memory, _shares, _method)
    return "\n".join(part(found) for part in parts)


def rows_of(head, rows):
    """A table."""
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    """To three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(value, unit=""):
    """The median, and all rounds."""
    if value is None:
        return "-"
    return f"{number(value['median'])}{unit} ({number(value['min'])} to {number(value['max'])})"


def _head(found):
    versions = _versions(found)
    load = ", ".join(f"{at['load'][0]:g}" for at in found["load"])
    missing = "".join(f"\n**{title} is missing from this run: {why}.**\n" for title, why in found["missing"].items())
    return f"""# Zaqar's storage drivers, measured

Made by `{found["command"]}` on {found["begun"][:10]} in {found["seconds"] / 60:.0f} minutes; all of it, with each
round, is in [zaqar.json](zaqar.json). The machine has {found["machine"]["cores"]} cores
({found["machine"]["cpu"]}); its load was {load} before the four
states. Ratios within a round are what can be relied on.

{versions}.
{missing}
![Messages a second through the driver interface](zaqar-life.svg)

![How long a claim takes](zaqar-claim.svg)
"""


def _versions(found):
    packages = [f"{name} {version}" for name, version in found["versions"].items() if version is not None]
    servers = [f"{driver} on {version}" for driver, version in found["servers"].items()]
    return "; ".join((", ".join(packages), ", ".join(servers)))


def _targets(found):
    rows = [
        (target["name"], f"{target['target']:g} times", _times(target), "yes" if target["met"] else "**no**")
        for target in found["targets"]
    ]
    return "## Targets\n\nThrough the driver interface; the median of the rounds, and all of them.\n\n" + rows_of(
        ("what", "target", "measured", "met"), rows
    )


def _times(target):
    if target["measured"] is None:
        return "no figure"
    return f"{number(target['measured'])} times ({number(target['min'])} to {number(target['max'])})"


def _ratios(found):
    parts = ["## How many times as fast as\n\n`life` is a post, a share of a claim of ten, and a delete.\n"]
    for interface, title in (("driver", "Driver interface"), ("http", "HTTP")):
        rows = [
            (
                found["plan"]["states"][ratio["state"]],
                cell_title(ratio),
                found["plan"]["peers"][ratio["peer"]],
                *(spread(ratio["times"][verb]) for verb in _VERBS),
            )
            for ratio in found["ratios"]
            if ratio["interface"] == interface
        ]
        parts.append(f"### {title}\n\n" + rows_of(("queue", "clients", "against", *_VERBS), rows))
    return "\n".join(parts)


def _rates(found):
    parts = ["## Messages a second, latency, server CPU\n\nLatencies are of calls: p50 and p99, in ms.\n"]
    for interface, title in (("driver", "Driver interface"), ("http", "HTTP")):
        rows = [_rate(found, cell) for cell in found["cells"] if cell["interface"] == interface]
        head = ("queue", "clients", "driver", "life/s", *_VERBS[1:], "server CPU a message", "notes")
        parts.append(f"### {title}\n\n" + rows_of(head, rows))
    return "\n".join(parts)


def _rate(found, cell):
    name = (found["plan"]["states"][cell["state"]], cell_title(cell), found["plan"]["peers"][cell["peer"]])
    if not cell["rounds"]:
        return (*name, cell["over"], *("-" for _ in range(4)), "")
    latency = (_latency(cell["latency_ms"][verb]) for verb in _VERBS[1:])
    notes = [f"{what} ({count} times)" for what, count in cell["failures"].items()]
    notes += [f"not all rounds: {cell['over']}"] if cell["over"] else []
    return (
        *name,
        spread(cell["per_second"]["life"]),
        *latency,
        spread(cell["server_cpu_us_a_message"], " us"),
        "; ".join(notes),
    )


def _kept(found):
    lines = [
        f"- {found['plan']['states'][kept['state']]}, {found['plan']['peers'][kept['peer']]}: {_held(kept)}"
        for kept in found["kept"]
        if kept["found"] != kept["wanted"]
    ]
    if not lines:
        return "After all cells every queue held, by its driver's own count, what it had held before the first.\n"
    return (
        "Queues that did not hold in the end what they had held before, by their driver's own count. Where no call\n"
        "failed, what is too much was posted, and five claims one after the other did not find it:\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _held(kept):
    if "over" in kept["found"]:
        return f"counting took {kept['found']['over']}"
    return ", ".join(f"{kept['found'][name]:,} {name} for {kept['wanted'][name]:,}" for name in kept["wanted"])


def _latency(value):
    return "-" if value is None else f"{number(value['p50'])}, {number(value['p99'])}"


def _memory(found):
    rows = [
        (
            found["plan"]["states"][part["state"]],
            found["plan"]["peers"][part["peer"]],
            f"{part['bytes_a_message']:,.0f}",
            f"{part['resident_bytes_a_message']:,.0f}",
        )
        for part in found["memory"]
    ]
    return (
        f"""## Memory a message

Bytes, of which {found["plan"]["body_bytes"]} are the body: what Redis has allocated (used_memory), or what WiredTiger
holds in its cache; and how much the process grew.

"""
        + rows_of(("queue", "driver", "data", "process"), rows)
        + "\n![Server CPU and memory a message](zaqar-cost.svg)\n"
    )


def _shares(found):
    names = found["plan"]["parts"]
    spent, asked = [], []
    for interface, title in (("driver", "driver interface"), ("http", "HTTP, inside Zaqar")):
        for peer, part in ((peer, part[interface]) for peer, part in found["shares"].items()):
            row = title, found["plan"]["peers"][peer]
            shares = ((part["us_a_message"].get(name, 0), part["share"].get(name, 0)) for name in names)
            spent.append((*row, *(f"{time:,.0f} ({share:.0%})" for time, share in shares)))
            asked.append((*row, *(f"{part['requests_a_call'][verb]:g}" for verb in _VERBS[1:])))
    return (
        """## Where the time of a message goes

Microseconds for one message's life, one client, message by message, nothing queued. CPU of the API node's thread by
whose code it is in; what is left of the time is waiting for the server, or for a core. `HTTP, inside Zaqar` is the WSGI
application without the web server and the network.

"""
        + rows_of(("through", "driver", *names), spent)
        + "\n![Where the time of a message goes](zaqar-shares.svg)\n\n"
        + "Requests that a call makes of the server, one after the other:\n\n"
        + rows_of(("through", "driver", *_VERBS[1:]), asked)
    )


def _method(found):
    plan = found["plan"]
    return f"""## How it is measured

- Each client is a process with connections of its own. It posts ten messages of {plan["body_bytes"]} bytes, claims ten,
  and deletes them, again and again: one message a call, or `by ten`, ten in a call. A queue stays as full as it was.
- All clients use one queue. A verb's rate is messages over the time that was spent in that verb.
- The drivers take turns: {plan["rounds"]} rounds of {plan["slice_seconds"]:g} s each, all queues filled beforehand; a
  ratio is of neighbouring slices. One that is not over {plan["slice_limit"]:g} s after its time is reported as that.
- The driver interface is what Zaqar's bootstrap loads, called through its pipeline. HTTP is Zaqar's WSGI application
  under waitress, one process with as many threads as there are clients at most, and connections that are kept.
- Redis keeps nothing on a disk. MongoDB is a replica set of one, w=majority, and a majority needs no journal
  (writeConcernMajorityJournalDefault false). The stock Redis driver has a socket timeout of 60 s, not its 0.1 s: with
  that, slow claims are cut short and repeated, and each leaves messages claimed behind it.
"""
