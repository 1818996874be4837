"""Workers in Rust and in Python on one queue at once, some killed, some too late."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

import workers
from marconi_redis import NewMessage, Store
from servers import Server, server

CLONE = Path(__file__).parents[3]
MESSAGES = 6_000
EACH_KIND = 3


def marconi() -> str:
    """The command line as cargo has built it last. A test that skipped it would prove nothing."""
    named = os.environ.get("MARCONI")
    target = Path(os.environ.get("CARGO_TARGET_DIR", CLONE / "target"))
    places = [Path(named)] if named else [target / how / "marconi" for how in ("release", "debug")]
    built = [place for place in places if place.is_file()]
    if built:
        return str(max(built, key=lambda place: place.stat().st_mtime))
    pytest.fail(f"no marconi at {places}: build it with `cargo build`, or name it: MARCONI=…")


def start(kind: str, one: Server, number: int, ledgers: Path, binary: str) -> subprocess.Popen[bytes]:
    name = f"{kind}-{number}"
    command = [sys.executable, workers.__file__, kind, one.url, name]
    command += [str(ledgers / f"{name}.jsonl"), binary]
    # A group of its own, so that a kill takes along the command that is under way.
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def post_all(url: str, binary: str) -> None:
    """Half by each kind."""
    queue = Store(url).queue("shop", "orders")
    for first in range(0, MESSAGES // 2, 250):
        queue.post_many([NewMessage({"number": first + n}) for n in range(250)], token=f"t{first}")
    lines = "\n".join(json.dumps({"number": n}) for n in range(MESSAGES // 2, MESSAGES))
    rust(binary, url, "post", "orders", standard_input=lines)


def rust(binary: str, url: str, *words: str, standard_input: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [binary, "--json", "--project", "shop", *words],
        input=standard_input,
        text=True,
        check=False,
        capture_output=True,
        env=os.environ | {"MARCONI_REDIS": url},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_mixed_workers_lose_nothing_and_never_share_a_message(tmp_path: Path) -> None:
    binary = marconi()
    with server() as one, Store(one.url) as store:
        post_all(one.url, binary)
        queue = store.queue("shop", "orders")
        assert queue.stats().free == MESSAGES
        running = [
            start(kind, one, number, tmp_path, binary)
            for number in range(EACH_KIND)
            for kind in ("python", "rust")
        ]
        begun = time.monotonic()
        try:
            # One of each kind dies in the middle of its work.
            for victim in running[:2]:
                until_left(queue, MESSAGES * 3 // 4, running)
                kill(victim)
            until_left(queue, 0, running[2:])
            took = time.monotonic() - begun
        finally:
            for process in running:
                if process.poll() is None:
                    kill(process)
        print(judge(list(workers.entries(tmp_path))), f"in {took:.1f} s")
        assert queue.check() == []
        assert rust(binary, one.url, "check")["violations"] == []


def until_left(queue: Any, left: int, running: list[subprocess.Popen[bytes]]) -> None:
    give_up = time.monotonic() + 90
    while queue.stats().total > left:
        for process in running:
            if process.poll() not in (None, -signal.SIGKILL):
                error = process.stderr.read().decode() if process.stderr else ""
                pytest.fail(f"a worker ended by itself: {error}")
        assert time.monotonic() < give_up, queue.stats()
        time.sleep(0.02)


def judge(found: list[dict[str, Any]]) -> str:
    """Each at least once; each deletion under one claim, which was the last one to have it."""
    done: dict[int, list[dict[str, Any]]] = defaultdict(list)
    deleted: Counter[int] = Counter()
    for entry in found:
        if entry["what"] == "done":
            for number in entry["numbers"]:
                done[number].append(entry)
    for entry in found:
        if entry["what"].startswith("deleted"):
            # All or none: under its own live claim nothing of it can have gone before.
            assert entry["what"] == f"deleted {len(entry['ids'])}", entry
            deleted.update(entry["numbers"])
            for number in entry["numbers"]:
                assert max(one["fence"] for one in done[number]) == entry["fence"], entry
        else:
            assert entry["what"] in ("done", "too late"), entry
    assert sorted(done) == list(range(MESSAGES))
    assert max(deleted.values()) == 1
    for one in done.values():
        # A message never comes twice under one fence.
        assert len({entry["fence"] for entry in one}) == len(one)
    # Deleted, and not noted any more: by those who were killed between the two.
    unnoted = MESSAGES - len(deleted)
    assert unnoted <= 2 * workers.LIMIT
    by_kind = Counter(
        entry["worker"].partition("-")[0] for entry in found if entry["what"].startswith("deleted")
    )
    assert min(by_kind["python"], by_kind["rust"]) > 0
    what = Counter(entry["what"] for entry in found)
    again = sum(len(one) - 1 for one in done.values())
    return (
        f"{MESSAGES} messages, {what['done']} claims ({dict(by_kind)} ended by deletion), "
        f"{what['too late']} too late, {again} messages worked again, {unnoted} unnoted"
    )
