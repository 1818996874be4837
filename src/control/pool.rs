//! Pools: the Redis servers that queues are placed on.
//!
//! Guards that a uri with a password in it shows nowhere but where it is asked for.

use std::fmt;
use std::future::IntoFuture;

use super::Control;
use crate::Pending;
use crate::error::{Error, Result};
use crate::metadata::Metadata;
use crate::operation::Operation;
use crate::reply::{Fields, number};
use crate::script::{
    CONTROL_POOL_CREATE, CONTROL_POOL_DELETE, CONTROL_POOL_GET, CONTROL_POOL_LIST,
    CONTROL_POOL_UPDATE, Script,
};

/// One pool, as it is registered.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// How large its share of new queues is, among the pools of its flavor; 0 takes none.
    pub weight: u32,
    /// Where it is; may have a password in it.
    pub uri: String,
    /// The flavor that it serves, if any.
    pub flavor: Option<String>,
    /// Whatever else a client needs to know to use it.
    pub options: Metadata,
    /// How many queues and topics the catalogues have on it.
    pub queues: u64,
}

/// Without the uri, which may have a password in it.
impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.name)
            .field("weight", &self.weight)
            .field("flavor", &self.flavor)
            .field("queues", &self.queues)
            .finish_non_exhaustive()
    }
}

/// Some pools, and where the next ones begin.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PoolPage {
    /// In the order of their names.
    pub pools: Vec<Pool>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<String>,
}

/// Fields of a pool that are given.
#[derive(Debug, Clone, Default)]
struct Given(Vec<(&'static str, Vec<u8>)>);

impl Given {
    fn set(&mut self, field: &'static str, value: impl Into<Vec<u8>>) {
        self.0.retain(|(other, _)| *other != field);
        self.0.push((field, value.into()));
    }

    /// Registers or changes a pool. Not repeated after a lost answer: it would undo what another set
    /// between.
    async fn send(&self, control: &Control, script: &'static Script, name: &str) -> Result<bool> {
        let of = Operation::begin(&control.store);
        let mut call = of.script(script, &control.keys).arg(name);
        for (field, value) in &self.0 {
            call = call.arg(*field).arg(value.as_slice());
        }
        number(of.call(call).await?).map(|n| n == 1)
    }
}

/// A pool that is to be registered; `.await` it, and it answers whether the name is new. One that is
/// registered under the name is replaced.
///
/// # Errors
/// [`PoolAlreadyExists`](Error::PoolAlreadyExists) where another pool has the uri;
/// [`TooLarge`](Error::TooLarge) for more than 1,000 pools, or options above 4,096 bytes. A lost answer is
/// an error with [`Outcome::Unknown`](crate::Outcome::Unknown), since another's could have come between.
#[must_use = "nothing is registered until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CreatePool {
    control: Control,
    name: String,
    given: Given,
}

impl CreatePool {
    /// It serves this flavor; none, unless set.
    pub fn flavor(mut self, flavor: &str) -> Self {
        self.given.set("flavor", flavor);
        self
    }

    /// What else a client needs to know to use it; nothing, unless set.
    pub fn options(mut self, options: &Metadata) -> Self {
        self.given.set("options", options.to_bin());
        self
    }
}

/// Changes to a pool; `.await` it. What is not given stays as it is.
///
/// # Errors
/// [`PoolDoesNotExist`](Error::PoolDoesNotExist);
/// [`PoolAlreadyExists`](Error::PoolAlreadyExists) where another pool has the uri;
/// [`InvalidArgument`](Error::InvalidArgument) where nothing is given;
/// [`TooLarge`](Error::TooLarge) for options above 4,096 bytes. A lost answer is an error with
/// [`Outcome::Unknown`](crate::Outcome::Unknown).
#[must_use = "nothing is changed until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UpdatePool {
    control: Control,
    name: String,
    given: Given,
}

impl UpdatePool {
    /// How large its share of new queues is from now on.
    pub fn weight(mut self, weight: u32) -> Self {
        self.given.set("weight", weight.to_string());
        self
    }

    /// Where it is from now on.
    pub fn uri(mut self, uri: &str) -> Self {
        self.given.set("uri", uri);
        self
    }

    /// The flavor that it serves from now on; `None` for none.
    pub fn flavor(mut self, flavor: Option<&str>) -> Self {
        self.given.set("flavor", flavor.unwrap_or_default());
        self
    }

    /// Its options, in place of those it has.
    pub fn options(mut self, options: &Metadata) -> Self {
        self.given.set("options", options.to_bin());
        self
    }
}

/// A listing of pools, in the order of their names; `.await` it.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListPools {
    control: Control,
    marker: String,
    limit: usize,
    /// `None` for all.
    flavor: Option<String>,
}

impl ListPools {
    /// Begin after this name, registered or not.
    pub fn marker(mut self, marker: impl Into<String>) -> Self {
        self.marker = marker.into();
        self
    }

    /// At most so many: 10, unless set; 1 to 1000.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Only pools that serve this flavor; `None` for those that serve none.
    pub fn flavor(mut self, flavor: Option<&str>) -> Self {
        self.flavor = Some(flavor.unwrap_or_default().to_owned());
        self
    }

    async fn run(self) -> Result<PoolPage> {
        let of = Operation::begin(&self.control.store);
        let by = if self.flavor.is_some() { "1" } else { "" };
        let call = of
            .script(&CONTROL_POOL_LIST, &self.control.keys)
            .arg(&self.marker)
            .arg(self.limit)
            .arg(by)
            .arg(self.flavor.unwrap_or_default());
        let mut fields = Fields::of(of.call(call).await?)?;
        let mut pools = Vec::new();
        while !fields.are_all_read() {
            let name = fields.text()?;
            pools.push(Pool::read(name, &mut fields)?);
        }
        let is_full = pools.len() == self.limit;
        let marker = pools
            .last()
            .filter(|_| is_full)
            .map(|pool| pool.name.clone());
        Ok(PoolPage { pools, marker })
    }
}

impl Pool {
    fn read(name: String, fields: &mut Fields) -> Result<Self> {
        let weight = u32::try_from(fields.number()?);
        let weight = weight.map_err(|_| Error::corrupt("a pool's weight is out of its bounds"))?;
        Ok(Pool {
            name,
            weight,
            uri: fields.text()?,
            flavor: Some(fields.text()?).filter(|flavor| !flavor.is_empty()),
            options: Metadata::from_server(&fields.bytes()?, Vec::new())?,
            queues: fields.number()?,
        })
    }
}

impl Control {
    /// Registers a pool. See [`CreatePool`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// store.control().create_pool("east", 100, "redis://10.0.0.1").flavor("ssd").await?;
    /// # Ok(()) }
    /// ```
    pub fn create_pool(&self, name: &str, weight: u32, uri: &str) -> CreatePool {
        let mut given = Given::default();
        given.set("weight", weight.to_string());
        given.set("uri", uri);
        CreatePool {
            control: self.clone(),
            name: name.to_owned(),
            given,
        }
    }

    /// Changes what is given of a pool. See [`UpdatePool`].
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// store.control().update_pool("east").weight(0).await?; // no new queues
    /// # Ok(()) }
    /// ```
    pub fn update_pool(&self, name: &str) -> UpdatePool {
        UpdatePool {
            control: self.clone(),
            name: name.to_owned(),
            given: Given::default(),
        }
    }

    /// One pool.
    ///
    /// # Errors
    /// [`PoolDoesNotExist`](Error::PoolDoesNotExist).
    pub async fn pool(&self, name: &str) -> Result<Pool> {
        let reply = self.call(&CONTROL_POOL_GET, &[name]).await?;
        Pool::read(name.to_owned(), &mut Fields::of(reply)?)
    }

    /// Lists pools. See [`ListPools`].
    pub fn pools(&self) -> ListPools {
        ListPools {
            control: self.clone(),
            marker: String::new(),
            limit: 10,
            flavor: None,
        }
    }

    /// Takes a pool out; answers whether it was there. What is stored on it stays there.
    ///
    /// # Errors
    /// [`PoolInUse`](Error::PoolInUse) where the catalogue has queues on it, or where it is the only pool
    /// of its flavor. A lost answer is one with [`Outcome::Unknown`](crate::Outcome::Unknown).
    pub async fn delete_pool(&self, name: &str) -> Result<bool> {
        let reply = self.call(&CONTROL_POOL_DELETE, &[name]).await?;
        number(reply).map(|n| n == 1)
    }
}

impl IntoFuture for CreatePool {
    type Output = Result<bool>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            self.given
                .send(&self.control, &CONTROL_POOL_CREATE, &self.name)
                .await
        })
    }
}

impl IntoFuture for UpdatePool {
    type Output = Result<()>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.given.0.is_empty() {
                return Err(Error::invalid(
                    "field",
                    "wants one at least: weight, uri, flavor or options",
                ));
            }
            let sent = self
                .given
                .send(&self.control, &CONTROL_POOL_UPDATE, &self.name);
            sent.await.map(drop)
        })
    }
}

impl IntoFuture for ListPools {
    type Output = Result<PoolPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
