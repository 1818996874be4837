//! What can be wrong with text, by script and argument.
//!
//! Guards nothing; a text argument that is not known here ends the test.

pub struct WrongText {
    pub values: Vec<Vec<u8>>,
    /// The words that may answer it; none where it is no error.
    pub words: &'static [&'static str],
    /// What the refusal has to name.
    pub names: &'static str,
}

fn long(many: usize) -> Vec<u8> {
    vec![b'a'; many]
}

fn some(values: &[&str]) -> Vec<Vec<u8>> {
    values.iter().map(|v| v.as_bytes().to_vec()).collect()
}

pub fn wrong_text(script: &str, name: &str) -> WrongText {
    if let Some(known) = of_control(script, name).or_else(|| of_subscription(script, name)) {
        return known;
    }
    let (values, names) = of_queue(script, name);
    WrongText {
        values,
        words: &["BADARG"],
        names,
    }
}

/// Text that is refused, and the name in the refusal.
fn of_queue(script: &str, name: &str) -> (Vec<Vec<u8>>, &'static str) {
    match (script, name) {
        ("claim", "worker") => (
            [some(&["a\nb", "\0", "\x7f"]), vec![long(257)]].concat(),
            "worker",
        ),
        ("post", "client") => (vec![long(257)], "client"),
        ("post" | "pop", "token") => ([some(&["a\nb", "\0"]), vec![long(257)]].concat(), "token"),
        ("post", "digest") => (
            [some(&["", " ", "a b", "a\n"]), vec![long(129)]].concat(),
            "digest",
        ),
        ("repair", "about") => (Vec::new(), ""),
        ("check" | "repair", "part") => (some(&["", "x", "dead", "LOG", "log "]), "part"),
        ("check", "cursor") => (some(&["x", "-1", "1e3", "0x1", " "]), "cursor"),
        ("dead/deliver", "source") => (
            some(&["", "p", "p/q/r", "/", "p/", "p/{q}", "{p}/q"]),
            "source",
        ),
        ("dead/redrive" | "dead/send_back", "to") => {
            (some(&["p", "p/q/r", "/", "p/", "p/{q}", "{p}/q"]), "to")
        }
        ("queue/create" | "queue/set", "name") => (
            some(&[
                "",
                "x",
                "schema",
                "fence",
                "metadata",
                "_default_message_tt",
            ]),
            "name",
        ),
        // Of values there is a test of its own; a client may be any text.
        (_, "value") | ("list", "client") => (Vec::new(), ""),
        _ => panic!("no flaw is known of {name} of {script}"),
    }
}

/// Names that can't be any.
fn no_names() -> Vec<Vec<u8>> {
    [some(&["", "a\nb", "\0", "\x7f"]), vec![long(257)]].concat()
}

fn of_control(script: &str, name: &str) -> Option<WrongText> {
    let verb = script.strip_prefix("control/")?;
    let bad = |names, values| WrongText {
        values,
        words: &["BADARG"],
        names,
    };
    let gone = |words| WrongText {
        values: no_names(),
        words,
        names: "",
    };
    Some(match (verb, name) {
        (_, "project") => {
            let projects = some(&["a/b", "/", "{p", "p}", "a\nb", "\0", "\x7f"]);
            bad("project", [projects, vec![long(769)]].concat())
        }
        ("pool/create" | "flavor/create", "name") => bad("name", no_names()),
        ("catalogue/insert" | "catalogue/register", "queue") => bad("queue", no_names()),
        ("catalogue/insert", "pool") => bad("pool", no_names()),
        ("check", "part") => bad("part", some(&["", "x", "log", "state", "POOLS"])),
        ("check", "cursor") => bad("cursor", some(&["x", "-1", "1e3", "0x1", " "])),
        ("drop", "what") => bad("what", some(&["", "x", "pool", "POOLS", "state"])),
        ("pool/create" | "pool/update", "field") => {
            bad("field", some(&["", "x", "Weight", "name", "weight "]))
        }
        ("pool/get" | "pool/update", "name") => gone(&["POOLGONE"]),
        ("flavor/get" | "flavor/update", "name") => gone(&["FLAVORGONE"]),
        ("catalogue/get", "queue") => gone(&["NOTMAPPED"]),
        ("pool/delete" | "flavor/delete", "name") => gone(&[]),
        ("catalogue/delete", "queue") | ("pool/list", "flavor") => gone(&[]),
        // Where no pool is given, it is whichever.
        ("catalogue/delete", "pool") => WrongText {
            values: no_names().split_off(1),
            words: &[],
            names: "",
        },
        (_, "marker") => gone(&[]),
        ("catalogue/register", "flavor") => WrongText {
            values: no_names().split_off(1),
            words: &["FLAVORGONE"],
            names: "",
        },
        (_, "value") => gone_to_fields(),
        _ => panic!("no flaw is known of {name} of {script}"),
    })
}

fn of_subscription(script: &str, name: &str) -> Option<WrongText> {
    let verb = script.strip_prefix("subscription/")?;
    let bad = |names, values| WrongText {
        values,
        words: &["BADARG"],
        names,
    };
    Some(match (verb, name) {
        ("create", "subscriber") => {
            let mut values = no_names().split_off(1);
            values[3] = long(4097);
            bad("subscriber", values)
        }
        ("update", "field") => bad("field", some(&["", "x", "Ttl", "id", "confirmed"])),
        // With an id that lives the subscriber is not asked for.
        ("get", "subscriber") => WrongText {
            values: no_names(),
            words: &[],
            names: "",
        },
        ("get" | "confirm" | "update" | "delete", "id") => WrongText {
            values: some(&["x", "schema", "last", "1-1", "1-1-1", "\0", "nan-nan"]),
            words: match verb {
                "delete" => &[],
                _ => &["SUBSCRIPTIONGONE"],
            },
            names: "",
        },
        (_, "value") => gone_to_fields(),
        _ => panic!("no flaw is known of {name} of {script}"),
    })
}

/// Of the values of fields there is a test of its own.
fn gone_to_fields() -> WrongText {
    WrongText {
        values: Vec::new(),
        words: &[],
        names: "",
    }
}
