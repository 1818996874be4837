"""From what clients and server told of a slice to its figures, and from the slices of a cell to one figure with spread.

Guards that a figure says how sure it is: beside every median stand the smallest and the largest of the rounds.
"""

import statistics

VERBS = ("life", "post", "claim", "delete")


def of_slice(told, server_seconds):
    """The figures of one slice; the latencies themselves are kept until all rounds are done.

    A verb's rate is what its clients would reach if they did nothing else: messages over the time spent in it.
    """
    rates = {"life": sum(client["messages"]["delete"] / client["seconds"] for client in told)}
    for verb in VERBS[1:]:
        busy = sum(sum(client["calls"][verb]) for client in told)
        messages = sum(client["messages"][verb] for client in told)
        rates[verb] = messages / busy * len(told) if busy else 0.0
    lived = sum(client["messages"]["delete"] for client in told)
    failures = {}
    for client in told:
        for what, count in client["failures"].items():
            failures[what] = failures.get(what, 0) + count
    return {
        "rates": rates,
        "messages": lived,
        "server_cpu_us": server_seconds / lived * 1e6 if lived else None,
        "failures": failures,
        "calls": {verb: sorted(call for client in told for call in client["calls"][verb]) for verb in VERBS[1:]},
    }


def of_cell(slices):
    """The figures of a cell over its rounds. `slices` holds a slice, or the reason why there is none."""
    over = [found for found in slices if isinstance(found, str)]
    done = [found for found in slices if not isinstance(found, str)]
    if not done:
        return {"over": over[0], "rounds": []}
    failures = {}
    for found in done:
        for what, count in found["failures"].items():
            failures[what] = failures.get(what, 0) + count
    latencies = {verb: _percentiles([call for found in done for call in found["calls"][verb]]) for verb in VERBS[1:]}
    return {
        "over": over[0] if over else None,
        "messages": sum(found["messages"] for found in done),
        "per_second": {verb: spread([found["rates"][verb] for found in done]) for verb in VERBS},
        "latency_ms": latencies,
        "server_cpu_us_a_message": spread([found["server_cpu_us"] for found in done]),
        "failures": failures,
        "rounds": [{verb: round(found["rates"][verb], 1) for verb in VERBS} for found in done],
    }


def spread(values):
    """The median with the smallest and the largest; nothing where there is no value."""
    values = [value for value in values if value is not None]
    if not values:
        return None
    return {"median": rounded(statistics.median(values)), "min": rounded(min(values)), "max": rounded(max(values))}


def rounded(value):
    """To four digits: more is noise."""
    return float(f"{value:.4g}")


def _percentiles(calls):
    calls = sorted(calls)
    if not calls:
        return None
    return {
        "p50": rounded(calls[len(calls) // 2] * 1000),
        "p99": rounded(calls[min(len(calls) - 1, len(calls) * 99 // 100)] * 1000),
        "calls": len(calls),
    }
