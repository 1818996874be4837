//! What the workers' ledgers prove.
//!
//! Guards the claim that the demo makes. Nothing here asks the queue: the ledgers alone say which
//! line was dealt with, how often, and whether a second time was legitimate.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::ledger::Entry;

/// What came out.
#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    /// Lines with a side effect, at least one.
    pub processed: u64,
    /// Messages of the killed worker that another claim took after it.
    pub redelivered: u64,
    /// Lines with more side effects than one.
    pub twice: u64,
    /// Lines with none.
    pub lost: Vec<u64>,
    /// Deletes that were refused.
    pub refused: u64,
    /// A sentence for each thing that must not be.
    pub unexplained: Vec<String>,
}

struct Effect<'a> {
    claim: &'a str,
    message: &'a str,
    fence: u64,
}

/// Holds the entries of all workers against the lines that were posted.
///
/// `killed` is what the killed worker held, as `(claim, messages)`.
pub fn audit(
    entries: &[Entry],
    lines: &[u64],
    killed: &(String, Vec<String>),
    ttl_ms: u64,
) -> Findings {
    let mut findings = Findings::default();
    let mut effects: BTreeMap<u64, Vec<Effect>> = BTreeMap::new();
    let mut deleted: HashSet<(&str, &str)> = HashSet::new();
    let mut fences: HashMap<&str, u64> = HashMap::new();
    let mut claims: Vec<(u64, &str, &[String])> = Vec::new();
    for entry in entries {
        match entry {
            Entry::Claimed {
                claim,
                fence,
                messages,
                ..
            } => {
                fences.insert(claim, *fence);
                claims.push((*fence, claim, messages));
            }
            Entry::Processed {
                message,
                line,
                claim,
                fence,
                ..
            } => effects.entry(*line).or_default().push(Effect {
                claim,
                message,
                fence: *fence,
            }),
            Entry::Deleted { claim, messages } => {
                deleted.extend(messages.iter().map(|id| (claim.as_str(), id.as_str())));
            }
            Entry::Refused { .. } => findings.refused += 1,
        }
    }

    findings.redelivered = redelivered(killed, &fences, &claims);
    let posted: HashSet<u64> = lines.iter().copied().collect();
    for line in effects.keys().filter(|line| !posted.contains(line)) {
        let sentence = format!("line {line} was processed, and nobody posted it");
        findings.unexplained.push(sentence);
    }
    for line in lines {
        let Some(times) = effects.get_mut(line) else {
            findings.lost.push(*line);
            continue;
        };
        findings.processed += 1;
        findings.twice += u64::from(times.len() > 1);
        times.sort_by_key(|effect| effect.fence);
        let doubles = times.windows(2);
        let wrong = doubles.filter_map(|pair| why_not(&pair[0], &pair[1], &deleted, ttl_ms));
        let wrong = wrong.map(|why| format!("line {line} was processed twice, {why}"));
        findings.unexplained.extend(wrong);
    }
    findings
}

fn redelivered(
    (claim, messages): &(String, Vec<String>),
    fences: &HashMap<&str, u64>,
    claims: &[(u64, &str, &[String])],
) -> u64 {
    let Some(fence) = fences.get(claim.as_str()) else {
        return 0;
    };
    let later = claims.iter().filter(|(other, ..)| other > fence);
    let taken: HashSet<&String> = later.flat_map(|(.., messages)| *messages).collect();
    messages.iter().filter(|id| taken.contains(id)).count() as u64
}

/// A second time is explained by a first claim that had lapsed when the second was made, and that
/// therefore has the smaller fence. A fence is the server's time in microseconds.
fn why_not(
    first: &Effect,
    second: &Effect,
    deleted: &HashSet<(&str, &str)>,
    ttl_ms: u64,
) -> Option<String> {
    let fences = format!("fences {} and {}", first.fence, second.fence);
    if first.message != second.message {
        return Some("as two messages".to_owned());
    }
    if first.claim == second.claim || first.fence == second.fence {
        return Some(format!("within one claim ({fences})"));
    }
    if deleted.contains(&(first.claim, first.message)) {
        return Some(format!("again after it was deleted ({fences})"));
    }
    // As the scripts do: a claim is made in a millisecond, and gone `ttl` of them later.
    if second.fence / 1000 < first.fence / 1000 + ttl_ms {
        return Some(format!("by two claims that both lived ({fences})"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL_MS: u64 = 1_000;

    fn claimed(claim: &str, fence: u64, messages: &[&str]) -> Entry {
        Entry::Claimed {
            claim: claim.into(),
            fence,
            messages: messages.iter().map(|id| id.to_string()).collect(),
            at_ms: 0,
        }
    }

    fn processed(claim: &str, fence: u64, line: u64) -> Entry {
        Entry::Processed {
            message: format!("{line}-0"),
            line,
            order: serde_json::Value::Null,
            claim: claim.into(),
            fence,
            at_ms: 0,
        }
    }

    fn found(entries: &[Entry], lines: &[u64]) -> Findings {
        let killed = ("a".to_owned(), vec!["1-0".to_owned(), "2-0".to_owned()]);
        audit(entries, lines, &killed, TTL_MS)
    }

    #[test]
    fn a_line_without_a_side_effect_is_lost() {
        let findings = found(&[processed("a", 1, 1)], &[1, 2]);
        assert_eq!((findings.processed, findings.lost), (1, vec![2]));
    }

    #[test]
    fn a_double_is_explained_by_a_lapsed_claim_with_a_smaller_fence() {
        let lapsed = TTL_MS * 1_000;
        let entries = [processed("b", 5 + lapsed, 1), processed("a", 5, 1)];
        let findings = found(&entries, &[1]);
        assert_eq!((findings.twice, findings.unexplained), (1, vec![]));
    }

    #[test]
    fn a_double_of_two_claims_that_both_lived_is_not_explained() {
        let entries = [processed("a", 0, 1), processed("b", 999_999, 1)];
        let findings = found(&entries, &[1]);
        assert!(findings.unexplained[0].contains("both lived"));
    }

    #[test]
    fn a_double_within_one_claim_is_not_explained() {
        let entries = [processed("a", 5, 1), processed("a", 5, 1)];
        assert!(found(&entries, &[1]).unexplained[0].contains("within one claim"));
    }

    #[test]
    fn a_double_after_a_delete_is_not_explained() {
        let deleted = Entry::Deleted {
            claim: "a".into(),
            messages: vec!["1-0".into()],
        };
        let entries = [processed("a", 5, 1), deleted, processed("b", 2_000_000, 1)];
        assert!(found(&entries, &[1]).unexplained[0].contains("deleted"));
    }

    #[test]
    fn a_line_that_nobody_posted_is_noticed() {
        let findings = found(&[processed("a", 5, 9), processed("a", 5, 1)], &[1]);
        assert!(findings.unexplained[0].contains("nobody posted"));
    }

    #[test]
    fn only_what_came_after_the_killed_claim_is_redelivered() {
        let entries = [
            claimed("z", 1, &["2-0"]),
            claimed("a", 5, &["1-0", "2-0"]),
            claimed("b", 9, &["1-0", "7-0"]),
        ];
        assert_eq!(found(&entries, &[]).redelivered, 1);
    }
}
