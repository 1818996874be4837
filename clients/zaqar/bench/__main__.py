"""The benchmark as a program: python -m bench --out FOLDER; the plan by ZAQAR_BENCH=full or small.

Guards that a run tells everything: a driver that is missing, a cell that did not come to its end and a target that is
not met stand in the results.
"""

import argparse
import datetime
import json
import os
import pathlib
import sys
import tempfile
import time

from bench import machine, mongod, peers, plan, plots, results, rounds, shares, table


def main():
    """Runs the plan and writes zaqar.json, zaqar.md and the plots; answers the exit status."""
    arguments = _arguments()
    chosen = plan.PLANS[os.environ.get("ZAQAR_BENCH") or "full"]
    out = pathlib.Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    found = _run(chosen, arguments)
    (out / "zaqar.json").write_text(json.dumps(found, indent=1) + "\n")
    (out / "zaqar.md").write_text(table.written(found))
    plots.draw(found, out)
    unsound = list(results.unsound(found["cells"]))
    for what in unsound:
        rounds.say(f"*** {what}")
    missed = [target for target in found["targets"] if not target["met"]]
    rounds.say(f"{len(found['targets']) - len(missed)} of {len(found['targets'])} targets met; see {out / 'zaqar.md'}")
    # The small run is there to find out; of the full one the results tell.
    return 1 if unsound and chosen is plan.SMALL else 0


def _arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--out", required=True, help="the folder for zaqar.json, zaqar.md and the plots")
    parser.add_argument("--mongod", default="target/mongod", help="the folder that MongoDB is fetched into")
    parser.add_argument("--command", default="make zaqar-bench", help="what the results name as their command")
    return parser.parse_args()


def _run(chosen, arguments):
    begun, clock = datetime.datetime.now(datetime.UTC), time.monotonic()
    binary, why_not = mongod.find(arguments.mongod)
    wanted = peers.PEERS if binary else tuple(peer for peer in peers.PEERS if peer is not peers.MONGO)
    missing = {} if binary else {peers.MONGO.title: why_not}
    for title, reason in missing.items():
        rounds.say(f"\n*** {title} IS MISSING FROM THIS RUN: {reason}\n")
    bench = rounds.Bench(chosen, wanted, binary)
    bench.run()
    sampled = _shares(chosen, wanted, binary)
    compared = results.ratios(bench.cells)
    return {
        "command": arguments.command if chosen is plan.FULL else f"ZAQAR_BENCH={chosen.name} {arguments.command}",
        "begun": begun.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock),
        "machine": machine.described(),
        "load": bench.loads,
        "versions": machine.versions(),
        "servers": {peer.title: bench.versions[peer.name] for peer in wanted},
        "missing": missing,
        "plan": {
            "name": chosen.name,
            "rounds": chosen.rounds,
            "slice_seconds": chosen.slice_seconds,
            "slice_limit": chosen.slice_limit,
            "body_bytes": plan.BODY_BYTES,
            "claim_limit": plan.BATCH,
            "states": {state.name: state.title for state in chosen.states},
            "peers": {peer.name: peer.title for peer in wanted},
            "parts": shares.PARTS,
            "uris": {peer.name: peer.uri for peer in wanted},
        },
        "targets": results.against_targets(compared, chosen, wanted),
        "ratios": compared,
        "cells": bench.cells,
        "kept": bench.kept,
        "memory": bench.memory,
        "shares": sampled,
    }


def _shares(chosen, wanted, binary):
    """On new servers, with nothing queued, and one driver at a time: there is nothing to wait for but the server."""
    sampled = {}
    for peer in wanted:
        with (
            tempfile.TemporaryDirectory(prefix="zb", dir="/tmp") as folder,
            peers.serving(peer, folder, binary) as server,
        ):
            sampled[peer.name] = shares.measure(server.configuration, chosen.sampled_seconds)
    return sampled


if __name__ == "__main__":
    sys.exit(main())
