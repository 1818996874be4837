"""What the tests share: one server for all, a prefix of its own for each, and a clock that stands."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from marconi_redis import Queue, Store
from proxies import Proxy, proxy
from servers import Server, server

_NUMBERS = itertools.count()
NOW = 1_700_000_000_000


class Clock:
    """A time that stands until it is moved on."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


@pytest.fixture(scope="session")
def the_server() -> Iterator[Server]:
    with server() as one:
        yield one


@pytest.fixture
def prefix() -> str:
    return f"t{next(_NUMBERS)}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(the_server: Server, prefix: str, clock: Clock) -> Iterator[Store]:
    """Goes by the clock that stands."""
    with Store(the_server.url, prefix=prefix, clock=clock, client="me") as one:
        yield one


@pytest.fixture
def live(the_server: Server, prefix: str) -> Iterator[Store]:
    """Goes by the server's clock."""
    with Store(the_server.url, prefix=prefix, client="me") as one:
        yield one


@pytest.fixture
def queue(store: Store) -> Queue:
    return store.queue("shop", "orders")


@pytest.fixture
def wire(the_server: Server) -> Iterator[Proxy]:
    with proxy(the_server.socket) as one:
        yield one
