"""Carries the scripts of the clone into what is built.

Guards that they are the very bytes that the manifest describes: a build of others fails.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ScriptsHook(BuildHookInterface[Any]):
    """Puts `lua/` of the clone beside the package; an sdist has it there already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        in_sdist = root / "src" / "marconi_redis" / "lua"
        clone = root.parent.parent
        lua = in_sdist if in_sdist.is_dir() else clone / "lua"
        files = checked(lua)
        # An editable install finds the clone by itself.
        if lua == in_sdist or version == "editable":
            return
        package = "src/marconi_redis" if self.target_name == "sdist" else "marconi_redis"
        carried = build_data["force_include"]
        carried[str(clone / "LICENSE")] = f"{package}/LICENSE"
        for file in files:
            carried[str(lua / file)] = f"{package}/lua/{file}"


def checked(lua: Path) -> list[str]:
    """The manifest and its scripts. Raises where one is not what the manifest describes."""
    manifest = json.loads((lua / "manifest.json").read_bytes())
    for script in manifest["scripts"]:
        found = hashlib.sha1((lua / script["file"]).read_bytes(), usedforsecurity=False)
        if found.hexdigest() != script["sha1"]:
            raise ValueError(f"{lua / script['file']} is not the file that the manifest describes")
    return ["manifest.json", *(script["file"] for script in manifest["scripts"])]
