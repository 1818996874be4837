//! Pools and flavors, as an operator meets them; each test has a prefix of its own.

use serde_json::{Value, json};

use crate::common;
use crate::{Run, marconi, names};

/// A control plane of the test's own.
struct Plane(String);

impl Plane {
    fn new() -> Self {
        let letters = |c: char| c.is_ascii_alphanumeric();
        let name: String = common::a_queue().chars().filter(|c| letters(*c)).collect();
        Plane(name.chars().rev().take(40).collect())
    }

    fn run(&self, args: &[&str]) -> Run {
        marconi(&[&["--json", "--prefix", &self.0], args].concat())
    }

    fn answer(&self, args: &[&str]) -> Value {
        self.run(args).ok().json()
    }
}

#[test]
fn a_pool_is_registered_shown_changed_and_taken_out() {
    let plane = Plane::new();
    let create = [
        "pool",
        "create",
        "east",
        "--uri",
        "redis://10.0.0.1",
        "--weight",
        "7",
    ];
    assert_eq!(plane.answer(&create), json!({"created": true}));
    assert_eq!(plane.answer(&create), json!({"created": false}));
    plane.answer(&[
        "pool",
        "set",
        "east",
        "--flavor",
        "ssd",
        "--options",
        r#"{"a": [1]}"#,
    ]);
    let pool = plane.answer(&["pool", "show", "east"]);
    assert_eq!(
        names(&pool),
        ["flavor", "name", "options", "queues", "uri", "weight"]
    );
    let weight = (&pool["weight"], &pool["flavor"], &pool["options"]);
    assert_eq!(weight, (&json!(7), &json!("ssd"), &json!({"a": [1]})));
    plane
        .run(&["pool", "delete", "east"])
        .refused(22, "POOLINUSE");
    plane.answer(&["pool", "set", "east", "--flavor", ""]);
    assert_eq!(
        plane.answer(&["pool", "delete", "east"]),
        json!({"deleted": true})
    );
    assert_eq!(
        plane.answer(&["pool", "delete", "east"]),
        json!({"deleted": false})
    );
    plane.run(&["pool", "show", "east"]).refused(20, "POOLGONE");
}

#[test]
fn a_uri_is_one_pools_only_and_its_password_is_shown_to_who_asks_for_it() {
    let plane = Plane::new();
    let dir = std::env::temp_dir().join(format!("marconi-pools-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("west.url");
    std::fs::write(&file, "redis://me:secret@10.0.0.2/3\n").unwrap();
    let file = file.to_str().unwrap().to_owned();
    plane.answer(&["pool", "create", "west", "--uri-file", &file]);
    let listed = plane.run(&["pool", "list"]).ok();
    assert!(
        !listed.out.contains("secret") && listed.out.contains("redis://10.0.0.2/3"),
        "{listed:?}"
    );
    let revealed = plane.answer(&["pool", "list", "--reveal"]);
    assert_eq!(revealed["pools"][0]["uri"], "redis://me:secret@10.0.0.2/3");
    let twice = plane.run(&["pool", "create", "north", "--uri-file", &file]);
    assert!(!twice.err.contains("secret"), "{twice:?}");
    twice.refused(21, "POOLEXISTS");
    plane.run(&["pool", "create", "north"]).refused(2, "USAGE");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn pools_are_listed_in_name_order_by_marker_and_by_flavor() {
    let plane = Plane::new();
    for (name, flavor) in [("c", ""), ("a", "ssd"), ("b", "")] {
        let uri = format!("redis://10.0.1.{}", name.as_bytes()[0]);
        plane.answer(&["pool", "create", name, "--uri", &uri, "--flavor", flavor]);
    }
    let listed = |args: &[&str]| -> Vec<Value> {
        let page = plane.answer(&[&["pool", "list"], args].concat());
        let pools = page["pools"].as_array().unwrap();
        pools.iter().map(|pool| pool["name"].clone()).collect()
    };
    assert_eq!(listed(&["--limit", "2"]), ["a", "b"]);
    assert_eq!(listed(&["--marker", "b"]), ["c"]);
    assert_eq!(listed(&["--flavor", "ssd"]), ["a"]);
    assert_eq!(listed(&["--flavor", ""]), ["b", "c"]);
    assert_eq!(
        plane.run(&["pool", "list", "--flavor", "x", "-e"]).status,
        3
    );
}

#[test]
fn flavors_belong_to_a_project() {
    let plane = Plane::new();
    let fast = [
        "flavor",
        "create",
        "fast",
        "--project",
        "shop",
        "--capabilities",
        r#"{"durable": true}"#,
    ];
    assert_eq!(plane.answer(&fast), json!({"created": true}));
    let shown = plane.answer(&["flavor", "show", "fast", "--project", "shop"]);
    assert_eq!(
        shown,
        json!({"name": "fast", "capabilities": {"durable": true}})
    );
    plane
        .run(&["flavor", "show", "fast"])
        .refused(23, "FLAVORGONE");
    plane
        .run(&["flavor", "set", "slow", "--project", "shop"])
        .refused(23, "FLAVORGONE");
    plane.answer(&[
        "flavor",
        "set",
        "fast",
        "--project",
        "shop",
        "--capabilities",
        "{}",
    ]);
    let page = plane.answer(&["flavor", "list", "--project", "shop"]);
    assert_eq!(
        page["flavors"],
        json!([{"name": "fast", "capabilities": {}}])
    );
    plane
        .run(&["flavor", "create", "x", "--capabilities", "[]"])
        .refused(65, "BADINPUT");
    assert_eq!(
        plane.answer(&["flavor", "delete", "fast", "--project", "shop"]),
        json!({"deleted": true})
    );
}

#[test]
fn check_looks_at_the_control_plane_too() {
    let plane = Plane::new();
    plane.answer(&["pool", "create", "east", "--uri", "redis://10.0.0.1"]);
    assert_eq!(plane.answer(&["check"])["violations"], json!([]));
    let key = format!("{}:{{control}}:pool_queues", plane.0);
    let client = redis::Client::open(common::Server::shared().url()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let damage = redis::cmd("HSET")
        .arg(key)
        .arg("east")
        .arg(3)
        .exec(&mut connection);
    damage.unwrap();
    let run = plane.run(&["check"]);
    assert_eq!(run.status, 1, "{run:?}");
    let violation = &run.json()["violations"][0];
    assert_eq!(
        (&violation["queue"], &violation["part"]),
        (&Value::Null, &json!("pool_queues"))
    );
}
