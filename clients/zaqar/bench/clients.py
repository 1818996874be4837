"""The clients of one driver: processes that wait for an order and carry it out at the same moment.

Guards that nothing hangs and nothing is lost silently: an order that is not carried out in its time ends the processes,
by their ids, and is told as TooSlowError.
"""

import array
import multiprocessing
import time

from bench import life, node, sessions
from bench.plan import BODY_BYTES, HELD, MESSAGE_TTL, PROJECT, QUEUE

#: A server of its own makes them, so that they are born with Zaqar loaded and without anyone's connections.
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["bench.clients", "zaqar.transport.wsgi.driver"])
#: Messages in a call while a queue is filled, and in a claim while it is emptied: within every driver's bounds.
_FILLED_AT_ONCE = 100
#: Clients that fill: as many as there are cores to do it.
_FILLERS = 2
_START_SECONDS = 60


class TooSlowError(Exception):
    """An order was not carried out in its time."""


class Clients:
    """As many as the largest cell needs; a smaller one leaves the others waiting."""

    def __init__(self, count, configuration, port):
        self._made_from = count, configuration, port
        self._start()

    def _start(self):
        count, configuration, port = self._made_from
        self._pipes, self._processes = [], []
        for number in range(count):
            ours, theirs = _context.Pipe()
            process = _context.Process(target=_serve, args=(theirs, str(configuration), port, number), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._answers(self._pipes, _START_SECONDS)

    def close(self):
        """Ends the processes."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()

    def fill(self, state, limit):
        """Brings a new queue into a state."""
        if state.in_flight or state.queued:
            fillers = min(_FILLERS, len(self._pipes))
            self._order(fillers, limit, "post", (state.in_flight + state.queued) // fillers)
        if state.in_flight:
            self._order(1, limit, "hold", state.in_flight)

    def counted(self, limit):
        """How many messages the queue has."""
        return self._order(1, limit, "count")[0]

    def live(self, cell, seconds, limit):
        """Runs a cell; answers what each client has to tell, all of them within the same seconds."""
        begin = time.monotonic() + 0.1
        return self._order(cell.clients, seconds + limit, "live", cell, begin, begin + seconds)

    def _order(self, count, limit, *order):
        pipes = self._pipes[:count]
        for pipe in pipes:
            pipe.send(order)
        return self._answers(pipes, limit)

    def _answers(self, pipes, limit):
        end = time.monotonic() + limit
        answers = []
        for pipe in pipes:
            if not pipe.poll(max(0.0, end - time.monotonic())):
                self.close()
                self._start()
                raise TooSlowError(f"over {limit:g} s")
            try:
                answers.append(pipe.recv())
            except EOFError:
                raise RuntimeError("a client ended; its error stands above") from None
        return answers


def _serve(pipe, configuration, port, number):
    """A client's process: makes the queue known, then does what it is told until it is ended."""
    bootstrap = node.boot(configuration)
    storage = bootstrap.storage
    storage.queue_controller.create(QUEUE, project=PROJECT)
    made = {"driver": sessions.DriverSession(storage), "http": sessions.HttpSession(port)}
    for session in made.values():
        # Connections, scripts and caches are there before anything is measured.
        life.Life(session, "one", number).run_until(time.monotonic() + 0.001)
    pipe.send("ready")
    while True:
        verb, *arguments = pipe.recv()
        pipe.send(_VERBS[verb](made, number, *arguments))


def _post(made, number, count):
    message = {"ttl": MESSAGE_TTL, "body": f"{number:04}" * (BODY_BYTES // 4)}
    while count > 0:
        count -= len(made["driver"].post([message] * min(count, _FILLED_AT_ONCE)))


def _hold(made, number, count):
    while count > 0:
        _, names = made["driver"].claim(min(count, _FILLED_AT_ONCE), HELD)
        if not names:
            raise RuntimeError(f"{count} messages could not be claimed")
        count -= len(names)


def _count(made, number):
    return made["driver"].counted()


def _live(made, number, cell, begin, end):
    client = life.Life(made[cell.interface], cell.shape, number)
    time.sleep(max(0.0, begin - time.monotonic()))
    took = client.run_until(end)
    return {
        "seconds": took,
        "calls": {verb: array.array("d", calls) for verb, calls in client.calls.items()},
        "messages": client.messages,
        "failures": client.failures,
    }


_VERBS = {"post": _post, "hold": _hold, "count": _count, "live": _live}
