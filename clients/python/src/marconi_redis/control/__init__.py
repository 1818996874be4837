"""The control plane: which Redis holds which queue.

Guards that what it says is what the scripts keep: it connects to no pool, and a uri is text to it.
"""

from __future__ import annotations

from .catalogue import Catalogue, CatalogueEntry, CataloguePage, Placement
from .flavors import Flavor, FlavorPage, Flavors
from .pools import Pool, PoolPage, Pools

__all__ = [
    "CatalogueEntry",
    "CataloguePage",
    "Control",
    "Flavor",
    "FlavorPage",
    "Placement",
    "Pool",
    "PoolPage",
]


class Control(Pools, Flavors, Catalogue):
    """Pools, flavors and the catalogue of a server, by `Store.control`.

    Every method can raise Transport, NewerSchema and InvalidArgument. Changes are repeated only while
    they are known not to have been done: a lost answer is Transport with outcome "unknown".
    """

    def of_topics(self) -> Control:
        """The same, with the topics' catalogue in the place of the queues'."""
        there = Control(self.store)
        there._catalogue_keys = self.keys.of_topics()
        return there
