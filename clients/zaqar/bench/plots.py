"""The plots of the results, as SVG that can be read on a light and on a dark page.

Guards that every plot says what it shows: an axis has its unit, and what has no figure has no bar.
"""

import math

import matplotlib as mpl
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

#: Of middle lightness, so that they stand out from white and from black.
INK = "#7d8590"
_COLOURS = {"ours": "#1f9e77", "stock": "#d9730d", "mongo": "#7c6fd6"}
#: As many as a request has parts; the last one, waiting, is grey.
_PARTS = ("#1f9e77", "#4c8fd6", "#d9a60d", "#b0529c", "#d9730d", "#8a8f98")
STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 11,
    "axes.titlesize": 12,
    "legend.frameon": False,
    "svg.hashsalt": "zaqar",
    "savefig.transparent": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def draw(found, out, kind="svg"):
    """Draws all of them into a folder."""
    with mpl.rc_context(STYLE):
        for name, plot in (("life", _life), ("claim", _claim), ("cost", _cost), ("shares", _shares)):
            figure = plot(found)
            figure.savefig(out / f"zaqar-{name}.{kind}", metadata={"Date": None} if kind == "svg" else None)
            pyplot.close(figure)


def _cells(found, peer, state, clients):
    """The cell of the driver interface, message by message; None where there are no figures."""
    wanted = {"peer": peer, "state": state, "clients": clients, "interface": "driver", "shape": "one"}
    for cell in found["cells"]:
        if cell["rounds"] and all(cell[name] == value for name, value in wanted.items()):
            return cell
    return None


def _by_state(axes, found, value, spread=None):
    """Bars of all drivers, side by side, for each state of the queue."""
    states, peers = found["plan"]["states"], found["plan"]["peers"]
    width = 0.8 / len(peers)
    for number, (peer, title) in enumerate(peers.items()):
        places = [at + (number - (len(peers) - 1) / 2) * width for at in range(len(states))]
        values = [value(peer, state) for state in states]
        shown = [(place, height) for place, height in zip(places, values, strict=True) if height is not None]
        axes.bar(
            [place for place, _ in shown],
            [height for _, height in shown],
            width * 0.92,
            label=title,
            color=_COLOURS[peer],
        )
        # Within the bar where a line goes up from it.
        where = {"xytext": (0, -10), "color": "white"} if spread else {"xytext": (0, 2)}
        for place, height in shown:
            axes.annotate(short(height), (place, height), textcoords="offset points", ha="center", fontsize=8, **where)
        if spread:
            ends = [spread(peer, state) for state in states]
            for place, end in zip(places, ends, strict=True):
                if end:
                    axes.vlines(place, *end, color=INK, linewidth=1)
    axes.set_xticks(range(len(states)), [title.replace(" ", "\n", 1) for title in states.values()])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))


def ground(*several):
    """Stands the bars of a log scale on a power of ten well below them, once all are drawn."""
    least = min(bar.get_height() for axes in several for bar in axes.patches)
    most = max(axes.get_ylim()[1] for axes in several)
    for axes in several:
        # With room for the figure over the highest bar.
        axes.set_ylim(10 ** math.floor(math.log10(least / 2)), most * 1.3)


def _pair(found, title, unit):
    """Two plots over each other's axis: one client, and many."""
    many = max(cell["clients"] for cell in found["cells"])
    figure, both = pyplot.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    figure.suptitle(title)
    for axes, clients in zip(both, (1, many), strict=True):
        axes.set_title("1 client" if clients == 1 else f"{clients} clients")
        axes.set_yscale("log")
    both[0].set_ylabel(unit)
    return figure, zip(both, (1, many), strict=True)


def _life(found):
    figure, pairs = _pair(found, "Post, claim (of ten) and delete, message by message", "messages a second, log scale")
    for axes, clients in pairs:

        def rate(peer, state, of="median", clients=clients):
            cell = _cells(found, peer, state, clients)
            return cell and cell["per_second"]["life"][of]

        _by_state(axes, found, rate)
    ground(*figure.axes)
    legend(figure, axes)
    return figure


def _claim(found):
    figure, pairs = _pair(found, "A claim of ten: median; the line goes up to the 99th percentile", "ms, log scale")
    for axes, clients in pairs:

        def latency(peer, state, of="p50", clients=clients):
            cell = _cells(found, peer, state, clients)
            return cell and cell["latency_ms"]["claim"] and cell["latency_ms"]["claim"][of]

        def tail(peer, state, latency=latency):
            ends = latency(peer, state), latency(peer, state, "p99")
            return ends if None not in ends else None

        _by_state(axes, found, latency, tail)
    ground(*figure.axes)
    legend(figure, axes)
    return figure


def _cost(found):
    figure, (cpu, memory) = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    cpu.set_title("Server CPU for a message's life, 1 client")
    cpu.set_ylabel("microseconds, log scale")
    cpu.set_yscale("log")

    def used(peer, state):
        cell = _cells(found, peer, state, 1)
        return cell and cell["server_cpu_us_a_message"] and cell["server_cpu_us_a_message"]["median"]

    def taken(peer, state):
        return next(
            (part["bytes_a_message"] for part in found["memory"] if part["peer"] == peer and part["state"] == state),
            None,
        )

    _by_state(cpu, found, used)
    ground(cpu)
    memory.set_title(f"Memory for a message of {found['plan']['body_bytes']} bytes")
    memory.set_ylabel("bytes")
    _by_state(memory, found, taken)
    memory.axhline(found["plan"]["body_bytes"], color=INK, linewidth=1, linestyle=":")
    memory.set_xlim(0.5)
    legend(figure, cpu)
    return figure


def _shares(found):
    figure, both = pyplot.subplots(2, 1, figsize=(10, 4.6), layout="constrained")
    figure.suptitle("Where the time of a message's life goes: 1 client, nothing queued")
    titles = (("driver", "driver interface"), ("http", "HTTP, inside Zaqar"))
    for axes, (interface, title) in zip(both, titles, strict=True):
        peers = list(found["shares"])
        begun = [0.0] * len(peers)
        for colour, name in zip(_PARTS, found["plan"]["parts"], strict=True):
            widths = [found["shares"][peer][interface]["us_a_message"].get(name, 0) for peer in peers]
            rows = [found["plan"]["peers"][peer] for peer in peers]
            axes.barh(rows, widths, 0.7, left=begun, label=name, color=colour)
            begun = [left + width for left, width in zip(begun, widths, strict=True)]
        axes.invert_yaxis()
        axes.set_title(title, loc="left")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    both[1].set_xlabel("microseconds")
    legend(figure, both[0], 3)
    return figure


def legend(figure, axes, columns=3):
    """Below all plots of a figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def short(value):
    """Two digits: the page has all of them."""
    if value >= 1e6:
        return f"{value / 1e6:.2g}M"
    if value >= 1e3:
        return f"{value / 1e3:.2g}k" if value < 1e5 else f"{value / 1e3:.0f}k"
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
