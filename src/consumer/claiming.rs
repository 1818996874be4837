//! One claim of a consumer: made, asked for again, or taken back.
//!
//! Guards the instant that the claim's time is counted from: it is one at which the claim was not
//! yet made.

use std::sync::Arc;

use tokio::time::Instant;

use super::shared::Shared;
use crate::claim::{Claim, ClaimId, Lease};
use crate::error::{Error, Outcome, Result};

/// A claim, with what its time is counted from.
pub(super) type Claimed = (Claim, Instant, Lease);

/// One claim. Where it took long, its time is counted anew by a renewal.
pub(super) async fn claim(shared: &Shared, id: ClaimId, limit: usize) -> Result<Option<Claimed>> {
    let (queue, terms) = (&shared.queue, &shared.terms);
    let mut sent = Instant::now();
    let claim = queue
        .claim()
        .id(id)
        .ttl(terms.ttl)
        .grace(terms.grace)
        .limit(limit)
        .worker(terms.worker.as_str())
        .wait(terms.wait);
    let Some(claim) = claim.await? else {
        return Ok(None);
    };
    let mut lease = *claim.lease();
    // It waited for a message, or asked again: when it was made is not known here, only that it was
    // not before it was sent.
    if sent.elapsed() >= lease.left() / 2 {
        sent = Instant::now();
        lease = match queue.renew(id, terms.ttl, terms.grace).await {
            Err(Error::ClaimDoesNotExist { .. }) => return Ok(None),
            renewed => renewed?,
        };
    }
    Ok(Some((claim, sent, lease)))
}

/// Of a claim that may have been made or not.
pub(super) async fn release(shared: Arc<Shared>, id: ClaimId) {
    let release = || async { shared.queue.release(id).untried(true).await };
    let released = match release().await {
        // Once more: on another connection the claim may have come after its release.
        Ok(0) => release().await,
        released => released,
    };
    if let Err(error) = released {
        shared.trouble("release", error, None);
    }
}

/// Whether no repetition mends this.
pub(super) fn is_final(error: &Error) -> bool {
    match error {
        Error::InvalidArgument { .. } | Error::NewerSchema { .. } => true,
        Error::Transport {
            outcome: Outcome::NotDone,
            source,
            ..
        } => matches!(source.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM")),
        _ => false,
    }
}
