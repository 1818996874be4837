//! Dead letters on their way, carried by who sees them.
//!
//! Guards that each arrives once: all of a page that go to one target are delivered in their order, and leave the
//! outbox when they have arrived.

use std::io;

use super::arguments::arg;
use super::plain::Plain;
use super::resp::Reply;

impl Plain {
    /// All that waits in the outbox of a queue. Every target here exists.
    pub fn carry(&mut self, tag: &str) -> io::Result<()> {
        let mut marker = String::new();
        loop {
            let page = self.run("dead/transit", tag, vec![arg(&marker), arg(250)])?;
            let letters: Vec<_> = page.list().chunks(3).map(<[Reply]>::to_vec).collect();
            let Some(last) = letters.last() else {
                return Ok(());
            };
            marker = last[0].text();
            let mut targets: Vec<String> = letters.iter().map(|letter| letter[1].text()).collect();
            targets.sort();
            targets.dedup();
            for target in targets {
                let there = letters.iter().filter(|letter| letter[1].text() == target);
                let ids: Vec<_> = there
                    .clone()
                    .map(|letter| letter[0].bytes().to_vec())
                    .collect();
                let mut args = vec![self.time(), arg(tag)];
                for letter in there {
                    args.extend([letter[0].bytes().to_vec(), letter[2].bytes().to_vec()]);
                }
                let delivered = self.run("dead/deliver", &target, args)?;
                // A target that is full has them later; nothing else is to be delivered there before.
                if matches!(&delivered, Reply::Error(error) if error.contains("OOM")) {
                    return Ok(());
                }
                assert!(
                    matches!(delivered, Reply::Number(_)),
                    "letters to {target}: {delivered:?}"
                );
                self.run("dead/settle", tag, ids)?;
            }
        }
    }
}
