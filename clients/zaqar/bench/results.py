"""What a run found, as docs/benchmarks/zaqar.json has it: ratios within a round, and the targets they are held against.

Guards that a ratio is one of figures taken in the same round, and that a target without a figure is not met.
"""

import dataclasses

from bench import figures
from bench.figures import VERBS


@dataclasses.dataclass(frozen=True)
class Target:
    """So many times as fast as a peer, by verb, in the states named; through the driver interface."""

    peer: str
    times: float
    verbs: tuple
    states: tuple | None = None

    def fits(self, ratio):
        """Whether a ratio is held against it."""
        return (
            ratio["interface"] == "driver"
            and ratio["peer"] == self.peer
            and (self.states is None or ratio["state"] in self.states)
        )


TARGETS = (
    Target("stock", 3, ("life",), ("empty",)),
    Target("stock", 50, ("claim", "life"), ("in-flight",)),
    Target("mongo", 10, ("life",)),
)
_KEY = ("state", "interface", "clients", "shape")


def ratios(cells):
    """Ours against each peer, cell by cell, of the rounds that both came to the end of."""
    ours = {tuple(cell[part] for part in _KEY): cell for cell in cells if cell["peer"] == "ours"}
    found = []
    for cell in cells:
        mine = ours.get(tuple(cell[part] for part in _KEY))
        if cell["peer"] == "ours" or mine is None:
            continue
        pairs = list(zip(mine["rounds"], cell["rounds"], strict=False))
        found.append(
            {
                **{part: cell[part] for part in _KEY},
                "peer": cell["peer"],
                "times": {verb: figures.spread([_times(*pair, verb) for pair in pairs]) for verb in VERBS},
                "over": mine["over"] or cell["over"],
            }
        )
    return found


def _times(mine, theirs, verb):
    return mine[verb] / theirs[verb] if theirs[verb] else None


def unsound(cells):
    """What a run that works does not have: cells without figures, and calls that failed."""
    for cell in cells:
        name = f"{cell['peer']}, {cell['state']}, {cell['interface']}, {cell_title(cell)}"
        if cell["over"]:
            yield f"{name}: {cell['over']}"
        for what, count in cell.get("failures", {}).items():
            yield f"{name}: {what}, {count} times"


def against_targets(found, plan, peers):
    """Every target, cell by cell: name, target, measured, met."""
    states = {state.name: state.title for state in plan.states}
    titles = {peer.name: peer.title for peer in peers}
    judged = []
    for target in TARGETS:
        for ratio in found:
            if not target.fits(ratio):
                continue
            for verb in target.verbs:
                measured = ratio["times"][verb]
                judged.append(
                    {
                        "name": f"{verb}, {states[ratio['state']]}, {cell_title(ratio)}, against {titles[target.peer]}",
                        "target": target.times,
                        "measured": measured and measured["median"],
                        "min": measured and measured["min"],
                        "max": measured and measured["max"],
                        "met": bool(measured) and measured["median"] >= target.times,
                    }
                )
    return judged


def cell_title(cell):
    """In words, without the interface."""
    clients = "1 client" if cell["clients"] == 1 else f"{cell['clients']} clients"
    return clients if cell["shape"] == "one" else f"{clients} by ten"
