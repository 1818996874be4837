"""Claims of the data plane.

Guards that a claim is one atomic step: its id is made by the client, so a lost reply is asked for again, and what it
holds, how often that was claimed and what is dead is all decided where the messages are.
"""

import contextlib

import marconi_redis as client
from zaqar import storage
from zaqar.storage import errors

from zaqar_marconi_redis import shapes
from zaqar_marconi_redis.errors import said
from zaqar_marconi_redis.messages import MOST


class ClaimController(storage.Claim):
    """Claims of the data plane."""

    def _queue(self, name, project):
        return self.driver.plane.queue(project, name)

    @said
    def create(self, queue, metadata, project=None, limit=storage.DEFAULT_MESSAGES_PER_CLAIM):
        """The claim's id and its messages; None and none where there is nothing to claim."""
        if self.driver.mirror.is_needed:
            # How often a message may be claimed, and where it goes then, may have been set since.
            self.driver.mirror.bring(queue, project)
        claim = self._queue(queue, project).claim(ttl=metadata["ttl"], grace=metadata["grace"], limit=min(limit, MOST))
        if claim is None:
            return None, iter(())
        return claim.id, (shapes.message(found) for found in claim.messages)

    @said
    def get(self, queue, claim_id, project=None):
        """A claim and the messages that it still holds. Raises ClaimDoesNotExist."""
        claim = self._known(self._queue(queue, project).get_claim, queue, claim_id, project)
        shown = {"id": claim.id, "age": shapes.whole(claim.age), "ttl": shapes.whole(claim.ttl)}
        return shown, (shapes.message(found) for found in claim.messages)

    @said
    def update(self, queue, claim_id, metadata, project=None):
        """Gives it a new ttl and grace. Raises ClaimDoesNotExist."""
        target = self._queue(queue, project)
        lengths = {"ttl": metadata["ttl"], "grace": metadata.get("grace", 0)}
        self._known(lambda claim: target.renew(claim, **lengths), queue, claim_id, project)

    @said
    def delete(self, queue, claim_id, project=None):
        """Lets all its messages go. One that is gone, or never was, is no error."""
        with contextlib.suppress(client.ClaimDoesNotExist):
            self._queue(queue, project).release(claim_id)

    @staticmethod
    def _known(operation, queue, claim_id, project):
        """Of an id that Zaqar's tests give as None, too."""
        try:
            return operation(claim_id or "none")
        except client.ClaimDoesNotExist:
            raise errors.ClaimDoesNotExist(claim_id, queue, project) from None
