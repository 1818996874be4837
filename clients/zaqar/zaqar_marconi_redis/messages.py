"""Messages of the data plane: posted, listed, fetched, deleted and popped.

Guards that a repeat does nothing twice: each post and each pop has a token of its own, with which it is repeated.
"""

import secrets

import marconi_redis as client
from zaqar import storage
from zaqar.storage import errors

from zaqar_marconi_redis import bodies, shapes
from zaqar_marconi_redis.deleting import bulk_delete
from zaqar_marconi_redis.errors import said, translated

#: More than a script takes at once; Zaqar's own bounds are below it unless an operator raises them.
MOST = 250


class MessageController(storage.Message):
    """Messages of the data plane."""

    def _queue(self, name, project):
        return self.driver.plane.queue(project, name)

    @said
    def post(self, queue, messages, client_uuid, project=None):
        """All or none; the ids in the order given. Raises QueueDoesNotExist."""
        with_checksum = self.driver.conf.enable_checksum
        new = [bodies.new(message, with_checksum) for message in messages]
        told = {"token": secrets.token_hex(16), "client": str(client_uuid)}
        target = self._queue(queue, project)
        try:
            return target.post_many(new, **told)
        except client.QueueDoesNotExist:
            # It may be a queue of the control plane that this one has not seen yet.
            if not self.driver.mirror.is_needed or not self.driver.mirror.bring(queue, project):
                raise
        return target.post_many(new, **told)

    @said
    def list(
        self,
        queue,
        project=None,
        marker=None,
        limit=storage.DEFAULT_MESSAGES_PER_PAGE,
        echo=False,
        client_uuid=None,
        include_claimed=False,
        include_delayed=False,
    ):
        """A page, and the marker of the next one. A marker that is none begins an empty page."""
        try:
            page = self._queue(queue, project).list(
                marker=marker,
                limit=min(limit, MOST),
                claimed=include_claimed,
                delayed=include_delayed,
                not_client=None if echo or client_uuid is None else str(client_uuid),
            )
        except client.InvalidArgument as error:
            if error.argument != "marker":
                raise
            yield iter(())
            yield marker
            return
        yield (shapes.message(found) for found in page.messages)
        # At the end too: a reader comes again for what is posted later.
        yield page.marker or (page.messages[-1].id if page.messages else marker)

    @said
    def first(self, queue, project=None, sort=1):
        """The oldest message, or with -1 the newest. Raises QueueIsEmpty."""
        if sort not in (1, -1):
            raise ValueError("sort must be either 1 (ascending) or -1 (descending)")
        found = self._queue(queue, project).first(newest=sort == -1)
        if found is None:
            raise errors.QueueIsEmpty(queue, project)
        return shapes.message(found)

    @said
    def get(self, queue, message_id, project=None):
        """One message. Raises MessageDoesNotExist."""
        return shapes.message(self._queue(queue, project).get(message_id))

    @said
    def bulk_get(self, queue, message_ids, project=None):
        """Those that are there."""
        found = self._queue(queue, project).get_many(message_ids)
        return (shapes.message(message) for message in found)

    @said
    def delete(self, queue, message_id, project=None, claim=None):
        """Deletes one message, under its claim where it is claimed. One that is gone is no error."""
        try:
            self._queue(queue, project).delete_one(message_id, claim=claim)
        except client.MessageNotClaimedBy:
            raise errors.MessageNotClaimedBy(message_id, claim) from None
        except client.ClaimDoesNotExist:
            raise errors.ClaimDoesNotExist(claim, queue, project) from None

    def bulk_delete(self, queue, message_ids, project=None, claim_ids=None):
        """Deletes messages whoever holds them, or with `claim_ids` only what these claims hold."""
        try:
            bulk_delete(self._queue(queue, project), list(message_ids), claim_ids)
        except client.ClaimDoesNotExist as error:
            raise errors.ClaimDoesNotExist(error.id, queue, project) from error
        except client.MessageNotClaimedBy as error:
            raise errors.ClaimDoesNotMatch(error.id, queue, project) from error
        except client.MarconiError as error:
            raise translated(error) from error

    @said
    def pop(self, queue, limit, project=None):
        """Takes and deletes up to `limit` messages, oldest first, in one atomic step."""
        popped = self._queue(queue, project).pop(limit=min(limit, MOST), token=secrets.token_hex(16))
        return [shapes.message(found) for found in popped]
