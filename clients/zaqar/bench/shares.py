"""Where the time of a request goes: Zaqar and oslo, the driver, its client library, waiting for the server.

Guards against the profiler's own weight, and against the other programs of a busy machine: what is at work is looked at
each time that some CPU was used, not at each function call; what is left of the time was waiting.
Run as a program: shares CONFIGURATION SECONDS.
"""

import collections
import json
import logging
import pathlib
import signal
import subprocess
import sys
import time

from bench import life, node, requests, sessions
from bench.plan import PROJECT, QUEUE

#: What is the benchmark's own, is no part of a request.
_LOOP = "this benchmark"
#: Of CPU; the kernel's clock may make more of it.
_INTERVAL = 0.001
#: The part of a request, by what a file's path contains; the innermost frame that is known decides.
_PARTS = (
    ("driver", ("/zaqar_marconi_redis/", "/zaqar/storage/redis/", "/zaqar/storage/mongodb/")),
    ("client library", ("/marconi_redis/", "/redis/", "/pymongo/", "/bson/")),
    ("Zaqar", ("/zaqar/",)),
    ("oslo and the web framework", ("/oslo_", "/falcon/", "/webob/", "/osprofiler/", "/stevedore/", "/dogpile/")),
    (_LOOP, ("/bench/",)),
)
WAITING = "waiting for the server"
PARTS = (*(name for name, _ in _PARTS if name != _LOOP), "other", WAITING)


class Sampler:
    """Counts what the main thread is at, while the block runs."""

    def __init__(self):
        self.counts = collections.Counter()
        self._known = {}

    def __enter__(self):
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        return self

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _, frame):
        while frame is not None:
            part = self._part(frame.f_code.co_filename)
            if part:
                self.counts[part] += 1
                return
            frame = frame.f_back
        self.counts["other"] += 1

    def _part(self, path):
        if path not in self._known:
            self._known[path] = next((name for name, marks in _PARTS if any(mark in path for mark in marks)), None)
        return self._known[path]


def measure(configuration, seconds):
    """For the controllers and for the WSGI application: the microseconds of a life's message by part, and the requests.

    In a process of its own, because its main thread is what is sampled.
    """
    command = [sys.executable, "-m", "bench.shares", str(configuration), str(seconds)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds * 10 + 60).stdout
    return json.loads(told)


def _sampled(session, seconds):
    early = life.Life(session, "one", 0)
    early.run_until(time.monotonic() + 0.2)
    asked = requests.a_call(session)
    client = life.Life(session, "one", 0)
    with Sampler() as sampler:
        used = time.thread_time()
        took = client.run_until(time.monotonic() + seconds)
        used = time.thread_time() - used
    messages, samples = client.messages["delete"], sum(sampler.counts.values())
    if client.failures or not messages or not samples:
        raise RuntimeError(f"{messages} messages, {samples} samples, failures: {client.failures}")
    spent = {part: used * count / samples for part, count in sampler.counts.items()} | {WAITING: took - used}
    spent.pop(_LOOP, None)
    whole = sum(spent.values())
    return {
        "us_a_message": {part: round(spent[part] / messages * 1e6, 1) for part in PARTS if part in spent},
        "share": {part: round(spent[part] / whole, 3) for part in PARTS if part in spent},
        "requests_a_call": asked,
        "samples": samples,
        "messages": messages,
    }


def _main(configuration, seconds):
    bootstrap = node.boot(pathlib.Path(configuration))
    logging.disable(logging.ERROR)
    storage = bootstrap.storage
    storage.queue_controller.create(QUEUE, project=PROJECT)
    made = {"driver": sessions.DriverSession(storage), "http": sessions.WsgiSession(bootstrap.transport.app)}
    print(json.dumps({name: _sampled(session, float(seconds)) for name, session in made.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
