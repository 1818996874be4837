"""Subscriptions: who is to be told of a queue's messages. Zaqar's notifier tells them.

Guards that a queue has a subscriber once, and that no subscriber, which may be a uri with a password, is logged.
"""

import marconi_redis as client
from zaqar import storage
from zaqar.common import utils
from zaqar.storage import base, errors

from zaqar_marconi_redis import shapes
from zaqar_marconi_redis.errors import said

_MOST = 250


class SubscriptionController(base.Subscription):
    """Subscriptions of the data plane."""

    def _queue(self, name, project):
        return self.driver.plane.store.queue(project or "", name)

    @said
    def list(self, queue, project=None, marker=None, limit=storage.DEFAULT_SUBSCRIPTIONS_PER_PAGE):
        """A page, and the id of its last one."""
        page = self._queue(queue, project).subscriptions(marker=marker or None, limit=min(limit, _MOST))
        yield (_shown(queue, found) for found in page.subscriptions)
        yield page.subscriptions[-1].id if page.subscriptions else {}

    @said
    def get(self, queue, subscription_id, project=None):
        """One of them. Raises SubscriptionDoesNotExist."""
        return _shown(queue, self._queue(queue, project).subscription(subscription_id))

    @said
    def create(self, queue, subscriber, ttl, options, project=None):
        """The id of the new one; None where there is one of this subscriber."""
        made = self._queue(queue, project).subscribe(subscriber, ttl=ttl, options=options)
        return made.id if made.is_new else None

    @said
    def exists(self, queue, subscription_id, project=None):
        """Whether it is there."""
        try:
            self._queue(queue, project).subscription(subscription_id)
        except client.SubscriptionDoesNotExist:
            return False
        return True

    @said
    def update(self, queue, subscription_id, project=None, **kwargs):
        """Changes what is given. Raises SubscriptionDoesNotExist, SubscriptionAlreadyExists."""
        fields = utils.fields(kwargs, ("subscriber", "ttl", "options"), pred=lambda value: value is not None)
        assert fields, "`subscriber`, `ttl`, or `options` not found in kwargs"
        self._queue(queue, project).update_subscription(subscription_id, **fields)

    @said
    def delete(self, queue, subscription_id, project=None):
        """Takes one out; one that is not there is no error."""
        self._queue(queue, project).delete_subscription(subscription_id)

    @said
    def get_with_subscriber(self, queue, subscriber, project=None):
        """The one of a subscriber. Raises SubscriptionDoesNotExist."""
        found = self._queue(queue, project).subscription_of(subscriber)
        if found is None:
            raise errors.SubscriptionDoesNotExist(subscriber)
        return _shown(queue, found)

    @said
    def confirm(self, queue, subscription_id, project=None, confirmed=True):
        """Notes whether the subscriber has confirmed. Raises SubscriptionDoesNotExist."""
        self._queue(queue, project).confirm_subscription(subscription_id, bool(confirmed))


def _shown(queue, found):
    return {
        "id": found.id,
        "source": queue,
        "subscriber": found.subscriber,
        "ttl": shapes.whole(found.ttl),
        "age": shapes.whole(found.age),
        "options": found.options,
        "confirmed": found.confirmed,
    }
