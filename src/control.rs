//! The control plane: which pools there are, which flavors they serve, and which queue is on which.
//!
//! Guards that it is one place: whatever is asked or changed here is one atomic step on the one Redis
//! that keeps it, so two clients never place one queue twice.

mod catalogue;
mod flavor;
mod pool;

use std::fmt;

use redis::Value;

pub use catalogue::{CatalogueEntry, CataloguePage, ListCatalogue, Placement};
pub use flavor::{Flavor, FlavorPage, ListFlavors};
pub use pool::{CreatePool, ListPools, Pool, PoolPage, UpdatePool};

use crate::check::{Violation, violations};
use crate::error::Result;
use crate::keys::ControlKeys;
use crate::keys::tag_of_project as tagged;
use crate::operation::Operation;
use crate::reply::number;
use crate::script::{CONTROL_CHECK, CONTROL_DROP, Script};
use crate::store::Store;

/// A handle on the control plane that a store's Redis keeps; cheap to clone.
///
/// ```no_run
/// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
/// let control = store.control();
/// control.create_pool("east", 100, "redis://10.0.0.1").await?;
/// control.create_pool("west", 50, "redis://10.0.0.2").await?;
/// for pool in control.pools().await?.pools {
///     println!("{} with weight {} holds {} queues", pool.name, pool.weight, pool.queues);
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// Beside what an operation names: [`Transport`](crate::Error::Transport) where the server can't be
/// reached, [`NewerSchema`](crate::Error::NewerSchema) where a later version of this crate wrote here,
/// [`InvalidArgument`](crate::Error::InvalidArgument) for a name, weight or limit out of its bounds.
#[derive(Clone)]
pub struct Control {
    store: Store,
    keys: ControlKeys,
    /// With the catalogue that this handle speaks of.
    catalogue: ControlKeys,
}

/// A kind of thing that the control plane has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlKind {
    /// Pools.
    Pools,
    /// Flavors.
    Flavors,
    /// Which queue, and which topic, is on which pool.
    Catalogue,
}

impl Control {
    pub(crate) fn new(store: &Store) -> Self {
        let keys = ControlKeys::new(store.prefix());
        Control {
            store: store.clone(),
            catalogue: keys.clone(),
            keys,
        }
    }

    /// The same control plane, with topics where it says queues: what is registered, placed, looked up
    /// and listed by this handle is the topic of that name. Pools, flavors, [`check`](Self::check) and
    /// [`drop_all`](Self::drop_all) are no others.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// let topics = store.control().of_topics();
    /// for entry in topics.catalogue("shop")?.await?.entries {
    ///     println!("the topic {} is on {}", entry.queue, entry.pool);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn of_topics(&self) -> Self {
        Control {
            catalogue: self.keys.of_topics(),
            ..self.clone()
        }
    }

    /// The store whose Redis keeps it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Looks at all there is and answers what does not fit together: counts, names, and queues and
    /// topics on pools that are not registered.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// for found in store.control().check().await? {
    ///     println!("{}: {} {}", found.part, found.about, found.sentence);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None of its own; see [`Control`](Control#errors).
    pub async fn check(&self) -> Result<Vec<Violation>> {
        // All but the first, which has the schema alone.
        let parts = &CONTROL_CHECK.keys()[1..];
        violations(&self.store, &CONTROL_CHECK, &self.keys, parts).await
    }

    /// Takes all of a kind out, whatever is in use, and answers how many there were: for tests, and for
    /// installing anew. What is stored on the pools stays there.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// store.control().drop_all(marconi_redis::ControlKind::Flavors).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown).
    ///
    /// # Errors
    /// None of its own; see [`Control`](Control#errors).
    pub async fn drop_all(&self, kind: ControlKind) -> Result<u64> {
        let what = match kind {
            ControlKind::Pools => "pools",
            ControlKind::Flavors => "flavors",
            ControlKind::Catalogue => "catalogue",
        };
        number(self.call(&CONTROL_DROP, &[what]).await?)
    }

    async fn call(&self, script: &'static Script, args: &[&str]) -> Result<Value> {
        self.call_on(&self.keys, script, args).await
    }

    /// A call of a script `control/catalogue/…`.
    async fn catalogue_call(&self, script: &'static Script, args: &[&str]) -> Result<Value> {
        self.call_on(&self.catalogue, script, args).await
    }

    async fn call_on(
        &self,
        keys: &ControlKeys,
        script: &'static Script,
        args: &[&str],
    ) -> Result<Value> {
        let of = Operation::begin(&self.store);
        of.call(of.script(script, keys).arg(args)).await
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("store", &self.store)
            .finish()
    }
}
