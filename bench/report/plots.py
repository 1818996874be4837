"""The plots of the results: python -m report.plots FOLDER draws results-*.svg from the results.json in it.

Guards that every plot says what it shows: an axis has its unit, and what has no figure has no bar.
"""

import json
import pathlib
import sys

import matplotlib as mpl
from matplotlib import pyplot

from bench.plots import STYLE, legend, short
from report.table import cells

_COLOURS = {
    "marconi-redis": "#1f9e77",
    "raw Streams": "#4c8fd6",
    "shape without rules": "#8a8f98",
    "BullMQ": "#d9730d",
    "apalis-redis": "#b0529c",
    "Zaqar's Redis driver": "#7c6fd6",
}


def main():
    """Draws all of them."""
    folder = pathlib.Path(sys.argv[1])
    found = json.loads((folder / "results.json").read_text())
    draw(found, folder, "png" if "--png" in sys.argv else "svg")


def draw(found, folder, kind="svg"):
    """Draws all of them into a folder."""
    plots = {"life": _life, "depth": _depth, "bytes": _bytes, "clients": _clients}
    with mpl.rc_context(STYLE | {"svg.hashsalt": "marconi"}):
        for name, plot in plots.items():
            figure = plot(found)
            figure.savefig(folder / f"results-{name}.{kind}", metadata={"Date": None} if kind == "svg" else None)
            pyplot.close(figure)


def _bars(axes, found, section, figure, title, unit, settings=None):
    """Bars of all queues, side by side, for each setting; a line from the smallest to the largest round."""
    chosen = [cell for cell in cells(found, section) if "median" in cell["figures"].get(figure, {})]
    settings = settings or list(dict.fromkeys(cell["setting"] for cell in chosen))
    queues = [queue for queue in _COLOURS if any(cell["queue"] == queue for cell in chosen)]
    width = 0.8 / max(1, len(queues))
    for place, queue in enumerate(queues):
        mine = {cell["setting"]: cell["figures"][figure] for cell in chosen if cell["queue"] == queue}
        for at, setting in enumerate(settings):
            if setting in mine:
                x = at + (place - (len(queues) - 1) / 2) * width
                _bar(axes, x, width, mine[setting], queue)
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.set_xticks(range(len(settings)), [setting.replace(", ", "\n") for setting in settings], fontsize=9)
    axes.margins(y=0.1)


def _bar(axes, x, width, figure, queue):
    axes.bar(x, figure["median"], width * 0.92, color=_COLOURS[queue], label=queue)
    axes.vlines(x, figure["min"], figure["max"], color="#7d8590", linewidth=1)
    top = max(figure["median"], figure["max"])
    where = {"textcoords": "offset points", "xytext": (0, 2), "ha": "center", "fontsize": 8}
    axes.annotate(short(figure["median"]), (x, top), **where)


def _once(figure, *several):
    """A legend in which every queue stands once, whichever plot it is in."""
    named = {}
    for axes in several:
        handles, labels = axes.get_legend_handles_labels()
        named.update(zip(labels, handles, strict=True))

    class Named:
        """What the legend asks axes for."""

        @staticmethod
        def get_legend_handles_labels():
            return list(named.values()), list(named)

    legend(figure, Named, min(4, len(named)))


def _life(found):
    figure, axes = pyplot.subplots(figsize=(10, 4.2), layout="constrained")
    small = ["one by one, 100 B", "by ten, 100 B", "by 100, 100 B", "by ten, 1 KB", "by ten, 100 B, AOF everysec"]
    title = "Post, claim and delete of a message: the server's CPU"
    _bars(axes, found, "settings", "life_cpu_us", title, "microseconds a message", small)
    _once(figure, axes)
    return figure


def _depth(found):
    figure, both = pyplot.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    figure.suptitle("A claim of ten: the server's CPU")
    for axes, state in zip(both, ("queued", "in flight"), strict=True):
        settings = [cell["setting"] for cell in cells(found, "depth") if cell["setting"].endswith(state)]
        unit = "microseconds a message" if axes is both[0] else ""
        _bars(axes, found, "depth", "claim_cpu_us", "", unit, list(dict.fromkeys(settings)))
    _once(figure, *both)
    return figure


def _bytes(found):
    figure, (wire, clients) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    settings = ["queued, 100 B, one ttl", "in flight, 100 B, 10 a claim"]
    _bars(wire, found, "bytes", "bytes", "On the wire", "bytes a message", settings)
    wire.axhline(100, color="#7d8590", linewidth=1, linestyle=":")
    _bars(clients, found, "clients", "bytes", "Queued through the clients", "", ["memory, queued"])
    clients.set_xticks([])
    clients.axhline(100, color="#7d8590", linewidth=1, linestyle=":")
    _once(figure, wire, clients)
    return figure


def _clients(found):
    figure, (server, client) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    settings = ["single, 64 at once", "by ten, 8 at once"]
    unit = "microseconds a message, log scale"
    _bars(server, found, "clients", "life_cpu_us", "A message's life: the server's CPU", unit, settings)
    _bars(client, found, "clients", "client_cpu_us", "The client's own CPU", "", settings)
    for axes in (server, client):
        axes.set_yscale("log")
        axes.margins(y=0.1)
    _once(figure, server, client)
    return figure


if __name__ == "__main__":
    main()
