//! Operations on the catalogue.
//!
//! Guards that a queue is on one pool, that of the first who registered it, whatever is drawn later;
//! and that topics, which have the same names, have places of their own.

use std::collections::BTreeMap;

use redis::Value;

use crate::args;
use crate::client::{Outcome, bytes, int};
use crate::plane::{Entry, Name, refusal, shown};
use crate::world::World;

impl World {
    fn an_entry(&mut self) -> Entry {
        (self.a_project(), self.a_name())
    }

    /// From here on the catalogue of queues, or that of topics.
    fn pick_a_catalogue(&mut self) {
        self.client.of_topics = self.rng.percent(40);
        self.of_topics += u64::from(self.client.of_topics);
    }

    fn catalogue(&mut self) -> &mut BTreeMap<Entry, Name> {
        match self.client.of_topics {
            true => &mut self.plane.topic_catalogue,
            false => &mut self.plane.catalogue,
        }
    }

    fn not_mapped(queue: &[u8]) -> Outcome {
        refusal("NOTMAPPED", format!("{} is in no pool", shown(queue)))
    }

    pub fn register(&mut self) {
        self.pick_a_catalogue();
        let entry = self.an_entry();
        let flavor = self.a_flavor();
        let random = match self.rng.percent(10) {
            true => 4_294_967_295,
            false => self.rng.between(0, 4_294_967_295),
        };
        let args = args![entry.0, entry.1, flavor, random];
        let expected = self.registered(entry, flavor, random);
        self.agree("control/catalogue/register", args, expected);
    }

    fn registered(&mut self, entry: Entry, flavor: Name, random: u64) -> Outcome {
        let known = self.catalogue().get(&entry).cloned();
        let is_new = known.is_none();
        if is_new && !flavor.is_empty() {
            let of_project = (entry.0.clone(), flavor.clone());
            if !self.plane.flavors.contains_key(&of_project) {
                let detail = format!("{} is no flavor", shown(&flavor));
                return refusal("FLAVORGONE", detail);
            }
        }
        let Some(pool) = known.or_else(|| self.plane.choice(&flavor, random)) else {
            let of = match flavor.is_empty() {
                true => "no flavor".to_owned(),
                false => format!("flavor {}", shown(&flavor)),
            };
            return refusal("POOLGONE", format!("no pool of {of} takes new queues"));
        };
        let (uri, options) = self.plane.shown_of(&pool);
        let reply = vec![
            int(u64::from(is_new)),
            bytes(&pool),
            bytes(uri),
            bytes(options),
        ];
        self.catalogue().insert(entry, pool);
        Ok(Value::Array(reply))
    }

    pub fn insert(&mut self) {
        self.pick_a_catalogue();
        let (entry, pool) = (self.an_entry(), self.a_pool());
        let known = if self.rng.percent(50) { "1" } else { "" };
        let args = args![entry.0, entry.1, pool, known];
        let was_there = self.catalogue().contains_key(&entry);
        let expected = match known == "1" && !was_there {
            true => Self::not_mapped(&entry.1),
            false => {
                self.catalogue().insert(entry, pool);
                Ok(int(u64::from(!was_there)))
            }
        };
        self.agree("control/catalogue/insert", args, expected);
    }

    pub fn find(&mut self) {
        self.pick_a_catalogue();
        let entry = self.an_entry();
        let expected = match self.catalogue().get(&entry).cloned() {
            None => Self::not_mapped(&entry.1),
            Some(pool) => {
                let (uri, options) = self.plane.shown_of(&pool);
                Ok(Value::Array(vec![bytes(&pool), bytes(uri), bytes(options)]))
            }
        };
        self.agree("control/catalogue/get", args![entry.0, entry.1], expected);
    }

    pub fn list_catalogue(&mut self) {
        self.pick_a_catalogue();
        let project = self.a_project();
        let limit = self.a_limit();
        let mut marker = match self.rng.percent(50) {
            true => Name::new(),
            false => self.a_name(),
        };
        loop {
            let page: Vec<(Name, Name)> = self
                .catalogue()
                .iter()
                .filter(|((of, name), _)| *of == project && *name > marker)
                .map(|((_, name), pool)| (name.clone(), pool.clone()))
                .take(limit)
                .collect();
            let values = page
                .iter()
                .flat_map(|(name, pool)| [bytes(name), bytes(pool)]);
            let values = Ok(Value::Array(values.collect()));
            let args = args![project, marker, limit];
            self.agree("control/catalogue/list", args, values);
            match page.last() {
                Some((last, _)) => marker = last.clone(),
                None => return,
            }
        }
    }

    pub fn remove(&mut self) {
        self.pick_a_catalogue();
        let entry = self.an_entry();
        let on = self.catalogue().get(&entry).cloned();
        let pool = match self.rng.percent(70) {
            true => Name::new(),
            false => self.a_pool(),
        };
        let there = on.is_some_and(|on| pool.is_empty() || on == pool);
        if there {
            self.catalogue().remove(&entry);
        }
        let args = args![entry.0, entry.1, pool];
        self.agree("control/catalogue/delete", args, Ok(int(u64::from(there))));
    }

    pub fn drop_some(&mut self) {
        let what = *self.rng.pick(&[&"pools", &"flavors", &"catalogue"]);
        let plane = &mut self.plane;
        let went = match what {
            "pools" => std::mem::take(&mut plane.pools).len(),
            "flavors" => std::mem::take(&mut plane.flavors).len(),
            _ => {
                let topics = std::mem::take(&mut plane.topic_catalogue);
                std::mem::take(&mut plane.catalogue).len() + topics.len()
            }
        };
        self.agree("control/drop", args![what], Ok(int(went as u64)));
    }
}
