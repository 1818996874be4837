//! The carrying of dead letters: look at an outbox, deliver, settle, with a stop between any two steps.
//!
//! Guards that each letter arrives exactly once, in order, however often and late it is carried.

use crate::args;
use crate::envelope::letter;
use crate::queue::{Letter, Message};
use crate::reply::{self, Id};
use crate::rules::refused;
use crate::world::World;

/// Someone who carries letters, and what is left to do.
pub struct Mover {
    source: usize,
    /// Of each target the letters that are addressed there, as the outbox has them.
    parcels: Vec<Parcel>,
}

#[derive(Clone)]
struct Parcel {
    target: usize,
    letters: Vec<(Id, Vec<u8>)>,
    delivered: bool,
}

impl World {
    /// Looks at an outbox and sets out; it may take a while.
    pub fn transit(&mut self, mut q: usize) {
        if self.queues[q].outbox.is_empty() {
            let full = self
                .queues
                .iter()
                .position(|queue| !queue.outbox.is_empty());
            q = full.unwrap_or(q);
        }
        let limit = self.pick_count();
        let marker = if self.rng.percent(70) {
            Id::default()
        } else {
            self.pick_letter(q)
        };
        let from = if marker == Id::default() {
            String::new()
        } else {
            marker.to_string()
        };
        let reply = self
            .call(q, "dead/transit", args![from, limit])
            .expect("a list of letters");
        let found: Vec<(Id, String, Vec<u8>)> = reply::list(&reply)
            .chunks(3)
            .map(|v| (reply::id(&v[0]), reply::text(&v[1]), reply::bytes(&v[2])))
            .collect();
        let (passed, known): (Vec<_>, Vec<_>) = self.queues[q]
            .outbox
            .iter()
            .partition(|letter| letter.0 <= marker);
        assert!(found.len() <= limit, "{} letters for {limit}", found.len());
        if found.len() < known.len().min(limit) {
            let one_more = known[..found.len() + 1]
                .iter()
                .map(|(_, _, letter)| letter.body.len() + 2_000);
            assert!(
                !found.is_empty() && one_more.sum::<usize>() > 4 << 20,
                "short of letters"
            );
        }
        for ((id, to, bytes), (known_id, known_to, known_letter)) in found.iter().zip(known) {
            assert_eq!((id, to), (known_id, known_to), "a letter's id and address");
            assert_eq!(&letter(bytes), known_letter, "letter {id}");
        }
        let mut parcels: Vec<Parcel> = Vec::new();
        for (id, to, bytes) in &found {
            // None of a target's letters may be left out.
            if passed.iter().any(|(_, passed, _)| passed == to) {
                continue;
            }
            let target = self.queues.iter().position(|queue| queue.tag == *to);
            let target = target.expect("letters go to queues there are");
            let parcel = parcels.iter_mut().find(|parcel| parcel.target == target);
            match parcel {
                Some(parcel) => parcel.letters.push((*id, bytes.clone())),
                None => parcels.push(Parcel {
                    target,
                    letters: vec![(*id, bytes.clone())],
                    delivered: false,
                }),
            }
        }
        if parcels.is_empty() {
            return;
        }
        self.movers.push(Mover { source: q, parcels });
        // Mostly it gets on with it; else it is stopped here.
        let mover = self.movers.len() - 1;
        for _ in 0..self.rng.below(8) {
            self.move_on(mover);
        }
        if self.movers.len() > 12 {
            // This one never comes back; but its letters are in the outbox still.
            let lost = self.rng.below(self.movers.len());
            self.movers.remove(lost);
        }
    }

    /// An id in the outbox, or one that is gone from there.
    fn pick_letter(&mut self, q: usize) -> Id {
        let queue = &self.queues[q];
        match queue.outbox.len() {
            0 => queue.last_outbox,
            many => queue.outbox[self.rng.below(many)].0,
        }
    }

    /// Someone who was stopped resumes, whatever has happened meanwhile.
    pub fn resume_mover(&mut self) {
        if !self.movers.is_empty() {
            let mover = self.rng.below(self.movers.len());
            for _ in 0..1 + self.rng.below(3) {
                self.move_on(mover);
            }
        }
    }

    /// One step of a mover; a step may be done twice, as after a lost reply.
    fn move_on(&mut self, mover: usize) {
        let Some(found) = self.movers.get(mover) else {
            return;
        };
        let source = found.source;
        let Some(at) = (!found.parcels.is_empty()).then(|| self.rng.below(found.parcels.len()))
        else {
            self.movers.remove(mover);
            return;
        };
        let parcel = self.movers[mover].parcels[at].clone();
        if !parcel.delivered {
            let delivered = self.deliver(source, &parcel);
            self.movers[mover].parcels[at].delivered = delivered && self.rng.percent(90);
            return;
        }
        self.settle(source, &parcel);
        if self.rng.percent(80) {
            self.movers[mover].parcels.remove(at);
        }
    }

    /// Answers whether they have arrived: a target may be gone, and is made for the next time.
    fn deliver(&mut self, source: usize, parcel: &Parcel) -> bool {
        let tag = self.queues[source].tag.clone();
        let delivered = self.deliver_letters(parcel.target, &tag, &parcel.letters);
        if !delivered && self.rng.percent(70) {
            self.create_plainly(parcel.target);
        }
        delivered
    }

    /// The delivery itself: those that are new are messages of the target now, the others nothing.
    pub fn deliver_letters(
        &mut self,
        target: usize,
        source: &str,
        letters: &[(Id, Vec<u8>)],
    ) -> bool {
        let mut args = args![self.now, source];
        for (id, bytes) in letters {
            args.extend(args![id.to_string(), bytes]);
        }
        let outcome = self.call(target, "dead/deliver", args);
        let exists = self.queues[target].exists;
        let expected = if exists {
            Ok(())
        } else {
            refused("QUEUEGONE", "")
        };
        let Some((reply, ())) = self.agree(outcome, expected) else {
            return false;
        };
        let now = self.now;
        let queue = self.queue(target);
        let mut new = 0;
        for (id, bytes) in letters {
            if !queue.taken.insert((source.into(), *id)) {
                continue;
            }
            let id = queue.last_id.next(now);
            assert!(!queue.ids_ever.contains(&id), "{id} is given a second time");
            queue.append(arrived(id, letter(bytes)));
            queue.ledger.delivered += 1;
            new += 1;
        }
        assert_eq!(reply::int(&reply), new, "letters that are new");
        if new > 0 {
            self.wake(target, 0);
        }
        true
    }

    fn settle(&mut self, source: usize, parcel: &Parcel) {
        let ids: Vec<String> = parcel
            .letters
            .iter()
            .map(|(id, _)| id.to_string())
            .collect();
        let reply = self
            .call(source, "dead/settle", args![ids])
            .expect("a settle of good ids");
        let queue = self.queue(source);
        let before = queue.outbox.len();
        queue
            .outbox
            .retain(|(id, _, _)| !parcel.letters.iter().any(|(settled, _)| settled == id));
        assert_eq!(
            reply::int(&reply),
            queue.outbox.len() as u64,
            "letters left"
        );
        queue.ledger.settled += (before - queue.outbox.len()) as u64;
        self.settled(source);
    }
}

/// A letter as a message of the queue that it has come to.
fn arrived(id: Id, letter: Letter) -> Message {
    Message {
        id,
        ttl: letter.ttl,
        delay: 0,
        client: letter.client,
        extras: letter.extras,
        body: letter.body,
        expires: 0,
        delayed: 0,
        tries: 0,
        holder: None,
    }
}
