"""Pools: which Redis there are for messages.

Guards that a pool with queues on it, and the last one of a flavor, is not taken away.
"""

import marconi_redis as client
from zaqar.common import utils
from zaqar.storage import base, errors

from zaqar_marconi_redis.errors import PoolInUseByQueues, said

#: As many as one listing answers, and as there may be.
_ALL = 1000


class PoolsController(base.PoolsBase):
    """Pools of the control plane."""

    @property
    def _control(self):
        return self.driver.plane.store.control()

    @said
    def _list(self, marker=None, limit=10, detailed=False):
        # 0 = all of them.
        pools = self._control.pools(marker=marker, limit=limit or _ALL).pools
        yield (_shown(pool, detailed) for pool in pools)
        yield pools[-1].name if pools else {}

    @said
    def _get(self, name, detailed=False):
        try:
            return _shown(self._control.pool(name), detailed)
        except client.PoolDoesNotExist:
            raise errors.PoolDoesNotExist(name) from None

    @said
    def _get_pools_by_flavor(self, flavor=None, detailed=False):
        """Those of none for None, those of all where the flavor has no name: so Zaqar asks."""
        if flavor is None:
            asked = {"without_flavor": True}
        else:
            asked = {"flavor": flavor["name"]} if flavor.get("name") is not None else {}
        return [_shown(pool, detailed) for pool in self._control.pools(limit=_ALL, **asked).pools]

    @said
    def _create(self, name, weight, uri, flavor=None, options=None):
        self._control.create_pool(name, weight, uri, flavor=flavor, options=options or {})

    @said
    def _exists(self, name):
        try:
            self._control.pool(name)
        except client.PoolDoesNotExist:
            return False
        return True

    @said
    def _update(self, name, **kwargs):
        fields = utils.fields(kwargs, ("uri", "weight", "flavor", "options"), pred=lambda value: value is not None)
        assert fields, "`weight`, `uri`, `flavor` or `options` not found in kwargs"
        try:
            self._control.update_pool(name, **fields)
        except client.PoolDoesNotExist:
            raise errors.PoolDoesNotExist(name) from None

    @said
    def _delete(self, name):
        try:
            self._control.delete_pool(name)
        except client.PoolInUse as refusal:
            raise self._in_use(name, refusal) from refusal

    def _in_use(self, name, refusal):
        try:
            pool = self._control.pool(name)
        except client.PoolDoesNotExist:
            return errors.PoolDoesNotExist(name)
        if pool.queues:
            return PoolInUseByQueues(name, f"{pool.queues} of them")
        return errors.PoolInUseByFlavor(name, pool.flavor)

    @said
    def _drop_all(self):
        self._control.drop_all("pools")


def _shown(pool, detailed):
    shown = {"name": pool.name, "flavor": pool.flavor, "uri": pool.uri, "weight": pool.weight}
    if detailed:
        shown["options"] = pool.options
    return shown
