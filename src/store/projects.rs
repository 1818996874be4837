//! Listing projects.
//!
//! Guards that a project is listed while a queue of it is: one without names is passed over, and
//! its own name taken out.

use std::future::IntoFuture;

use super::{Names, Store};
use crate::Pending;
use crate::error::Result;
use crate::keys::ProjectName;
use crate::operation::Operation;
use crate::store::queues::bounded;

/// A listing of projects, in name order; `.await` it.
#[must_use = "a listing does nothing until it is awaited"]
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Projects {
    store: Store,
    marker: Option<ProjectName>,
    limit: usize,
}

/// Some projects, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProjectPage {
    /// In name order.
    pub projects: Vec<ProjectName>,
    /// Where the next page begins; `None` at the end.
    pub marker: Option<ProjectName>,
}

impl Projects {
    pub(super) fn new(store: Store) -> Self {
        Projects {
            store,
            marker: None,
            limit: 10,
        }
    }

    /// Begin after this name, listed or not.
    pub fn marker(mut self, marker: ProjectName) -> Self {
        self.marker = Some(marker);
        self
    }

    /// At most so many: 10, unless set; 1 to 250.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    async fn run(self) -> Result<ProjectPage> {
        let limit = bounded(self.limit)?;
        let operation = Operation::begin(&self.store);
        let names = Names::of(&operation);
        let (mut projects, mut after) = (Vec::new(), self.marker);
        while projects.len() < limit {
            let wanted = limit - projects.len();
            let found = names.project_page(after.as_ref(), wanted).await?;
            let Some(last) = found.last() else {
                return Ok(ProjectPage {
                    projects,
                    marker: None,
                });
            };
            after = Some(last.clone());
            for project in found {
                if names.page(&project, None, 1).await?.is_empty() {
                    names.leave_project(&project).await?;
                } else {
                    projects.push(project);
                }
            }
        }
        Ok(ProjectPage {
            projects,
            marker: after,
        })
    }
}

impl IntoFuture for Projects {
    type Output = Result<ProjectPage>;
    type IntoFuture = Pending<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
