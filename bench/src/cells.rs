//! All figures of a run: of each section, setting, queue and figure what every round found.
//!
//! Guards that nothing is lost on the way: what a round found is noted once, and results, ratios and targets are made of
//! that alone.

use serde_json::{Map, Value, json};

use crate::stats::{Spread, ratios};
use crate::wire::OURS;

/// One queue in one setting.
pub struct Cell {
    pub section: &'static str,
    pub setting: String,
    pub queue: String,
    figures: Vec<(String, Vec<f64>)>,
}

/// In the order in which they were measured.
#[derive(Default)]
pub struct Cells(Vec<Cell>);

impl Cells {
    /// What a round found.
    pub fn note(
        &mut self,
        (section, setting, queue): (&'static str, &str, &str),
        figure: &str,
        value: f64,
    ) {
        let found = self
            .0
            .iter()
            .position(|cell| cell.is(section, setting, queue));
        let place = found.unwrap_or_else(|| {
            self.0.push(Cell {
                section,
                setting: setting.into(),
                queue: queue.into(),
                figures: Vec::new(),
            });
            self.0.len() - 1
        });
        let figures = &mut self.0[place].figures;
        match figures.iter_mut().find(|(name, _)| name == figure) {
            Some((_, rounds)) => rounds.push(value),
            None => figures.push((figure.into(), vec![value])),
        }
    }

    /// What all rounds found.
    pub fn rounds(&self, section: &str, setting: &str, queue: &str, figure: &str) -> &[f64] {
        let cell = self.0.iter().find(|cell| cell.is(section, setting, queue));
        let figures = cell.map(|cell| cell.figures.as_slice()).unwrap_or_default();
        let found = figures.iter().find(|(name, _)| name == figure);
        found
            .map(|(_, rounds)| rounds.as_slice())
            .unwrap_or_default()
    }

    /// Figures that are no numbers, cells that have none: a run that works has neither.
    pub fn unsound(&self) -> Vec<String> {
        let mut found = Vec::new();
        for cell in &self.0 {
            for (figure, rounds) in &cell.figures {
                if Spread::of(rounds).is_none() {
                    let Cell {
                        section,
                        setting,
                        queue,
                        ..
                    } = cell;
                    found.push(format!(
                        "{section}, {setting}, {queue}: no figure for {figure}"
                    ));
                }
            }
        }
        found
    }

    /// Which of these parts of the run have no cell.
    pub fn without(&self, sections: &[&'static str]) -> Vec<&'static str> {
        let lacks = |section: &&'static str| !self.0.iter().any(|cell| cell.section == *section);
        sections.iter().copied().filter(lacks).collect()
    }

    pub fn json(&self) -> Value {
        self.0.iter().map(|cell| self.cell_json(cell)).collect()
    }

    fn cell_json(&self, cell: &Cell) -> Value {
        let mut figures = Map::new();
        for (name, rounds) in &cell.figures {
            let mut figure = Spread::of(rounds).map_or(json!({}), |spread| spread.json());
            figure["rounds"] = rounds
                .iter()
                .map(|value| crate::stats::rounded(*value))
                .collect();
            let ours = self.rounds(cell.section, &cell.setting, OURS, name);
            if cell.queue != OURS
                && let Some(times) = Spread::of(&ratios(ours, rounds))
            {
                figure["ours_against_it"] = times.json();
            }
            figures.insert(name.clone(), figure);
        }
        json!({
            "section": cell.section,
            "setting": cell.setting,
            "queue": cell.queue,
            "figures": figures,
        })
    }
}

impl Cell {
    fn is(&self, section: &str, setting: &str, queue: &str) -> bool {
        self.section == section && self.setting == setting && self.queue == queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_name_how_many_times_ours_is_the_other_in_the_same_round() {
        let mut cells = Cells::default();
        for (our, their) in [(2.0, 1.0), (9.0, 3.0), (8.0, 2.0)] {
            cells.note(("wire", "by ten", OURS), "life_cpu_us", our);
            cells.note(("wire", "by ten", "raw"), "life_cpu_us", their);
        }
        let found = cells.json();
        assert_eq!(
            found[1]["figures"]["life_cpu_us"]["ours_against_it"]["median"],
            3.0
        );
        assert_eq!(
            found[0]["figures"]["life_cpu_us"]["rounds"],
            json!([2.0, 9.0, 8.0])
        );
        assert!(cells.unsound().is_empty());
    }

    #[test]
    fn a_figure_that_is_no_number_is_told() {
        let mut cells = Cells::default();
        cells.note(("wire", "by ten", "raw"), "life_cpu_us", f64::NAN);
        assert_eq!(
            cells.unsound(),
            ["wire, by ten, raw: no figure for life_cpu_us"]
        );
        assert_eq!(cells.without(&["wire", "bytes"]), ["bytes"]);
    }
}
