use std::time::Duration;

use super::*;

#[test]
fn what_came_in_goes_out_as_it_was() {
    // A key that is a number, an ext value, a number in more bytes than it needs.
    let map = b"\x83\x01\xc0\xa1e\xd4\x05x\xa1n\xcf\0\0\0\0\0\0\0\x07";
    let metadata = Metadata::from_msgpack(map).unwrap();
    assert_eq!(metadata.to_msgpack(), map);
    assert_eq!(metadata.names().collect::<Vec<_>>(), ["e", "n"]);
    assert_eq!(metadata.get::<u8>("n").unwrap(), Some(7));
    assert_eq!(metadata.get::<u8>("e").unwrap_err().word(), "CODEC");
    assert_eq!(metadata.get::<u8>("absent").unwrap(), None);
}

#[test]
fn only_one_whole_map_is_metadata() {
    for bytes in [
        &b""[..],
        b"\x80\xc0",
        b"\x90",
        b"\x81\xa1a",
        b"\xdf\xff\xff\xff\xff",
        b"\xc1",
    ] {
        assert_eq!(
            Metadata::from_msgpack(bytes).unwrap_err().word(),
            "BADARG",
            "{bytes:?}"
        );
    }
    assert!(Metadata::from_msgpack(b"\x80").unwrap().is_empty());
}

#[test]
fn a_reserved_name_is_a_setting_however_it_came_in() {
    let ways = [
        Metadata::new().with_max_claim_count(3),
        Metadata::new().with("_max_claim_count", &3).unwrap(),
        Metadata::from_msgpack(b"\x81\xb0_max_claim_count\x03").unwrap(),
        Metadata::from_map(&BTreeMap::from([("_max_claim_count", 3)])).unwrap(),
    ];
    for metadata in ways {
        assert_eq!(metadata.max_claim_count(), Some(3));
        assert_eq!(metadata.get::<u64>("_max_claim_count").unwrap(), Some(3));
        assert_eq!(
            metadata.settings().collect::<Vec<_>>(),
            [("_max_claim_count", "3")]
        );
        assert!(metadata.without("_max_claim_count") == Metadata::new());
    }
}

#[test]
fn a_reserved_name_with_a_value_of_another_type_is_refused_by_name() {
    for (name, value) in [
        ("_default_message_ttl", "soon"),
        ("_max_claim_count", "3"),
        ("_max_messages_post_size", "big"),
    ] {
        let error = Metadata::new().with(name, value).unwrap_err();
        assert!(error.to_string().starts_with(name), "{error}");
    }
    assert!(Metadata::new().with("_dead_letter_queue", &3).is_err());
    assert!(Metadata::new().with("_default_message_delay", &-3).is_err());
}

#[test]
fn what_the_scripts_go_by_is_what_the_server_says() {
    let settings = vec![
        ("_default_message_ttl".into(), "300000".into()),
        ("_later".into(), "1".into()),
    ];
    let map = b"\x81\xb4_default_message_ttl\xcd\x01\x2c";
    let metadata = Metadata::from_server(map, settings).unwrap();
    assert_eq!(
        metadata.default_message_ttl(),
        Some(Duration::from_secs(300))
    );
    assert_eq!(metadata.to_msgpack(), map);
    assert_eq!(
        Metadata::from_server(b"junk", vec![]).unwrap_err().word(),
        "CORRUPT"
    );
}

/// Another list than the scripts' would lose what a user sets, or send what they refuse.
#[test]
fn the_reserved_names_and_their_types_are_those_of_the_manifest() {
    let manifest = include_str!("../../lua/manifest.json");
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap();
    let entries = manifest["reserved"].as_array().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, reserved::ALL);
    for (entry, name) in entries.iter().zip(reserved::ALL) {
        let is_text = entry["type"] == "text";
        let (text, number) = (rmp_serde::to_vec("7"), rmp_serde::to_vec(&7));
        let (text, number) = (text.unwrap(), number.unwrap());
        let (good, bad) = if is_text {
            (text, number)
        } else {
            (number, text)
        };
        assert_eq!(reserved::as_argument(name, &good).unwrap(), "7", "{name}");
        let refused = reserved::as_argument(name, &bad).unwrap_err().to_string();
        let unit = entry["unit"].as_str().unwrap();
        let says_unit = match unit {
            "-" => refused.ends_with("a name"),
            "count" => refused.ends_with("a whole number"),
            unit => refused.ends_with(&format!("a whole number of {unit}")),
        };
        assert!(says_unit, "{unit}: {refused}");
    }
}
