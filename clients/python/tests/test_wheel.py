"""What is built carries the scripts, and runs from a clean place."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from servers import Server

ROOT = Path(__file__).parents[1]
LUA = ROOT.parents[1] / "lua"

PROGRAM = """
import sys
import marconi_redis
from marconi_redis import Store

assert "site-packages" in marconi_redis.__file__, marconi_redis.__file__
queue = Store(sys.argv[1], prefix=sys.argv[2]).queue("shop", "orders")
queue.post({"item": "tea"})
claim = queue.claim()
claim.delete(claim.messages[0])
print(claim.messages[0].body["item"], queue.stats().total)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    return out


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        hint = "\n\nThis needs the package index: is it in reach?" if "pip" in command else ""
        pytest.fail(f"{' '.join(command)}\n{done.stdout}{done.stderr}{hint}")
    return done.stdout


def test_both_carry_the_very_scripts_of_the_clone(built: Path) -> None:
    manifest = json.loads((LUA / "manifest.json").read_text())
    [wheel], [sdist] = built.glob("*.whl"), built.glob("*.tar.gz")
    stem = f"{sdist.name.removesuffix('.tar.gz')}/src"
    with zipfile.ZipFile(wheel) as in_wheel, tarfile.open(sdist) as in_sdist:
        for script in manifest["scripts"]:
            name = f"marconi_redis/lua/{script['file']}"
            member = in_sdist.extractfile(f"{stem}/{name}")
            assert member is not None
            assert hashlib.sha1(in_wheel.read(name)).hexdigest() == script["sha1"]
            assert hashlib.sha1(member.read()).hexdigest() == script["sha1"]
        of_wheel = in_wheel.read("marconi_redis/lua/manifest.json")
        assert of_wheel == (LUA / "manifest.json").read_bytes()
        assert {"marconi_redis/py.typed", "marconi_redis/LICENSE"} <= set(in_wheel.namelist())


def test_the_wheel_runs_in_a_clean_environment(
    built: Path, tmp_path: Path, the_server: Server, prefix: str
) -> None:
    [wheel] = built.glob("*.whl")
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    python = str(tmp_path / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", str(wheel))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", PROGRAM, the_server.url, prefix],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=tmp_path,
    )
    assert done.stdout == "tea 0\n", done.stderr


def test_a_script_that_is_not_the_manifests_is_not_built(tmp_path: Path) -> None:
    import shutil

    sys.path.insert(0, str(ROOT))
    from hatch_build import checked

    copy = tmp_path / "lua"
    shutil.copytree(LUA, copy)
    assert len(checked(copy)) > 50
    with (copy / "post.lua").open("ab") as script:
        script.write(b"\n")
    with pytest.raises(ValueError, match=r"post\.lua"):
        checked(copy)
