"""A Redis for the driver's own tests, and nodes on it."""

import pytest
import redis as redis_py

from harness import planes, servers


@pytest.fixture(scope="session")
def port():
    with servers.redis_server() as found:
        yield found


@pytest.fixture
def redis(port):
    with redis_py.Redis(port=port) as client:
        client.flushall()
        yield client


@pytest.fixture
def make_node(redis, port):
    """Makes nodes on that Redis."""
    made = []

    def make(**settings):
        made.append(planes.Node("marconi", port, **settings))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node):
    return make_node()
