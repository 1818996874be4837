"""An API node of Zaqar in this process, as zaqar-server makes it from a configuration file; run as a program, a server.

Guards that what is measured is Zaqar as it is deployed: its own bootstrap loads the drivers by their entry points.
"""

import contextlib
import logging
import pathlib
import sys

from oslo_config import cfg
from oslo_log import log
from zaqar import bootstrap
from zaqar.conf import default

from harness import servers


def boot(configuration):
    """Zaqar's bootstrap; its `storage` has the controllers, its `transport.app` is the WSGI application."""
    conf = cfg.ConfigOpts()
    conf.register_cli_opts([default.admin_mode])
    log.register_options(conf)
    conf(project="zaqar", prog="zaqar-server", args=[], default_config_files=[str(configuration)])
    logging.getLogger().setLevel(logging.ERROR)
    # It complains of its own default, also where no profiling is asked for.
    logging.getLogger("osprofiler").setLevel(logging.CRITICAL)
    return bootstrap.Bootstrap(conf)


@contextlib.contextmanager
def serving(configuration, threads):
    """The WSGI application under waitress in a process of its own; yields its port."""
    port = servers.free_port()
    output = pathlib.Path(configuration).with_name("api.log")
    command = [sys.executable, "-m", "bench.node", str(configuration), str(port), str(threads)]
    with servers.running(command, output, port):
        yield port


def _serve(configuration, port, threads):
    import waitress  # only the server's process needs it

    application = boot(configuration).transport.app
    logging.getLogger("waitress").setLevel(logging.ERROR)
    waitress.serve(application, host="127.0.0.1", port=int(port), threads=int(threads))


if __name__ == "__main__":
    _serve(*sys.argv[1:])
