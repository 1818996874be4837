#!/usr/bin/env python3
"""Compares the scripts of this tree with those of another commit or folder: bench/compare.py COMMIT|FOLDER [options]

For ideas: says in seconds what a change of a script is worth. Post, claim and delete by both sets of scripts take turns
on one server of its own; shown is the server's CPU a message, the median of the rounds, and in brackets the median of
each round's ratio. Both have to be of one contract. Needs Python alone, and a redis-server, or MARCONI_SERVER=path.

  --each 1,10     messages a call            --tokens     each post has a token
  --rounds 40     rounds that count          --calls      each call a round trip, not all of a step in one
  --held 0        messages that are in flight all the time, ten a claim
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
MESSAGES = 400
STEPS = ("post", "claim", "delete")
# A msgpack bin that holds a msgpack string of 98 bytes: 100 bytes of body.
BODY = b"\xc4\x64\xd9\x62" + b"x" * 98
HOUR = 3_600_000


def packed(*words):
    """A command as it goes over the wire."""
    sent = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(sent) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in sent)


class Server:
    """A server of its own, on the last core where there are several."""

    def __init__(self, folder):
        path = f"{folder}/redis.sock"
        program = os.environ.get("MARCONI_SERVER") or shutil.which("redis-server") or "valkey-server"
        cores = sorted(os.sched_getaffinity(0))
        pinned = ["taskset", "-c", str(cores[-1])] if len(cores) > 1 and shutil.which("taskset") else []
        options = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        self.process = subprocess.Popen([*pinned, program, *options], stdout=subprocess.DEVNULL)
        if pinned:
            os.sched_setaffinity(0, set(cores[:-1]))
        end = time.monotonic() + 10
        while not os.path.exists(path) and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.01)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._replies = self._socket.makefile("rb")

    def send(self, *requests):
        """The replies to requests that go out together."""
        sender = threading.Thread(target=self._socket.sendall, args=(b"".join(requests),))
        sender.start()
        replies = [self._reply() for _ in requests]
        sender.join()
        return replies

    def _reply(self):
        line = self._replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise SystemExit(f"the server refused: {rest.decode(errors='replace')}")
        if kind in b"+:":
            return int(rest) if kind == b":" else rest
        count = int(rest)
        if count < 0:
            return None
        return self._replies.read(count + 2)[:-2] if kind == b"$" else [self._reply() for _ in range(count)]

    def cpu(self):
        """us of CPU that its main thread has used."""
        info = self.send(packed("INFO", "cpu"))[0].decode()
        return sum(float(found) for found in re.findall(r"used_cpu_(?:sys|user)_main_thread:([0-9.]+)", info)) * 1e6


class Scripts:
    """One set of scripts, on a queue of its own."""

    def __init__(self, server, lua, name, with_tokens):
        self._server, self._name, self._with_tokens = server, name, with_tokens
        manifest = json.loads((lua / "manifest.json").read_text())
        self._scripts = {script["name"]: script for script in manifest["scripts"]}
        for script in self._scripts.values():
            source = (lua / script["file"]).read_bytes()
            # The file is what counts: who tries an idea has not written the manifest anew.
            script["sha1"] = hashlib.sha1(source).hexdigest()
            server.send(packed("SCRIPT", "LOAD", source))
        server.send(self._call("queue/create"))

    def _call(self, name, repeated=(), **values):
        script = self._scripts[name]
        keys = [f"mq:{{compare/{self._name}}}:{part}" for part in script["keys"]]
        single = [values.get(a["name"], b"") for a in script["args"] if not a["repeated"]]
        return packed("EVALSHA", script["sha1"], len(keys), *keys, *single, *repeated)

    def posts(self, many, each):
        """The calls that post so many."""

        def post():
            token = {"token": secrets.token_hex(16), "digest": secrets.token_hex(32)} if self._with_tokens else {}
            return self._call("post", [b"", b"", BODY] * each, client="compare", **token)

        return [post() for _ in range(many // each)]

    def claims(self, many, each):
        """The claims' ids, and the calls."""
        ids = [str(uuid.uuid4()) for _ in range(many // each)]
        return ids, [self._call("claim", claim=id, ttl=HOUR, grace=HOUR, limit=each) for id in ids]

    def deletes(self, claims, replies):
        """The calls that delete what the claims brought."""
        return [self._call("delete", reply[5::4], claim=id) for id, reply in zip(claims, replies, strict=True)]

    def hold(self, many):
        """Brings so many in flight."""
        for _ in range(many // 1000):
            self._server.send(*self.posts(1000, 100))
            self._server.send(*self.claims(1000, 10)[1])


def life(server, scripts, each, one_by_one):
    """us a message of each step."""

    def cost(calls):
        before = server.cpu()
        replies = [server.send(call)[0] for call in calls] if one_by_one else server.send(*calls)
        return replies, (server.cpu() - before) / MESSAGES

    _, posted = cost(scripts.posts(MESSAGES, each))
    ids, calls = scripts.claims(MESSAGES, each)
    replies, claimed = cost(calls)
    _, deleted = cost(scripts.deletes(ids, replies))
    return posted, claimed, deleted, posted + claimed + deleted


def compare(server, both, each, arguments):
    """Prints the figures of both."""
    found = {name: [] for name in both}
    for number in range(arguments.rounds + 2):
        names = list(both) if number % 2 else list(reversed(both))
        for name in names:
            costs = life(server, both[name], each, arguments.calls)
            # The first find the server cold.
            if number >= 2:
                found[name].append(costs)
    before = next(iter(found.values()))
    for name, rounds in found.items():
        costs = [statistics.median(round[i] for round in rounds) for i in range(4)]
        ratios = [statistics.median(a[i] / b[i] for a, b in zip(rounds, before, strict=True)) for i in range(4)]
        shown = zip((*STEPS, "life"), costs, ratios, strict=True)
        print(f"{each:>3} a call, {name:12.12}", *(f"{step} {us:6.2f} ({times:.2f})" for step, us, times in shown))


def scripts_of(what, folder):
    """The folder with the scripts of a commit, or the folder itself."""
    if pathlib.Path(what).is_dir():
        return pathlib.Path(what)
    archive = subprocess.run(["git", "-C", ROOT, "archive", what, "lua"], check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
    return pathlib.Path(folder) / "lua"


def main():
    """Compares as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a commit, or a folder like lua/")
    parser.add_argument("--each", default="1,10", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=40, help=argparse.SUPPRESS)
    parser.add_argument("--held", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--tokens", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--calls", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = scripts_of(arguments.before, folder)
        server = Server(folder)
        try:
            both = {
                "before": Scripts(server, before, "before", arguments.tokens),
                "this tree": Scripts(server, ROOT / "lua", "after", arguments.tokens),
            }
            for scripts in both.values():
                scripts.hold(arguments.held)
            for each in map(int, arguments.each.split(",")):
                compare(server, both, each, arguments)
        finally:
            server.process.terminate()
            server.process.wait()


if __name__ == "__main__":
    main()
