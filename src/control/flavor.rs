//! Flavors: names that a project's queues can ask for, each standing for the pools that bear it.
//!
//! Guards that capabilities come back as they were given.

use std::future::IntoFuture;

use super::{Control, tagged};
use crate::Pending;
use crate::error::Result;
use crate::keys::ProjectName;
use crate::metadata::Metadata;
use crate::operation::Operation;
use crate::reply::{Fields, bytes, number};
use crate::script::{
    CONTROL_FLAVOR_CREATE, CONTROL_FLAVOR_DELETE, CONTROL_FLAVOR_GET, CONTROL_FLAVOR_LIST,
    CONTROL_FLAVOR_UPDATE, Script,
};

/// One flavor of a project.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Flavor {
    /// Its name, which its pools bear.
    pub name: String,
    /// What it promises: a map of the operator's own.
    pub capabilities: Metadata,
}

/// Some flavors, and where the next ones begin.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FlavorPage {
    /// In the order of their names.
    pub flavors: Vec<Flavor>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<String>,
}

/// A listing of a project's flavors, in the order of their names; `.await` it.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ListFlavors {
    control: Control,
    project: ProjectName,
    marker: String,
    limit: usize,
}

impl ListFlavors {
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

    async fn run(self) -> Result<FlavorPage> {
        let project = tagged(&self.project);
        let args = [&*project, &self.marker, &self.limit.to_string()];
        let reply = self.control.call(&CONTROL_FLAVOR_LIST, &args);
        let mut fields = Fields::of(reply.await?)?;
        let mut flavors = Vec::new();
        while !fields.are_all_read() {
            flavors.push(Flavor {
                name: fields.text()?,
                capabilities: Metadata::from_server(&fields.bytes()?, Vec::new())?,
            });
        }
        let is_full = flavors.len() == self.limit;
        let marker = flavors
            .last()
            .filter(|_| is_full)
            .map(|flavor| flavor.name.clone());
        Ok(FlavorPage { flavors, marker })
    }
}

impl Control {
    /// Registers a flavor of a project, or replaces the capabilities of one that is there; answers
    /// whether it is new.
    ///
    /// ```no_run
    /// # async fn example(store: marconi_redis::Store) -> marconi_redis::Result<()> {
    /// use marconi_redis::Metadata;
    ///
    /// let capabilities = Metadata::new().with("durable", &true)?;
    /// store.control().create_flavor("shop", "ssd", &capabilities).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`](crate::Error::TooLarge) for capabilities above 4,096 bytes. A lost answer is an
    /// error with [`Outcome::Unknown`](crate::Outcome::Unknown).
    pub async fn create_flavor(
        &self,
        project: &str,
        name: &str,
        capabilities: &Metadata,
    ) -> Result<bool> {
        let written = self.write_flavor(&CONTROL_FLAVOR_CREATE, project, name, capabilities);
        written.await.map(|n| n == 1)
    }

    /// Changes the capabilities of a flavor that is registered.
    ///
    /// # Errors
    /// [`FlavorDoesNotExist`](crate::Error::FlavorDoesNotExist); and as of
    /// [`create_flavor`](Self::create_flavor).
    pub async fn update_flavor(
        &self,
        project: &str,
        name: &str,
        capabilities: &Metadata,
    ) -> Result<()> {
        let written = self.write_flavor(&CONTROL_FLAVOR_UPDATE, project, name, capabilities);
        written.await.map(drop)
    }

    /// One flavor.
    ///
    /// # Errors
    /// [`FlavorDoesNotExist`](crate::Error::FlavorDoesNotExist).
    pub async fn flavor(&self, project: &str, name: &str) -> Result<Flavor> {
        let project = tagged(&ProjectName::new(project)?);
        let args = [&*project, name];
        let reply = self.call(&CONTROL_FLAVOR_GET, &args).await?;
        Ok(Flavor {
            name: name.to_owned(),
            capabilities: Metadata::from_server(&bytes(reply)?, Vec::new())?,
        })
    }

    /// Lists the flavors of a project. See [`ListFlavors`].
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Error::InvalidArgument) for a project name that is none.
    pub fn flavors(&self, project: &str) -> Result<ListFlavors> {
        Ok(ListFlavors {
            control: self.clone(),
            project: ProjectName::new(project)?,
            marker: String::new(),
            limit: 10,
        })
    }

    /// Takes a flavor out; answers whether it was there. Pools and queues that bear its name keep it.
    ///
    /// # Errors
    /// A lost answer is an error with [`Outcome::Unknown`](crate::Outcome::Unknown); see
    /// [`Control`](Control#errors).
    pub async fn delete_flavor(&self, project: &str, name: &str) -> Result<bool> {
        let project = tagged(&ProjectName::new(project)?);
        let args = [&*project, name];
        let reply = self.call(&CONTROL_FLAVOR_DELETE, &args);
        number(reply.await?).map(|n| n == 1)
    }

    async fn write_flavor(
        &self,
        script: &'static Script,
        project: &str,
        name: &str,
        capabilities: &Metadata,
    ) -> Result<u64> {
        let project = tagged(&ProjectName::new(project)?);
        let of = Operation::begin(&self.store);
        let call = of.script(script, &self.keys).arg(project).arg(name);
        number(of.call(call.arg(capabilities.to_bin())).await?)
    }
}

impl IntoFuture for ListFlavors {
    type Output = Result<FlavorPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
