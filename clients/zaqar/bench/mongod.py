"""Where the MongoDB server comes from: named, installed, or fetched ready made.

Guards that a run without MongoDB says so: there is a binary that starts here, or a reason for there being none.
"""

import os
import pathlib
import shutil
import subprocess

FETCH = pathlib.Path(__file__).with_name("fetch-mongod")


def find(folder):
    """The binary with the folder of libraries it needs, and an empty reason; or none, and why.

    MONGOD names a binary, MONGOD_LIBS the folder; else one that is installed, else it is fetched into `folder`.
    """
    named = os.environ.get("MONGOD") or shutil.which("mongod")
    if named:
        return _tried(named, os.environ.get("MONGOD_LIBS", ""))
    try:
        told = subprocess.run([FETCH, folder], check=True, stdout=subprocess.PIPE, text=True, timeout=600).stdout
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"it could not be fetched: {error}"
    binary, _, libraries = told.strip().partition("\t")
    return _tried(binary, libraries)


def _tried(binary, libraries):
    environment = os.environ | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
    try:
        subprocess.run([binary, "--version"], check=True, capture_output=True, env=environment, timeout=60)
    except subprocess.CalledProcessError as error:
        return None, f"{binary} does not start: {error.stderr.decode().strip()}"
    except OSError as error:
        return None, f"{binary} does not start: {error}"
    return (binary, libraries), ""
