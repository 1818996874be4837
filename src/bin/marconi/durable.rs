//! What has to have confirmed a write, as people write it: `replicas=1,fsync,within=500ms`.
//!
//! Guards that nothing is asked for twice, or not at all: either would be a slip.

use marconi_redis::Durability;

use crate::duration;

/// For clap: the error says what to type instead.
pub fn parse(text: &str) -> Result<Durability, String> {
    let (mut asked, mut within) = (None, None);
    let mut seen = Vec::new();
    for word in text.split(',') {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if seen.contains(&name) {
            return Err(format!("{name} is there twice"));
        }
        seen.push(name);
        let one = match (name, value) {
            ("replicas", Some(n)) => Durability::replicas(number(n)?),
            ("replica-fsyncs", Some(n)) => Durability::replica_fsyncs(number(n)?),
            ("fsync", None) => Durability::local_fsync(),
            ("within", Some(time)) => {
                within = Some(duration::parse(time)?);
                continue;
            }
            _ => return Err(format!("{word:?}: {WANTS}")),
        };
        asked = Some(asked.map_or(one, |others: Durability| others.and(one)));
    }
    let asked = asked.ok_or_else(|| WANTS.to_owned())?;
    Ok(match within {
        Some(time) => asked.within(time),
        None => asked,
    })
}

const WANTS: &str =
    "wants replicas=N, fsync or replica-fsyncs=N, and maybe within=D, with commas between";

fn number(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| *n > 0);
    number.ok_or_else(|| format!("{text:?}: wants a number of replicas, at least 1"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_people_write_is_what_is_asked_for() {
        let one = Durability::replicas(1);
        assert_eq!(parse("replicas=1"), Ok(one));
        assert_eq!(
            parse("within=250ms,replicas=1"),
            Ok(one.within(Duration::from_millis(250)))
        );
        assert_eq!(
            parse("replicas=2,fsync,replica-fsyncs=1,within=2s"),
            Ok(Durability::replicas(2)
                .and(Durability::local_fsync())
                .and(Durability::replica_fsyncs(1))
                .within(Duration::from_secs(2)))
        );
    }

    #[test]
    fn a_slip_is_no_durability() {
        for slip in [
            "",
            "within=1s",
            "replicas",
            "replicas=0",
            "replicas=-1",
            "replicas=1,replicas=2",
            "fsync=1",
            "replicas=1,within=5",
            "replicas=1,",
            "Replicas=1",
        ] {
            assert!(parse(slip).is_err(), "{slip:?}");
        }
    }
}
