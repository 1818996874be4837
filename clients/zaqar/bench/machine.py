"""On what machine and with which versions a run took place.

Guards that a figure can be read a year later: every version that it depends on stands beside it, exactly.
"""

import importlib.metadata
import os
import pathlib
import platform

_PACKAGES = (
    "zaqar",
    "zaqar-marconi-redis",
    "marconi-redis",
    "redis",
    "hiredis",
    "pymongo",
    "falcon",
    "oslo.cache",
    "waitress",
)


def versions():
    """Of Python and of the packages that take part; None for one that is not there."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


def described():
    """The machine itself."""
    return {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(), "memory_mib": _memory()}


def _cpu():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
