"""Zaqar's own test configurations, with both planes on one driver.

Guards that Zaqar's tests stay as they are: only the folder that they read their configuration from is another one.
"""

import configparser
import importlib.util
import pathlib
import shutil

#: These are about other drivers.
KEPT = ("faulty", "invalid", "sqlalchemy", "swift", "fifo")
#: These name a storage driver for the tests that read them.
WITH_STORAGE = ("wsgi_", "websocket_", "keystone_", "functional-zaqar")


def write(driver, uri, folder):
    """Copies the folder zaqar/tests/etc of the installed Zaqar, and puts `driver` with its `uri` in.

    There are a wsgi_DRIVER.conf and a wsgi_DRIVER_pooled.conf in it then, too; of ours, one for either clock.
    """
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_stock(), folder)
    for suffix in ("", "_pooled"):
        source, target = folder / f"wsgi_redis{suffix}.conf", folder / f"wsgi_{driver}{suffix}.conf"
        if not target.exists():
            shutil.copy(source, target)
    for path in sorted(folder.glob("*.conf")):
        _rewrite(path, driver, uri, folder)
    if driver == "marconi":
        for suffix in ("", "_pooled"):
            _write_node(folder / f"wsgi_{driver}{suffix}.conf", driver)


def _write_node(path, driver):
    """The same by the clock of the process, for tests that move that one: NAME_node.conf."""
    conf = configparser.RawConfigParser(strict=False)
    conf.read(path)
    for plane in ("message_store", "management_store"):
        conf.set(f"drivers:{plane}:{driver}", "clock", "node")
    with path.with_name(f"{path.stem}_node.conf").open("w") as handle:
        conf.write(handle)


def _stock():
    found = importlib.util.find_spec("zaqar")
    return pathlib.Path(found.origin).parent / "tests" / "etc"


def _rewrite(path, driver, uri, folder):
    conf = configparser.RawConfigParser(strict=False)
    conf.read(path)
    kept = KEPT if driver == "redis" else (*KEPT, "wsgi_redis")
    if conf.has_section("drivers") and path.name.startswith(WITH_STORAGE) and not any(k in path.name for k in kept):
        for plane in ("message_store", "management_store"):
            conf.set("drivers", plane, driver)
            section = f"drivers:{plane}:{driver}"
            if not conf.has_section(section):
                conf.add_section(section)
            conf.set(section, "uri", uri)
    if not conf.has_section("oslo_policy"):
        conf.add_section("oslo_policy")
    conf.set("oslo_policy", "policy_file", str(folder / "policy.yaml"))
    with path.open("w") as handle:
        conf.write(handle)
