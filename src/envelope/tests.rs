use std::collections::BTreeMap;

use super::*;

/// `[1000, "me", {delay: 5, from: ["p/q"], id: "1-0", claims: 3, died: 9, ttl: 7, redriven: 2,
/// later: [1, {}]}, 42]`
fn letter() -> Vec<u8> {
    let mut bytes = b"\x94\xcd\x03\xe8\xa2me\x88".to_vec();
    bytes.extend(b"\xa5delay\x05\xa4from\x91\xa3p/q\xa2id\xa31-0\xa6claims\x03\xa4died\x09");
    bytes.extend(b"\xa3ttl\x07\xa8redriven\x02\xa5later\x92\x01\x80\xc4\x01\x2a");
    bytes
}

#[test]
fn a_dead_letter_says_where_it_comes_from_and_unknown_keys_are_passed_over() {
    let letter = letter();
    let envelope = Envelope::decode(&letter).unwrap();
    assert_eq!(envelope.ttl, Duration::from_secs(1));
    assert_eq!(envelope.body, [42]);
    let expected = Extras {
        delay: Some(Duration::from_millis(5)),
        from: vec!["p/q".into()],
        id: Some("1-0".into()),
        claims: Some(3),
        died: Some(9),
        ttl: Some(Duration::from_millis(7)),
        redriven: Some(2),
    };
    assert_eq!(envelope.extras, expected);
}

#[test]
fn an_envelope_that_is_cut_anywhere_or_goes_on_is_corrupt() {
    let letter = letter();
    for end in 0..letter.len() {
        let error = Envelope::decode(&letter[..end]).unwrap_err();
        assert_eq!(error.word(), "CORRUPT", "cut at {end}");
    }
    assert!(Envelope::decode(&[&letter[..], b"\xc0"].concat()).is_err());
}

#[test]
fn no_bytes_make_the_reader_panic() {
    let letter = letter();
    for at in 0..letter.len() {
        for byte in 0..=255 {
            let mut changed = letter.clone();
            changed[at] = byte;
            let _ = Envelope::decode(&changed);
        }
    }
}

#[test]
fn announced_lengths_and_depth_cost_nothing() {
    let hostile: [&[u8]; 4] = [
        b"\x94\x01\xa0\x81\xa4from\xdd\xff\xff\xff\xff",
        b"\x94\x01\xa0\xdf\xff\xff\xff\xff",
        b"\x94\x01\xa0\x81\xa1x\xdd\xff\xff\xff\xff",
        b"\x93\x01\xa0\xc6\xff\xff\xff\xff",
    ];
    for bytes in hostile {
        assert!(Envelope::decode(bytes).is_err());
    }
    let deep = [
        b"\x94\x01\xa0\x81\xa1x".as_slice(),
        &vec![0x91; 4 << 20],
        b"\xc0\xc4\x01\x2a",
    ]
    .concat();
    assert_eq!(Envelope::decode(&deep).unwrap().body, [42]);
}

#[test]
fn a_client_that_is_no_utf8_can_be_read_all_the_same() {
    let envelope = Envelope::decode(b"\x93\x01\xa2\xffx\xc4\x01\x2a").unwrap();
    assert_eq!(envelope.client, "\u{FFFD}x");
}

#[test]
fn a_typed_body_comes_back_as_it_was() {
    let body: BTreeMap<String, Vec<Option<f64>>> =
        BTreeMap::from([("a".into(), vec![None, Some(1.5)]), ("b".into(), vec![])]);
    let wrapped = encode_body(&body).unwrap();
    let stored = [b"\x93\x01\xa0".as_slice(), &wrapped].concat();
    let envelope = Envelope::decode(&stored).unwrap();
    assert_eq!(
        decode_body::<BTreeMap<String, Vec<Option<f64>>>>(envelope.body).unwrap(),
        body
    );
}

#[test]
fn a_body_of_another_type_is_a_codec_error_after_the_fact() {
    let error = decode_body::<u64>(b"\xa2hi").unwrap_err();
    assert_eq!((error.word(), error.outcome()), ("CODEC", Outcome::Done));
    assert!(decode_body::<Vec<u64>>(&[0x91; 100_000]).is_err());
}

#[test]
fn a_raw_body_is_exactly_one_value_of_any_kind() {
    let values: [&[u8]; 12] = [
        b"\x00",
        b"\xff",
        b"\xc0",
        b"\xa1x",
        b"\xd9\x01x",
        b"\xc5\x00\x01x",
        b"\xd4\x01x",
        b"\xc7\x00\x01",
        b"\x92\x01\x02",
        b"\x81\xa1k\x93\x01\x02\x03",
        b"\xcb\0\0\0\0\0\0\0\0",
        b"\xdc\x00\x01\xc3",
    ];
    for value in values {
        let wrapped = wrap_body(value).unwrap();
        assert_eq!(wrapped[..2], [0xc4, u8::try_from(value.len()).unwrap()]);
        assert_eq!(&wrapped[2..], value);
        assert_eq!(
            wrap_body(&value[..value.len() - 1]).unwrap_err().word(),
            "BADARG"
        );
        assert!(wrap_body(&[value, b"\xc0"].concat()).is_err());
    }
    assert!(wrap_body(b"\xc1").is_err());
    for length in [255, 256, 65_535, 65_536] {
        let value = encode_body(&vec![7_u8; length]).unwrap();
        assert_eq!(
            Reader::new(&value).bin().map(<[u8]>::len).unwrap(),
            value.len() - head(length + 3)
        );
    }
}

/// How long the head of a bin is that holds an array of small numbers.
fn head(length: usize) -> usize {
    match length {
        0..256 => 2,
        256..65_536 => 3,
        _ => 5,
    }
}

#[test]
fn a_body_is_wrapped_in_place_as_it_is_wrapped_afterwards() {
    for length in [0, 10, 252, 253, 254, 65_532, 65_533, 65_534] {
        let body = BTreeMap::from([("k", "x".repeat(length))]);
        let value = rmp_serde::to_vec_named(&body).unwrap();
        let wrapped = Wrapped::new(&body).unwrap();
        assert_eq!(wrapped.as_slice(), wrap_body(&value).unwrap());
        assert_eq!(wrapped.len(), wrapped.as_slice().len());
        assert_eq!(encode_body(&body).unwrap(), wrapped.as_slice());
    }
}
