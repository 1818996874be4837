"""Workers of the mixed test, each a process of its own: `python workers.py KIND URL NAME LEDGER`.

Guards the order that makes a kill harmless: first the claim, then a line in the ledger, then the
delete, then a line that it was done. Before every seventh deletion the worker sleeps until its claim
has lapsed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from marconi_redis import (
    Claim,
    ClaimDoesNotExist,
    MessageNotClaimed,
    MessageNotClaimedBy,
    Queue,
    Store,
)

TTL = 0.4
LIMIT = 20
#: What the command line says to who is too late: NOTCLAIMED, NOTYOURS, CLAIMGONE.
TOO_LATE = {"NOTCLAIMED", "NOTYOURS", "CLAIMGONE"}


@dataclass
class Held:
    """A claim of either kind."""

    claim: str
    fence: int
    messages: list[tuple[str, int]]
    of: Any


class InPython:
    """Works by this package."""

    def __init__(self, url: str, name: str) -> None:
        self.queue: Queue = Store(url).queue("shop", "orders")
        self.name = name

    def claim(self) -> Held | None:
        claim = self.queue.claim(ttl=TTL, grace=60, limit=LIMIT, worker=self.name, wait=1)
        if claim is None:
            return None
        return Held(claim.id, claim.fence, [(one.id, one.body["number"]) for one in claim], claim)

    def delete(self, held: Held) -> int | None:
        """How many were there; None where it is too late."""
        claim: Claim = held.of
        try:
            return claim.delete_all()
        except (ClaimDoesNotExist, MessageNotClaimed, MessageNotClaimedBy):
            return None


class InRust:
    """Works by the command line, which is the crate."""

    def __init__(self, url: str, name: str, binary: str) -> None:
        self.command = [binary, "--json", "--project", "shop"]
        self.environment = os.environ | {"MARCONI_REDIS": url}
        self.name = name

    def _run(self, *words: str) -> tuple[dict[str, Any] | None, str]:
        done = subprocess.run(
            [*self.command, *words],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
        )
        if done.returncode == 0:
            return json.loads(done.stdout), ""
        return None, json.loads(done.stderr)["error"]["word"]

    def claim(self) -> Held | None:
        terms = ["--ttl", f"{TTL * 1000:.0f}ms", "--grace", "60s", "--limit", str(LIMIT)]
        found, word = self._run("claim", "orders", *terms, "--worker", self.name, "--wait", "1s")
        if found is None:
            raise RuntimeError(word)
        if found["claim"] is None:
            return None
        messages = [(one["id"], one["body"]["number"]) for one in found["messages"]]
        return Held(found["claim"]["id"], found["claim"]["fence"], messages, None)

    def delete(self, held: Held) -> int | None:
        ids = [id for id, _ in held.messages]
        found, word = self._run("delete", "orders", *ids, "--claim", held.claim)
        if found is None and word not in TOO_LATE:
            raise RuntimeError(word)
        return None if found is None else int(found["deleted"])


def work(worker: InPython | InRust, ledger: TextIO) -> None:
    """Until it is ended."""
    rounds = 0
    while True:
        held = worker.claim()
        if held is None:
            continue
        rounds += 1
        note(ledger, "done", held)
        if rounds % 7 == 0:
            # Slept past its deadline: from then on it must not delete anything.
            time.sleep(TTL * 1.2)
        deleted = worker.delete(held)
        # None are there where it was too late, and who had them next has deleted them all.
        note(ledger, f"deleted {deleted}" if deleted else "too late", held)


def note(ledger: TextIO, what: str, held: Held) -> None:
    ids = [id for id, _ in held.messages]
    numbers = [number for _, number in held.messages]
    entry = {"what": what, "claim": held.claim, "fence": held.fence, "ids": ids, "numbers": numbers}
    ledger.write(json.dumps(entry) + "\n")
    ledger.flush()


def entries(ledgers: Path) -> Iterator[dict[str, Any]]:
    """What all workers noted. A line that a kill cut short is none."""
    for file in sorted(ledgers.glob("*.jsonl")):
        for line in file.read_text().split("\n")[:-1]:
            yield json.loads(line) | {"worker": file.stem}


if __name__ == "__main__":
    kind, url, name, path, *binary = sys.argv[1:]
    chosen = InPython(url, name) if kind == "python" else InRust(url, name, binary[0])
    with Path(path).open("a") as file:
        work(chosen, file)
