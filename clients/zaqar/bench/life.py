"""The loop that is measured: post ten messages, claim ten, delete ten, and how long every call took.

Guards that a queue stays as full as it was: a life takes out as many messages as it put in, and is never broken off.
"""

import functools
import random
import time

from bench.plan import BATCH, BODY_BYTES, MESSAGE_TTL

#: How often a claim that came back short is followed by another in the same life.
_CLAIMS = 5
#: After so many failed calls a slice is over: it does not measure any more what it is about.
_FAILURES = 20


class Life:
    """One client at work."""

    def __init__(self, session, shape, seed):
        self._session = session
        self._by_ten = shape == "ten"
        alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
        self._body = "".join(random.Random(seed).choices(alphabet, k=BODY_BYTES))
        #: Seconds of each call, by verb; messages by verb.
        self.calls = {"post": [], "claim": [], "delete": []}
        self.messages = dict.fromkeys(self.calls, 0)
        #: What failed, by the name of the error, and how often.
        self.failures = {}

    def run_until(self, end):
        """Lives one life after the other; answers the seconds that it really took."""
        begun = time.monotonic()
        while time.monotonic() < end and sum(self.failures.values()) < _FAILURES:
            self._live()
        return time.monotonic() - begun

    def _live(self):
        self._post()
        left = BATCH
        for _ in range(_CLAIMS):
            claimed = self._timed("claim", functools.partial(self._session.claim, left), lambda found: len(found[1]))
            if claimed and claimed[1]:
                self._delete(*claimed)
                left -= len(claimed[1])
            if left <= 0:
                return

    def _post(self):
        message = {"ttl": MESSAGE_TTL, "body": self._body}
        if self._by_ten:
            self._timed("post", lambda: self._session.post([message] * BATCH), len)
            return
        for _ in range(BATCH):
            self._timed("post", lambda: self._session.post([message]), len)

    def _delete(self, claim, names):
        if self._by_ten:
            self._timed("delete", lambda: self._session.delete_many(claim, names), lambda _: len(names))
            return
        for name in names:
            self._timed("delete", lambda name=name: self._session.delete(claim, name), lambda _: 1)

    def _timed(self, verb, call, count):
        begun = time.monotonic()
        try:
            found = call()
        except Exception as error:
            what = f"{verb}: {type(error).__name__}"
            self.failures[what] = self.failures.get(what, 0) + 1
            return None
        self.calls[verb].append(time.monotonic() - begun)
        self.messages[verb] += count(found)
        return found
