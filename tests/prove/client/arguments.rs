//! A call as a script and its ARGV, by lua/manifest.json.
//!
//! Guards that what is left out is the empty string, as the contract has it.

use super::envelope::wrapped;
use crate::history::{Body, Call};

/// What a script is given: numbers, texts and bytes alike.
pub fn arg(value: impl ToString) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn optional(value: Option<impl ToString>) -> Vec<u8> {
    value.map_or(Vec::new(), arg)
}

/// Which script, and what it is given.
pub fn arguments(who: u32, call: &Call) -> (&'static str, Vec<Vec<u8>>) {
    let flag = |set: bool| arg(if set { "1" } else { "" });
    let none = Vec::new;
    match call {
        Call::Post {
            stem,
            count,
            ttl,
            delay,
            token,
        } => {
            let digest = format!("{stem}x{count}");
            let mut args = vec![
                none(),
                arg(who),
                optional(token.as_ref()),
                arg(digest),
                none(),
            ];
            for place in 0..*count {
                args.extend([optional(*ttl), optional(*delay)]);
                args.push(wrapped(&Body(who, *stem, place).text()));
            }
            ("post", args)
        }
        Call::Claim {
            claim,
            ttl,
            grace,
            limit,
            ..
        } => {
            let args = vec![none(), arg(claim), arg(ttl), arg(grace), arg(limit)];
            ("claim", [args, vec![arg("plain"), none(), none()]].concat())
        }
        Call::Get { claim } => ("claim_get", vec![none(), arg(claim)]),
        Call::Renew { claim, ttl, grace } => {
            ("renew", vec![none(), arg(claim), arg(ttl), arg(grace)])
        }
        Call::Release { claim, untried } => ("release", vec![none(), arg(claim), flag(*untried)]),
        Call::Nack {
            claim,
            ids,
            delay,
            untried,
        } => {
            let mut args = vec![none(), arg(claim), arg(delay), flag(*untried)];
            args.extend(ids.iter().map(arg));
            ("nack", args)
        }
        Call::Delete { claim, ids } => {
            let mut args = vec![none(), optional(claim.as_ref())];
            args.extend(ids.iter().map(arg));
            ("delete", args)
        }
        Call::Pop { limit, token, .. } => {
            let token = optional(token.as_ref());
            ("pop", vec![none(), arg(limit), token, none(), none()])
        }
        Call::List { limit } => {
            let args = vec![none(), none(), arg(limit), none(), flag(true), flag(true)];
            ("list", args)
        }
        Call::Stats => ("queue/stats", vec![none()]),
    }
}
