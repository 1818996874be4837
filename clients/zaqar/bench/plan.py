"""What is measured, and for how long: the full run, and a small one that only shows that everything works.

Guards that both run the same code: they differ in numbers alone.
"""

import dataclasses

PROJECT = "shop"
QUEUE = "orders"
#: Messages that one life of the measured loop posts, claims in one claim, and deletes.
BATCH = 10
BODY_BYTES = 1024
MESSAGE_TTL = 3600
#: Zaqar's transports ask for these when the caller doesn't: a claim of 300 s, 60 s of grace.
CLAIM = {"ttl": 300, "grace": 60}
#: What is in flight before the measurement begins stays so for its whole time.
HELD = {"ttl": 3600, "grace": 60}


@dataclasses.dataclass(frozen=True)
class State:
    """What is in the queue, all the time, while it is measured."""

    name: str
    title: str
    queued: int = 0
    in_flight: int = 0


@dataclasses.dataclass(frozen=True)
class Cell:
    """Through which interface, by how many clients at once, and in which shape.

    The shape `one` posts and deletes message by message, `ten` posts ten in a call and deletes ten in a call; both
    claim ten.
    """

    interface: str
    clients: int
    shape: str

    @property
    def name(self):
        """As it stands in the results."""
        return f"{self.interface}, {self.clients} client{'s' * (self.clients > 1)}, {self.shape} a call"


@dataclasses.dataclass(frozen=True)
class Plan:
    """All numbers of a run. Seconds, all of them."""

    name: str
    states: tuple
    cells: tuple
    rounds: int
    #: How long a driver is measured before it is the next one's turn.
    slice_seconds: float
    #: How long beyond that a slice may take to come to its end; one that doesn't is reported as over that.
    slice_limit: float
    #: How long filling a queue may take.
    fill_limit: float
    #: How long each driver is sampled for the shares of a request.
    sampled_seconds: float


def _states(small, large, in_flight):
    return (
        State("empty", "nothing queued"),
        State("queued-small", f"{small:,} queued", queued=small),
        State("queued-large", f"{large:,} queued", queued=large),
        State("in-flight", f"{in_flight:,} in flight", in_flight=in_flight),
    )


def _cells(many):
    return tuple(
        Cell(interface, clients, shape)
        for interface in ("driver", "http")
        for clients, shape in ((1, "one"), (many, "one"), (1, "ten"))
    )


FULL = Plan(
    "full",
    _states(10_000, 100_000, 20_000),
    _cells(16),
    rounds=5,
    slice_seconds=2.0,
    slice_limit=60.0,
    fill_limit=240.0,
    sampled_seconds=6.0,
)
SMALL = Plan(
    "small",
    _states(50, 200, 100),
    _cells(2),
    rounds=2,
    slice_seconds=0.2,
    slice_limit=30.0,
    fill_limit=60.0,
    sampled_seconds=0.5,
)
PLANS = {plan.name: plan for plan in (FULL, SMALL)}
