"""The example of the README, as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from servers import server

README = Path(__file__).parents[1] / "README.md"


def test_the_twenty_lines_run() -> None:
    [program] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[:1]
    assert len(program.splitlines()) <= 30
    with server() as one:
        text = program.replace("redis://127.0.0.1", one.url)
        assert text != program
        done = subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, check=False, env=os.environ
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["tea for kim", "0 left"]
