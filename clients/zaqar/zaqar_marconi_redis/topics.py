"""Topics: made, described, listed and deleted in the control plane.

Guards that a topic never meets a queue of its name: it has keys of its own.
"""

from zaqar import storage

from zaqar_marconi_redis.named import NamedController


class TopicController(NamedController, storage.Topic):
    """Topics of the control plane."""

    def _page(self, project, **asked):
        page = self.driver.plane.store.topics(project, **asked)
        return page.topics, page.marker

    def _one(self, project, name):
        return self.driver.plane.store.topic(project, name)
