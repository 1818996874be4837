#!/usr/bin/env python3
"""Runs Zaqar's own suites on a storage driver, and the real service after them: run.py [DRIVER ...] --out DIR.

Guards the count: what a suite says is read from pytest's own report, and one failure, error or suite without a test
makes this end with 1. DRIVER is marconi (the default), redis or mongodb; the stock ones are measured, not judged.
"""

import argparse
import os
import pathlib
import subprocess
import sys
from xml.etree import ElementTree

from harness import configs, servers, service

HERE = pathlib.Path(__file__).parent
#: What a driver's suites need to know of it: the class and the module that test_health patches.
OURS = {"DATA_DRIVER": "zaqar_marconi_redis.driver:DataDriver", "MESSAGES": "zaqar_marconi_redis.messages"}
STOCK_REDIS = {"DATA_DRIVER": "zaqar.storage.redis.driver:DataDriver", "MESSAGES": "zaqar.storage.redis.messages"}
WSGI = ["--pyargs", "zaqar.tests.unit.transport.wsgi"]
WEBSOCKET = ["-p", "zaqar.transport.websocket.driver", "--pyargs", "zaqar.tests.unit.transport.websocket"]


def storage(driver):
    """Where the storage controller tests of a driver are."""
    if driver == "marconi":
        return [str(HERE / "suites" / "test_storage.py")]
    return ["--pyargs", f"zaqar.tests.unit.storage.test_impl_{driver}"]


def suites(driver, wanted):
    """The names of the suites and their arguments to pytest."""
    known = {"storage": storage(driver), "wsgi": WSGI, "websocket": WEBSOCKET}
    if driver == "marconi":
        known |= {"driver": [str(HERE / "unit")], "defects": [str(HERE / "test_defects.py")]}
    return {name: arguments for name, arguments in known.items() if not wanted or name in wanted}


def environment(driver, port, folder):
    """What Zaqar's tests, and the plug-in, are told."""
    uri = f"{driver}://127.0.0.1:{port}"
    configs.write(driver, uri, folder)
    told = {
        "ZAQAR_TESTS_CONFIGS_DIR": str(folder),
        "ZAQAR_TEST_MONGODB": "1",
        "ZAQAR_TEST_MONGODB_URL": uri,
        "ZAQAR_TEST_SLOW": "1",
        "PYTHONPATH": str(HERE),
        # Deprecations of Zaqar and oslo are theirs.
        "PYTHONWARNINGS": "ignore",
    }
    if driver != "mongodb":
        told |= {"PURGE_PORT": str(port), "ZAQAR_TEST_REDIS": "1", "ZAQAR_TEST_REDIS_URL": uri}
        told |= OURS if driver == "marconi" else STOCK_REDIS
    return os.environ | told


def run_suite(name, driver, arguments, environ, out):
    """Runs one suite; answers how many passed, failed and were skipped."""
    report, log = out / f"{driver}-{name}.xml", out / f"{driver}-{name}.log"
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "harness.shim",
        "-rs",
        "--timeout",
        "120",
        "--rootdir",
        str(HERE),
        "-c",
        str(HERE / "pytest.ini"),
        f"--junitxml={report}",
        *arguments,
    ]
    with log.open("w") as output:
        subprocess.run(command, env=environ, cwd=HERE, stdout=output, stderr=subprocess.STDOUT, timeout=3600)
    if not report.exists():
        raise SystemExit(f"{driver} {name}: pytest wrote no report; see {log}")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        outcome = {child.tag for child in case} & {"failure", "error", "skipped"}
        kind = "failed" if outcome & {"failure", "error"} else "skipped" if outcome else "passed"
        counts[kind] += 1
        if kind == "failed" and driver == "marconi":
            print(f"  FAILED {case.get('classname')}.{case.get('name')}", flush=True)
    return counts


def line(name, counts):
    """One line a suite, in the form that CI reads."""
    return f"{name}: " + ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped"))


def prove(out):
    """Runs the tests of the defects on the stock driver: each has to fail there, by what it asserts."""
    arguments = ["--timeout", "60", str(HERE / "test_defects.py")]
    run_suite("defects", "redis", arguments, os.environ | {"STORAGE_DRIVER": "redis", "PYTHONPATH": str(HERE)}, out)
    shown = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(out / "redis-defects.xml").getroot().iter("testcase"):
        said = [child.get("message") or "" for child in case if child.tag == "failure"]
        # An error before the test, or a test that hangs, shows nothing.
        good = any("Timeout (>" not in message for message in said)
        shown["passed" if good else "failed"] += 1
        if not good:
            print(f"  NOT SHOWN on the stock driver: {case.get('name')}", flush=True)
    return shown


def measure(driver, wanted, out):
    """All suites of one driver on a server of its own; answers whether all is well."""
    server = (
        servers.redis_server()
        if driver != "mongodb"
        else servers.mongo_server(os.environ["MONGOD"], os.environ.get("MONGOD_LIBS", ""))
    )
    good = True
    with server as port:
        environ = environment(driver, port, out / f"etc-{driver}")
        for name, arguments in suites(driver, wanted).items():
            counts = run_suite(name, driver, arguments, environ, out)
            good = good and counts["failed"] == 0 and counts["passed"] > 0
            print(line(name if driver == "marconi" else f"stock {driver} {name}", counts), flush=True)
    return good


def main():
    """The suites of each driver that is named, then the service on ours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("drivers", nargs="*", default=["marconi"])
    parser.add_argument("--suite", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="where logs and reports go")
    asked = parser.parse_args()
    asked.out = asked.out.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    good = True
    for driver in asked.drivers:
        well = measure(driver, asked.suite, asked.out)
        good = good and (well or driver != "marconi")
    if "marconi" in asked.drivers and not asked.suite:
        for name, counts in (
            ("defects shown on the stock driver", prove(asked.out)),
            ("service", service.drive(asked.out)),
        ):
            good = good and counts["failed"] == 0 and counts["passed"] > 0
            print(line(name, counts), flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
