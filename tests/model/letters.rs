//! Dead letters that are kept in the queue they died in.
//!
//! Guards what is shown of them: those that have not expired, in order, as they died.

use crate::args;
use crate::choose::NO_IDS;
use crate::envelope::letter;
use crate::queue::Letter;
use crate::reading::place_of;
use crate::reply::{self, Id};
use crate::rules::refused;
use crate::world::World;

impl World {
    /// A queue that keeps letters, if there is one.
    pub fn with_letters(&self, q: usize) -> usize {
        if !self.queues[q].kept.is_empty() {
            return q;
        }
        let full = self.queues.iter().position(|queue| !queue.kept.is_empty());
        full.unwrap_or(q)
    }

    /// An id in the store, mostly; else one that is gone, another queue's, or none.
    fn pick_kept(&mut self, q: usize) -> String {
        let rng = &mut self.rng;
        let queue = &self.queues[q];
        let gone = &queue.gone_letters;
        match rng.below(20) {
            0 => (*rng.pick(&NO_IDS.iter().collect::<Vec<_>>())).to_owned(),
            1 => queue.last_id.to_string(),
            2 | 3 if !gone.is_empty() => gone[rng.below(gone.len())].to_string(),
            4 if !queue.kept.is_empty() => format!("0{}", queue.kept[0].0),
            _ if !queue.kept.is_empty() => queue.kept[rng.below(queue.kept.len())].0.to_string(),
            _ => queue.last_kept.to_string(),
        }
    }

    pub fn pick_kept_ids(&mut self, q: usize) -> Vec<String> {
        let many = if self.rng.percent(3) {
            251
        } else {
            self.pick_count()
        };
        (0..many).map(|_| self.pick_kept(q)).collect()
    }

    pub fn dead_list(&mut self, q: usize) {
        let q = self.with_letters(q);
        let limit = self.pick_count();
        let marker = if self.rng.percent(50) {
            String::new()
        } else {
            self.pick_kept(q)
        };
        let outcome = self.call(q, "dead/list", args![self.now, marker, limit]);
        let expected = match place_of(&marker) {
            Some(place) => Ok(place),
            None => refused("BADARG", "marker"),
        };
        let Some((reply, place)) = self.agree(outcome, expected) else {
            return;
        };
        let living = self.queues[q].living_letters(self.now);
        let known: Vec<_> = living.filter(|(id, _)| *id > place).collect();
        let values = reply::list(&reply);
        let many = (values.len() - 1) / 3;
        self.check_letters(q, values, &known[..many.min(known.len())]);
        assert!(many <= limit, "{many} letters for {limit}");
        if many < known.len().min(limit) {
            let sizes = known[..many + 1]
                .iter()
                .map(|(_, letter)| letter.body.len() + 2_000);
            let full = many > 0 && sizes.sum::<usize>() > 4 << 20;
            assert!(full, "{many} letters of {}", known.len());
        }
    }

    pub fn dead_get(&mut self, q: usize) {
        let q = self.with_letters(q);
        let ids = self.pick_kept_ids(q);
        let outcome = self.call(q, "dead/get", args![self.now, ids]);
        let expected = if ids.len() > 250 {
            refused("TOOLARGE", "ids")
        } else {
            Ok(())
        };
        if let Some((reply, ())) = self.agree(outcome, expected) {
            let known: Vec<_> = ids.iter().filter_map(|id| self.kept(q, id)).collect();
            self.check_letters(q, reply::list(&reply), &known);
        }
    }

    /// The letter of this id, if it is kept and has not expired.
    pub fn kept(&self, q: usize, id: &str) -> Option<&(Id, Letter)> {
        let id = Id::parse(id)?;
        let mut living = self.queues[q].living_letters(self.now);
        living.find(|(kept, _)| *kept == id)
    }

    /// Letters as list and get show them.
    fn check_letters(&self, q: usize, values: &[redis::Value], known: &[&(Id, Letter)]) {
        assert_eq!(reply::int(&values[0]), self.now, "now");
        let ttl = self.queues[q].letter_ttl();
        let found: Vec<_> = values[1..]
            .chunks(3)
            .map(|v| (reply::id(&v[0]), reply::int(&v[1]), reply::bytes(&v[2])))
            .collect();
        let ids: Vec<_> = found.iter().map(|(id, ttl, _)| (*id, *ttl)).collect();
        let expected: Vec<_> = known.iter().map(|(id, _)| (*id, ttl)).collect();
        assert_eq!(ids, expected, "id and ttl of the letters");
        for ((id, _, bytes), (_, known)) in found.iter().zip(known) {
            assert_eq!(&letter(bytes), known, "letter {id}");
        }
    }

    pub fn dead_purge(&mut self, q: usize) {
        let q = self.with_letters(q);
        // Its reply counts what has expired and was not swept.
        self.finish_sweep(q);
        let ids = if self.rng.percent(25) {
            vec![String::new()]
        } else {
            self.pick_kept_ids(q)
        };
        self.purge_letters(q, &ids);
    }

    /// The letters of these ids go; '' alone stands for all.
    pub fn purge_letters(&mut self, q: usize, ids: &[String]) {
        let all = ids == [""];
        let outcome = self.call(q, "dead/purge", args![ids]);
        let places: Option<Vec<Id>> = ids
            .iter()
            .map(|id| place_of(id).filter(|_| !id.is_empty()))
            .collect();
        let expected = match places {
            _ if ids.len() > 250 => refused("TOOLARGE", "ids"),
            None if !all => refused("BADARG", "id"),
            places => Ok(places.unwrap_or_default()),
        };
        if let Some((reply, places)) = self.agree(outcome, expected) {
            let queue = self.queue(q);
            let gone = queue.unkeep(|id| !all && !places.contains(id));
            queue.ledger.letters_purged += gone;
            assert_eq!(reply::int(&reply), gone, "letters purged");
        }
    }
}
