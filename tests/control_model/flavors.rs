//! Operations on flavors.
//!
//! Guards that no project sees or changes another one's.

use redis::Value;

use crate::args;
use crate::client::{Outcome, bytes, int};
use crate::plane::{Entry, FLAVORS, Name, refusal, shown};
use crate::world::World;

impl World {
    fn a_flavor_of_a_project(&mut self) -> Entry {
        let name = self.rng.pick(FLAVORS).as_bytes().to_vec();
        (self.a_project(), name)
    }

    fn flavor_gone(name: &[u8]) -> Outcome {
        refusal("FLAVORGONE", format!("{} is no flavor", shown(name)))
    }

    pub fn create_flavor(&mut self) {
        let entry = self.a_flavor_of_a_project();
        let (map, bin) = self.a_map();
        let args = args![entry.0, entry.1, bin];
        let before = self.plane.flavors.insert(entry, map);
        let expected = Ok(int(u64::from(before.is_none())));
        self.agree("control/flavor/create", args, expected);
    }

    pub fn update_flavor(&mut self) {
        let entry = self.a_flavor_of_a_project();
        let (map, bin) = self.a_map();
        let args = args![entry.0, entry.1, bin];
        let expected = match self.plane.flavors.get_mut(&entry) {
            None => Self::flavor_gone(&entry.1),
            Some(capabilities) => {
                *capabilities = map;
                Ok(int(1))
            }
        };
        self.agree("control/flavor/update", args, expected);
    }

    pub fn delete_flavor(&mut self) {
        let entry = self.a_flavor_of_a_project();
        let before = self.plane.flavors.remove(&entry);
        let expected = Ok(int(u64::from(before.is_some())));
        self.agree("control/flavor/delete", args![entry.0, entry.1], expected);
    }

    pub fn get_flavor(&mut self) {
        let entry = self.a_flavor_of_a_project();
        let expected = match self.plane.flavors.get(&entry) {
            Some(capabilities) => Ok(bytes(capabilities)),
            None => Self::flavor_gone(&entry.1),
        };
        self.agree("control/flavor/get", args![entry.0, entry.1], expected);
    }

    pub fn list_flavors(&mut self) {
        let project = self.a_project();
        let limit = self.a_limit();
        let mut marker = Name::new();
        loop {
            let page: Vec<(Name, Vec<u8>)> = self
                .plane
                .flavors
                .iter()
                .filter(|((of, name), _)| *of == project && *name > marker)
                .map(|((_, name), capabilities)| (name.clone(), capabilities.clone()))
                .take(limit)
                .collect();
            let values = page
                .iter()
                .flat_map(|(name, map)| [bytes(name), bytes(map)]);
            let values = Ok(Value::Array(values.collect()));
            self.agree("control/flavor/list", args![project, marker, limit], values);
            match page.last() {
                Some((last, _)) => marker = last.clone(),
                None => return,
            }
        }
    }
}
