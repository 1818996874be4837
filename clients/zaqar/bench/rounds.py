"""Carries a plan out: fills the queues of all drivers, then lets the drivers take turns, cell by cell.

Guards the comparison: all drivers hold the same state at the same time, and a round of one is next to the same round of
the others, so that a busy minute of the machine hits them alike.
"""

import contextlib
import os
import sys
import tempfile
import time

from bench import clients, figures, node, peers

#: So much of a queue may be there without having been asked for: MongoDB's driver now and then posts twice.
_STRAY = 0.01


def say(*words):
    """Progress, for who waits."""
    print(*words, file=sys.stderr, flush=True)


class Bench:
    """One run over the drivers that are there."""

    def __init__(self, plan, wanted, mongod):
        self._plan = plan
        self._peers = wanted
        self._mongod = mongod
        self.versions = {}
        self.cells, self.memory, self.loads, self.kept = [], [], [], []

    def run(self):
        """All states, one after the other, each with new servers."""
        for state in self._plan.states:
            with contextlib.ExitStack() as stack:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zb", dir="/tmp"))
                self._measure(state, folder, stack)

    def _measure(self, state, folder, stack):
        self._note_load(state.name)
        running = {}
        for peer in self._peers:
            server = stack.enter_context(peers.serving(peer, folder, self._mongod))
            self.versions[peer.name] = server.version()
            most = max(cell.clients for cell in self._plan.cells)
            port = stack.enter_context(node.serving(server.configuration, most))
            made = clients.Clients(most, server.configuration, port)
            stack.callback(made.close)
            running[peer] = server, made, self._fill(peer, state, server, made)
        for cell in self._plan.cells:
            self._take_turns(state, cell, running)
        for peer, (_, made, why_not) in running.items():
            if not why_not:
                self._note_kept(peer, state, made)

    def _fill(self, peer, state, server, made):
        """Brings the queue into its state; answers why it could not, or nothing."""
        before, resident, begun = server.memory(), server.resident(), time.monotonic()
        wanted = _wanted(state)
        try:
            made.fill(state, self._plan.fill_limit)
            if wanted["total"]:
                self._note_memory(peer, state, server.memory() - before, server.resident() - resident)
                say(f"{state.title}: {peer.title} is full after {time.monotonic() - begun:.1f} s")
            full = made.counted(self._plan.fill_limit)
        except clients.TooSlowError as slow:
            say(f"{state.title}: {peer.title} could not be filled: {slow}")
            return f"filling took {slow}"
        if full != wanted:
            say(f"{state.title}; {peer.title}: filled with {full} instead of {wanted}")
        if any(abs(full[name] - count) > count * _STRAY for name, count in wanted.items()):
            raise RuntimeError(f"{peer.title}: {full} instead of {wanted}")
        return None

    def _note_memory(self, peer, state, data, resident):
        count = _wanted(state)["total"]
        self.memory.append(
            {
                "peer": peer.name,
                "state": state.name,
                "bytes_a_message": figures.rounded(data / count),
                "resident_bytes_a_message": figures.rounded(resident / count),
            }
        )

    def _take_turns(self, state, cell, running):
        slices = {peer: [] for peer in running}
        for _ in range(self._plan.rounds):
            for peer, (server, made, why_not) in running.items():
                over = why_not or next((found for found in slices[peer] if isinstance(found, str)), None)
                # What was over the limit once is not tried again: it would be so each round.
                slices[peer].append(over or self._slice(cell, server, made))
        for peer, found in slices.items():
            result = figures.of_cell(found)
            self.cells.append(
                {
                    "peer": peer.name,
                    "state": state.name,
                    "interface": cell.interface,
                    "clients": cell.clients,
                    "shape": cell.shape,
                    **result,
                }
            )
            told = result["over"] or f"{result['per_second']['life']['median']:,.0f} messages/s"
            say(f"{state.title}; {cell.name}; {peer.title}: {told}", result.get("failures") or "")

    def _slice(self, cell, server, made):
        before = server.cpu()
        try:
            told = made.live(cell, self._plan.slice_seconds, self._plan.slice_limit)
        except clients.TooSlowError as slow:
            return str(slow)
        return figures.of_slice(told, server.cpu() - before)

    def _note_kept(self, peer, state, made):
        """What is in the queue at the end: as much as at the beginning, unless calls failed."""
        try:
            found = made.counted(self._plan.fill_limit)
        except clients.TooSlowError as slow:
            found = {"over": str(slow)}
        wanted = _wanted(state)
        if found != wanted:
            say(f"{state.title}; {peer.title}: the queue ends with {found}")
        self.kept.append({"peer": peer.name, "state": state.name, "wanted": wanted, "found": found})

    def _note_load(self, when):
        self.loads.append({"before": when, "load": [round(load, 2) for load in os.getloadavg()]})


def _wanted(state):
    """What a queue in this state holds, as its driver counts it."""
    return {"claimed": state.in_flight, "total": state.queued + state.in_flight}
