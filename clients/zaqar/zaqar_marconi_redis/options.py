"""The options of the driver, for both planes.

Guards that a pool can be told apart from its neighbours by its URI alone: all else has a default that fits.
"""

from oslo_config import cfg

from zaqar_marconi_redis import NAME

URI = cfg.StrOpt(
    "uri",
    default=f"{NAME}://127.0.0.1:6379",
    secret=True,
    help=(
        "Where Redis is: a server, marconi://[user:password@]host[:port][?options]; a server behind a unix socket, "
        "marconi://[user:password@]/path/to/redis.sock[?options]; what Sentinels look after, "
        "marconi://[user:password@]host1[:port1],host2[:port2]?master=NAME[&options]; a cluster, "
        "marconi://[user:password@]host1[:port1],host2[:port2]?cluster=true[&options]. A password alone is written "
        ":password@. Options: dbid (0), socket_timeout in seconds (1), sentinel_username, sentinel_password; "
        "tls (false), tls_ca, tls_cert, tls_key (paths), tls_verify (true)."
    ),
)
PREFIX = cfg.StrOpt(
    "prefix",
    default="mq",
    help=(
        "What the names of all keys begin with. Every program that shares the queues needs the same one. Topics begin "
        "with it and .topics."
    ),
)
DEADLINE = cfg.FloatOpt(
    "deadline",
    default=10.0,
    min=0.1,
    help=(
        "How long one operation may take, in seconds. What is safe to repeat is repeated until then, over restarts and "
        "failovers of Redis."
    ),
)
CLOCK = cfg.StrOpt(
    "clock",
    default="server",
    choices=[
        ("server", "The clock of the Redis server: all API nodes go by one clock."),
        ("node", "Whole seconds of this process's clock, as Zaqar's other drivers: for tests that move it."),
    ],
    help="By which clock messages and claims live.",
)
OPTIONS = [URI, PREFIX, DEADLINE, CLOCK]
DATA_GROUP = f"drivers:message_store:{NAME}"
CONTROL_GROUP = f"drivers:management_store:{NAME}"


def list_opts():
    """For the sample configuration: oslo.config.opts."""
    return [(DATA_GROUP, OPTIONS), (CONTROL_GROUP, OPTIONS)]
