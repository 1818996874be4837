//! Operations on pools.
//!
//! Guards that a uri is one pool's only, and that no pool goes while it is in use.

use redis::Value;

use crate::args;
use crate::client::{Args, Outcome, bytes, int};
use crate::plane::{EMPTY_MAP, Name, Pool, refusal, shown};
use crate::world::World;

impl World {
    /// Some fields of a pool as arguments, and what they make of one.
    fn fields(&mut self, all: bool) -> (Args, impl Fn(&mut Pool) + use<>) {
        let weights = [
            0,
            0,
            1,
            2,
            10,
            1000,
            4_294_967_295,
            self.rng.between(0, 100),
        ];
        let weight = weights[self.rng.below(weights.len())];
        // Few, so that pools meet in them.
        let uri = format!("redis://{}", self.rng.below(24)).into_bytes();
        let flavor = self.a_flavor();
        let (options, bin) = self.a_map();
        let mut given = [(); 4].map(|()| self.rng.percent(40));
        if all {
            (given[0], given[1]) = (true, true);
        } else if !given.contains(&true) {
            given[self.rng.below(4)] = true;
        }
        let mut args = Args::new();
        let fields = [
            args!["weight", weight],
            args!["uri", uri],
            args!["flavor", flavor],
            args!["options", bin],
        ];
        for (field, given) in fields.into_iter().zip(given) {
            args.extend(given.then_some(field).into_iter().flatten());
        }
        (args, move |pool: &mut Pool| {
            if given[0] {
                pool.weight = weight;
            }
            if given[1] {
                pool.uri = uri.clone();
            }
            if given[2] {
                pool.flavor = flavor.clone();
            }
            if given[3] {
                pool.options = options.clone();
            }
        })
    }

    /// Puts it into the model, unless its uri is another's.
    fn put(&mut self, name: Name, pool: Pool, reply: u64) -> Outcome {
        if let Some(owner) = self.plane.owner_of(&pool.uri, &name) {
            return refusal("POOLEXISTS", format!("{} has this uri", shown(owner)));
        }
        self.plane.pools.insert(name, pool);
        Ok(int(reply))
    }

    pub fn create_pool(&mut self) {
        let name = self.a_name();
        let (fields, set) = self.fields(true);
        let mut pool = Pool {
            weight: 0,
            uri: Name::new(),
            flavor: Name::new(),
            options: EMPTY_MAP.to_vec(),
        };
        set(&mut pool);
        let is_new = !self.plane.pools.contains_key(&name);
        let args = [args![name], fields].concat();
        let expected = self.put(name, pool, u64::from(is_new));
        self.agree("control/pool/create", args, expected);
    }

    pub fn update_pool(&mut self) {
        let name = self.a_pool();
        let (fields, set) = self.fields(false);
        let args = [args![name], fields].concat();
        let expected = match self.plane.pools.get(&name).cloned() {
            None => refusal("POOLGONE", format!("{} is no pool", shown(&name))),
            Some(mut pool) => {
                set(&mut pool);
                self.put(name, pool, 1)
            }
        };
        self.agree("control/pool/update", args, expected);
    }

    pub fn delete_pool(&mut self) {
        let name = self.a_pool();
        let expected = match self.plane.pools.get(&name).cloned() {
            None => Ok(int(0)),
            Some(pool) => {
                let queues = self.plane.queues_on(&name);
                let of_flavor = |other: &&Pool| other.flavor == pool.flavor;
                let only = self.plane.pools.values().filter(of_flavor).count() == 1;
                let shown_name = shown(&name);
                if queues > 0 {
                    refusal(
                        "POOLINUSE",
                        format!("{shown_name} holds queues and topics: {queues}"),
                    )
                } else if !pool.flavor.is_empty() && only {
                    let flavor = shown(&pool.flavor);
                    let detail = format!("{shown_name} is the only pool of flavor {flavor}");
                    refusal("POOLINUSE", detail)
                } else {
                    self.plane.pools.remove(&name);
                    Ok(int(1))
                }
            }
        };
        self.agree("control/pool/delete", args![name], expected);
    }

    /// What get and list say of a pool.
    fn described(&self, name: &[u8]) -> Vec<Value> {
        let pool = &self.plane.pools[name];
        vec![
            int(pool.weight),
            bytes(&pool.uri),
            bytes(&pool.flavor),
            bytes(&pool.options),
            int(self.plane.queues_on(name)),
        ]
    }

    pub fn get_pool(&mut self) {
        let name = self.a_pool();
        let expected = match self.plane.pools.contains_key(&name) {
            true => Ok(Value::Array(self.described(&name))),
            false => refusal("POOLGONE", format!("{} is no pool", shown(&name))),
        };
        self.agree("control/pool/get", args![name], expected);
    }

    /// Pages from the first on to the end, or one page from anywhere.
    pub fn list_pools(&mut self) {
        let by = self.rng.percent(50);
        let flavor = self.a_flavor();
        let limit = self.a_limit();
        let mut marker = match self.rng.percent(50) {
            true => Name::new(),
            false => self.a_name(),
        };
        loop {
            let page: Vec<Name> = self
                .plane
                .pools
                .iter()
                .filter(|(name, pool)| **name > marker && (!by || pool.flavor == flavor))
                .map(|(name, _)| name.clone())
                .take(limit)
                .collect();
            let mut values = Vec::new();
            for name in &page {
                values.push(bytes(name));
                values.extend(self.described(name));
            }
            let flag = if by { "1" } else { "" };
            let args = args![marker, limit, flag, flavor];
            self.agree("control/pool/list", args, Ok(Value::Array(values)));
            match page.last() {
                Some(last) => marker = last.clone(),
                None => return,
            }
        }
    }
}
