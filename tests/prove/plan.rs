//! The queues that histories are made of, in groups that have nothing to do with each other.
//!
//! Guards that clients, auditor and checker go by the same rules: each reads them here.

pub const PROJECT: &str = "prove";

/// 14 days: what the scripts take where neither queue nor message says.
const DEFAULT_TTL: u64 = 1_209_600_000;

#[derive(Clone, Debug)]
pub struct Rules {
    pub name: &'static str,
    pub ttl: u64,
    pub delay: u64,
    pub max_claims: Option<u64>,
    /// The queue of the same group that gets dead letters; else they are kept.
    pub dead_letters_to: Option<usize>,
}

const PLAIN: Rules = Rules {
    name: "",
    ttl: DEFAULT_TTL,
    delay: 0,
    max_claims: None,
    dead_letters_to: None,
};

/// Queues that messages move between, and that are checked together.
pub fn groups() -> Vec<Vec<Rules>> {
    let named = |name| Rules { name, ..PLAIN };
    vec![
        vec![named("plain")],
        vec![
            Rules {
                max_claims: Some(3),
                dead_letters_to: Some(1),
                ..named("tried")
            },
            named("tried-dead"),
        ],
        vec![Rules {
            max_claims: Some(2),
            ..named("kept")
        }],
        vec![Rules {
            ttl: 700,
            ..named("brief")
        }],
        vec![Rules {
            delay: 50,
            ..named("late")
        }],
    ]
}
