//! The catalogue: which queue is on which pool; and that of topics.
//!
//! Guards that a queue is on one pool, whoever creates it at the same time as others.

use std::fmt;
use std::future::IntoFuture;
use std::hash::{BuildHasher, RandomState};

use super::{Control, tagged};
use crate::Pending;
use crate::error::Result;
use crate::keys::{ProjectName, QueueName, QueuePath};
use crate::metadata::Metadata;
use crate::reply::{Fields, number};
use crate::script::{
    CONTROL_CATALOGUE_DELETE, CONTROL_CATALOGUE_GET, CONTROL_CATALOGUE_INSERT,
    CONTROL_CATALOGUE_LIST, CONTROL_CATALOGUE_REGISTER,
};

/// Where a queue is.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Placement {
    /// The pool's name.
    pub pool: String,
    /// Where the pool is; may have a password in it. `None` where the pool was taken out since.
    pub uri: Option<String>,
    /// The pool's options.
    pub options: Metadata,
}

/// Without the uri, which may have a password in it.
impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl Placement {
    fn read(fields: &mut Fields) -> Result<Self> {
        Ok(Placement {
            pool: fields.text()?,
            uri: Some(fields.text()?).filter(|uri| !uri.is_empty()),
            options: Metadata::from_server(&fields.bytes()?, Vec::new())?,
        })
    }
}

/// A queue of the catalogue, or a topic of theirs, and its pool.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueEntry {
    /// The queue's or topic's name.
    pub queue: QueueName,
    /// The pool's name.
    pub pool: String,
}

/// Some queues of the catalogue, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CataloguePage {
    /// In the order of their names.
    pub entries: Vec<CatalogueEntry>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<QueueName>,
}

/// A listing of a project's queues in the catalogue, in the order of their names; `.await` it.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListCatalogue {
    control: Control,
    project: ProjectName,
    marker: Option<QueueName>,
    limit: usize,
}

impl ListCatalogue {
    /// Begin after this name, there or not.
    pub fn marker(mut self, marker: QueueName) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 1000.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<CataloguePage> {
        let marker = self.marker.as_ref().map_or("", QueueName::as_str);
        let args = [&*tagged(&self.project), marker, &self.limit.to_string()];
        let reply = self.control.catalogue_call(&CONTROL_CATALOGUE_LIST, &args);
        let mut fields = Fields::of(reply.await?)?;
        let mut entries = Vec::new();
        while !fields.are_all_read() {
            let (queue, pool) = (fields.parsed()?, fields.text()?);
            entries.push(CatalogueEntry { queue, pool });
        }
        let is_full = entries.len() == self.limit;
        let marker = entries
            .last()
            .filter(|_| is_full)
            .map(|entry| entry.queue.clone());
        Ok(CataloguePage { entries, marker })
    }
}

impl Control {
    /// Which pool a queue is on; one that is on none yet gets one of this flavor of its project, by
    /// weight. Answers it, and whether it is new. Two clients that register one queue at once are
    /// answered the same pool.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// use marconi_redis::keys::QueuePath;
    ///
    /// let orders = QueuePath::new("shop", "orders")?;
    /// let (placement, is_new) = store.control().register(&orders, Some("ssd")).await?;
    /// println!("orders is on {}", placement.pool);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`FlavorDoesNotExist`](crate::Error::FlavorDoesNotExist);
    /// [`PoolDoesNotExist`](crate::Error::PoolDoesNotExist) where no pool of the flavor takes new queues.
    pub async fn register(
        &self,
        queue: &QueuePath,
        flavor: Option<&str>,
    ) -> Result<(Placement, bool)> {
        // Each RandomState is seeded anew; a choice by weight needs no better source.
        let random = RandomState::new().hash_one(0_u8) as u32;
        let args = [
            &*tagged(queue.project()),
            queue.name().as_str(),
            flavor.unwrap_or_default(),
            &random.to_string(),
        ];
        let reply = self.catalogue_call(&CONTROL_CATALOGUE_REGISTER, &args);
        let mut fields = Fields::of(reply.await?)?;
        let is_new = fields.number()? == 1;
        Ok((Placement::read(&mut fields)?, is_new))
    }

    /// Which pool a queue is on.
    ///
    /// # Errors
    /// [`QueueNotMapped`](crate::Error::QueueNotMapped).
    pub async fn placement(&self, queue: &QueuePath) -> Result<Placement> {
        let args = [&*tagged(queue.project()), queue.name().as_str()];
        let reply = self.catalogue_call(&CONTROL_CATALOGUE_GET, &args);
        Placement::read(&mut Fields::of(reply.await?)?)
    }

    /// Notes that a queue is on a pool, whichever it was on before; answers whether it was on none.
    /// Nothing is moved.
    ///
    /// # Errors
    /// A lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown); see
    /// [`Control`](Control#errors).
    pub async fn place(&self, queue: &QueuePath, pool: &str) -> Result<bool> {
        let args = [&*tagged(queue.project()), queue.name().as_str(), pool, ""];
        let reply = self.catalogue_call(&CONTROL_CATALOGUE_INSERT, &args);
        number(reply.await?).map(|n| n == 1)
    }

    /// The same for a queue that is on some pool already.
    ///
    /// # Errors
    /// [`QueueNotMapped`](crate::Error::QueueNotMapped).
    pub async fn move_entry(&self, queue: &QueuePath, pool: &str) -> Result<()> {
        let args = [&*tagged(queue.project()), queue.name().as_str(), pool, "1"];
        self.catalogue_call(&CONTROL_CATALOGUE_INSERT, &args)
            .await
            .map(drop)
    }

    /// Takes a queue out of the catalogue, where it is on this pool; answers whether it was. The queue
    /// itself stays.
    ///
    /// # Errors
    /// A lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown); see
    /// [`Control`](Control#errors).
    pub async fn unplace(&self, queue: &QueuePath, pool: &str) -> Result<bool> {
        let args = [&*tagged(queue.project()), queue.name().as_str(), pool];
        let reply = self.catalogue_call(&CONTROL_CATALOGUE_DELETE, &args);
        number(reply.await?).map(|n| n == 1)
    }

    /// Lists the queues of a project that are on some pool. See [`ListCatalogue`].
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a project name that is none.
    pub fn catalogue(&self, project: &str) -> Result<ListCatalogue> {
        Ok(ListCatalogue {
            control: self.clone(),
            project: ProjectName::new(project)?,
            marker: None,
            limit: 10,
        })
    }
}

impl IntoFuture for ListCatalogue {
    type Output = Result<CataloguePage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
