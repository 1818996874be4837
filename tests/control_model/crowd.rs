//! As many pools and subscriptions as there may be.
//!
//! Guards the bounds: they are met exactly, and what is over does not count.

use redis::Value;

use crate::args;
use crate::client::Client;
use crate::common;

fn create(client: &mut Client, number: usize) -> Result<Value, (String, String)> {
    let (name, uri) = (format!("pool {number:04}"), format!("redis://{number}"));
    let args = args![name, "weight", 1, "uri", uri];
    client.call("control/pool/create", &args)
}

#[test]
fn there_are_a_thousand_pools_at_most_and_one_page_has_them() {
    let server = common::Server::start(&[]);
    let mut client = Client::new(&server);
    for number in 0..1000 {
        assert_eq!(create(&mut client, number), Ok(Value::Int(1)));
    }
    let refused = create(&mut client, 1000).expect_err("one too many");
    assert_eq!(refused, ("TOOLARGE".into(), "pools: there are 1000".into()));
    assert_eq!(create(&mut client, 7), Ok(Value::Int(0)), "replaced");
    let reply = client.done("control/pool/list", args!["", 1000, "", ""]);
    let Value::Array(values) = reply else {
        panic!("{reply:?} of list");
    };
    let names: Vec<&Value> = values.iter().step_by(6).collect();
    let name = |number| Value::BulkString(format!("pool {number:04}").into_bytes());
    assert_eq!(
        names,
        (0..1000)
            .map(name)
            .collect::<Vec<_>>()
            .iter()
            .collect::<Vec<_>>()
    );
    let args = args!["p", "q", "", 4_294_967_295_u64];
    let reply = client.done("control/catalogue/register", args);
    let Value::Array(values) = reply else {
        panic!("{reply:?} of register");
    };
    assert_eq!(values[1], name(999));
}

/// A subscription made at that ms, for so long.
fn subscribe(
    client: &mut Client,
    now: u64,
    who: usize,
    ttl: u64,
) -> Result<Value, (String, String)> {
    let args = args![
        now,
        format!("http://{who}"),
        ttl,
        b"\xc4\x01\x80".as_slice()
    ];
    client.call("subscription/create", &args)
}

#[test]
fn subscriptions_that_have_expired_keep_nobody_out() {
    let server = common::Server::start(&[]);
    let mut client = Client::new(&server);
    for who in 0..10_000 {
        subscribe(&mut client, 1000, who, 500).expect("a subscription");
    }
    let refused = subscribe(&mut client, 1499, 10_000, 500).expect_err("one too many");
    assert_eq!(refused.0, "TOOLARGE", "{refused:?}");
    subscribe(&mut client, 1500, 10_000, 500).expect("all the others have expired");
}

#[test]
fn an_expired_subscription_is_gone_for_good_once_its_subscriber_comes_again() {
    let server = common::Server::start(&[]);
    let mut client = Client::new(&server);
    // More than are cleared away with each that is made, in the order of their ids as text: this one is the last.
    for who in 0..150 {
        subscribe(&mut client, 1000, who, 500).expect("a subscription");
    }
    subscribe(&mut client, 1600, 99, 500).expect("the one of before has expired");
    // The clock steps back to where it had not.
    let id = "1000-99";
    let gone = client.call("subscription/get", &args![1100, id, ""]);
    assert_eq!(gone.expect_err("it is gone").0, "SUBSCRIPTIONGONE");
}
