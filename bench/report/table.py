"""The results as a page: python -m report.table FOLDER writes results.md from the results.json in it.

Guards that nothing is left out: what is missing, what has no figure and what misses its target is in the same tables.
"""

import json
import pathlib
import sys

from bench.table import number, rows_of, spread

_OURS = "marconi-redis"
_LIFE = ("life_cpu_us", "post_cpu_us", "claim_cpu_us", "delete_cpu_us")


def main():
    """Writes the page."""
    folder = pathlib.Path(sys.argv[1])
    found = json.loads((folder / "results.json").read_text())
    (folder / "results.md").write_text(written(found))


def written(found):
    """The whole page."""
    parts = (_head, _targets, _settings, _requests, _depth, _memory, _clients, _benchmark, _half, _method)
    return "\n".join(part(found) for part in parts)


def cells(found, section):
    """The cells of a part of the run, in their order."""
    return [cell for cell in found["cells"] if cell["section"] == section]


def _head(found):
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    shares = "server and clients share its one core"
    if machine["server_cores"]:
        server, clients = _listed(machine["server_cores"]), _listed(machine["client_cores"])
        shares = f"the server has core {server}, what calls it {clients}"
    missing = "".join(f"\n**{name} is missing from this run: {why}.**\n" for name, why in found["missing"].items())
    return f"""# The queue against its peers and against the limit

Made by `{found["command"]}` on {found["begun"][:10]} in {found["seconds"] / 60:.0f} minutes ({found["plan"]["name"]}
run, {found["plan"]["rounds"]} rounds); all of it, with each round, is in [results.json](results.json), and what is
measured in [README.md](README.md). The machine: {machine["cpu"]}, {machine["cores"] or 1} cores, of which {shares};
kernel {machine["kernel"]}; load {number(found["load"]["before"])} before, {number(found["load"]["after"])} after.
Ratios within a round are what can be relied on.

{found["server"]}; {versions}.
{missing}
![Server CPU of a message's life](results-life.svg)
"""


def _listed(cores):
    return ", ".join(str(core) for core in cores)


def _targets(found):
    rows = [
        (
            target["name"],
            f"{target['bound']} {number(target['target'])} {target['unit']}",
            _measured(target),
            "yes" if target["met"] else "**no**",
        )
        for target in found["targets"]
    ]
    return "## Targets\n\nThe median of the rounds, and all of them.\n\n" + rows_of(
        ("what", "target", "measured", "met"), rows
    )


def _measured(target):
    if target["measured"] is None:
        return "no figure"
    return spread({"median": target["measured"], "min": target["min"], "max": target["max"]})


def _figure(cell, name):
    figure = cell["figures"].get(name)
    return spread(figure) if figure and "median" in figure else "-"


def _times(cell, name):
    """How many times the other ours is, of the same round."""
    figure = cell["figures"].get(name, {}).get("ours_against_it")
    return "" if figure is None else spread(figure)


def _calls(cell, step):
    figures = [cell["figures"].get(f"{step}_{part}_us", {}).get("median") for part in ("p50", "p99", "p999")]
    return "-" if figures[0] is None else " / ".join(number(figure) for figure in figures)


def _on_the_wire(found, section, words, more=()):
    head = ("setting", "queue", "life us", "post us", "claim us", "delete us", "ours against it", "lives/s", *more)
    rows = [
        (
            cell["setting"],
            cell["queue"],
            *(_figure(cell, name) for name in _LIFE),
            _times(cell, "life_cpu_us"),
            _figure(cell, "life_per_second"),
            *(_figure(cell, "aof_bytes") for _ in more),
        )
        for cell in cells(found, section)
    ]
    times = [
        (cell["setting"], cell["queue"], *(_calls(cell, step) for step in ("post", "claim", "delete")))
        for cell in cells(found, section)
    ]
    return (
        words
        + "\n\n"
        + rows_of(head, rows)
        + "\nOf a single call, from the first byte sent to the last received: p50 / p99 / p999 in us.\n\n"
        + rows_of(("setting", "queue", "post", "claim", "delete"), times)
    )


def _settings(found):
    return _on_the_wire(
        found,
        "settings",
        """## One setting at a time

Server CPU a message; the first row is the base, every other one differs from it or from `one by one` in one thing.
`lives/s` is of commands in one round trip a step. AOF bytes are of one message's life.""",
        ("AOF bytes",),
    )


def _requests(found):
    head = ("setting", "queue", "life us", "post us", "claim us", "delete us", "ours against it")
    rows = [
        (cell["setting"], cell["queue"], *(_figure(cell, name) for name in _LIFE), _times(cell, "life_cpu_us"))
        for cell in cells(found, "requests")
    ]
    return """## A request each

Server CPU a message where 64 connections send at once, and each call is a request by itself: what the server spends on
reading and answering is in it. Of raw Streams, the XADDs of a batch are one request, and so are XACK and XDEL.

""" + rows_of(head, rows)


def _depth(found):
    return (
        _on_the_wire(found, "depth", "## By what is queued, and by what is in flight\n\nBy ten, 100 B.")
        + "\n![Server CPU of a claim, by what is in the queue](results-depth.svg)\n"
    )


def _memory(found):
    rows = [
        (cell["setting"], cell["queue"], _one(cell, "bytes"), _one(cell, "bytes_over_body_and_client"))
        for cell in cells(found, "bytes")
    ]
    in_flight = (cell for cell in cells(found, "clients") if cell["setting"] == "memory, in flight")
    held = {cell["queue"]: _one(cell, "bytes_more") for cell in in_flight}
    clients = [
        (cell["queue"], _one(cell, "bytes"), held.get(cell["queue"], "-"))
        for cell in cells(found, "clients")
        if cell["setting"] == "memory, queued"
    ]
    return (
        "## Bytes a message\n\nGrowth of `used_memory`; "
        + f"{found['plan']['stored']:,} messages, measured once.\n\n"
        + rows_of(("state", "queue", "bytes", "over body and client id"), rows)
        + "\nThrough their clients, with the client ids and encodings that these choose:\n\n"
        + rows_of(("queue", "queued", "more in flight"), clients)
        + "\n![Bytes a message](results-bytes.svg)\n"
    )


def _one(cell, name):
    figure = cell["figures"].get(name)
    return number(figure["median"]) if figure and "median" in figure else "-"


def _clients(found):
    names = ("life_cpu_us", "post_cpu_us", "work_cpu_us", "client_cpu_us", "life_per_second", "post_per_second")
    rows = [
        (cell["setting"], cell["queue"], *(_figure(cell, name) for name in names), _times(cell, "life_cpu_us"))
        for cell in cells(found, "clients")
        if "life_cpu_us" in cell["figures"]
    ]
    head = (
        "setting",
        "queue",
        "life us",
        "post us",
        "work us",
        "client CPU us",
        "lives/s",
        "posts/s",
        "ours against it",
    )
    times = [
        (cell["queue"], _calls(cell, "post"), _calls(cell, "claim"))
        for cell in cells(found, "clients")
        if "post_p50_us" in cell["figures"]
    ]
    return (
        "## Through the clients\n\nServer CPU a message, and the client's own. `work` is a claim and a delete, or what"
        " the worker does instead.\n\n"
        + rows_of(head, rows)
        + "\nOf a single call of the client, one after the other: p50 / p99 / p999 in us.\n\n"
        + rows_of(("queue", "post", "claim"), times)
        + "\n![Server CPU and client CPU of a message's life](results-clients.svg)\n"
    )


def _benchmark(found):
    names = ("per_second", "server_cpu_us", "client_cpu_us")
    rows = [
        (cell["queue"], cell["setting"], *(_figure(cell, name) for name in names))
        for cell in cells(found, "one server, 64 at once")
    ]
    return "## Beside redis-benchmark\n\n64 tasks on one connection of the library, or 64 clients.\n\n" + rows_of(
        ("program", "call", "a second", "server CPU us", "client CPU us"), rows
    )


def _half(found):
    rows = [
        (
            cell["queue"],
            _calls(cell, "claim"),
            _figure(cell, "life_per_second"),
            _figure(cell, "server_busy"),
        )
        for cell in cells(found, "half load")
    ]
    return "## A claim under half load\n\np50 / p99 / p999 in us.\n\n" + rows_of(
        ("queue", "claim", "lives/s", "share of the time that the server was busy"), rows
    )


def _method(found):
    plan = found["plan"]
    return f"""## In numbers

A reading of the server's CPU is of {plan["messages"]:,} messages, a percentile of {plan["calls"]:,} calls a round. A
client posts and works off {plan["sent"]:,} messages a round, one that can do only one call at a time
{plan["sent_slowly"]:,}. In a cell with an AOF `always` or bodies of 64 KB it is a fifth of that.
"""


if __name__ == "__main__":
    main()
