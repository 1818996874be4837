//! The client in Python of docs/contract.md.

use crate::blocks::{block, text};
use crate::common::Server;
use crate::shell::{Tools, printed};

#[test]
fn the_client_in_python_posts_claims_and_deletes() {
    let server = Server::start_tcp(&[]);
    let tools = Tools::new("python");
    let there = tools
        .command("python3")
        .args(["-c", "import redis, msgpack"])
        .output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("not run: there is no python3 with redis and msgpack here");
        return;
    }
    let client = block(&text("docs/contract.md"), "python");
    // Twice: the first makes the queue and loads the scripts.
    for _ in 0..2 {
        let mut python = tools.command("python3");
        let ran = python.args(["-c", &client, &server.tcp_url()]).output();
        let shown = printed(&ran.expect("python3"));
        let lines: Vec<_> = shown.lines().collect();
        let [posted, claimed, deleted] = lines[..] else {
            panic!("{shown}")
        };
        let id = posted
            .strip_prefix("posted [b'")
            .and_then(|rest| rest.strip_suffix("']"));
        let begin = format!("claimed b'{}' claims 1 fence ", id.expect(posted));
        let rest = claimed.strip_prefix(&begin).expect(claimed);
        let (fence, rest) = rest.split_once(' ').expect(claimed);
        assert_eq!(fence.len(), 16);
        assert_eq!(rest, "from python {'item': 'tea', 'count': 2}");
        assert_eq!(deleted, "deleted 1");
    }
}
