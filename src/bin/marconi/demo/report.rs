//! The figures, as a table and as one JSON document, and the verdict on them.
//!
//! Guards the exit status: success is said only where each thing that the demo promises was seen.

use serde::Serialize;

use super::audit::Findings;

/// The keys are what scripts rely on. `null`: the server does not tell.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub posted: u64,
    pub processed: u64,
    pub redelivered: u64,
    pub processed_twice: u64,
    pub lost: u64,
    pub stale_deletes_refused: u64,
    pub messages_per_s: Option<f64>,
    pub server_us_per_message: Option<f64>,
    pub bytes_per_message: Option<f64>,
}

/// What else the table says beside the figures.
pub struct Remarks {
    pub workers: usize,
    pub batch: u8,
    /// Of the body, on average.
    pub body_bytes: f64,
}

impl Figures {
    /// One row a figure: what it is, how much, and what that means.
    pub fn table(&self, remarks: &Remarks) -> String {
        let Remarks {
            workers,
            batch,
            body_bytes,
        } = remarks;
        let measured = |number: Option<f64>, unit: &str| match number {
            Some(number) if number < 100.0 => format!("{number:.1}{unit}"),
            Some(number) => format!("{}{unit}", thousands(number.round() as u64)),
            None => "not told".to_owned(),
        };
        let remark = |text: &str| text.to_owned();
        let (us, bytes) = (self.server_us_per_message, self.bytes_per_message);
        let rows = [
            (
                "posted",
                thousands(self.posted),
                remark("messages, one for each line"),
            ),
            (
                "processed",
                thousands(self.processed),
                remark("lines that are in a worker's ledger"),
            ),
            (
                "redelivered after the kill",
                thousands(self.redelivered),
                remark("messages that worker held"),
            ),
            (
                "processed twice",
                thousands(self.processed_twice),
                remark("lines, after their first claim lapsed"),
            ),
            (
                "lost",
                thousands(self.lost),
                remark("lines that are in no ledger"),
            ),
            (
                "stale deletes refused",
                thousands(self.stale_deletes_refused),
                remark("from claims that had lapsed"),
            ),
            (
                "messages/s",
                measured(self.messages_per_s, ""),
                format!("by {workers} workers, {batch} a claim"),
            ),
            (
                "server CPU a message",
                measured(us, " µs"),
                remark("to post, claim and delete it"),
            ),
            (
                "memory a message",
                measured(bytes, " bytes"),
                format!("queued; its body has {body_bytes:.0}"),
            ),
        ];
        let chars = |text: &str| text.chars().count();
        let names = rows.iter().map(|row| chars(row.0)).max().unwrap_or(0);
        // Numbers stand under each other, their units beside them.
        let digits = |text: &str| text.split(' ').next().map_or(0, chars);
        let numbers = rows.iter().map(|row| digits(&row.1)).max().unwrap_or(0);
        let figures = rows.map(|(name, number, remark)| {
            let before = " ".repeat(numbers - digits(&number));
            (name, format!("{before}{number}"), remark)
        });
        let widest = figures.iter().map(|row| chars(&row.1)).max().unwrap_or(0);
        let lines = figures
            .map(|(name, number, remark)| format!("{name:<names$}  {number:<widest$}  {remark}\n"));
        lines.concat()
    }

    /// What is not as it has to be, a sentence each; nothing where all is well.
    pub fn failings(&self, findings: &Findings, lines: u64, violations: &[String]) -> Vec<String> {
        let mut failings = Vec::new();
        let mut fails = |it: bool, sentence: String| {
            if it {
                failings.push(sentence);
            }
        };
        fails(
            self.posted != lines,
            format!("{} of {lines} lines were posted", self.posted),
        );
        let lost = findings.lost.first().copied().unwrap_or_default();
        fails(
            self.lost > 0,
            format!(
                "{} of {lines} lines were not processed, line {lost} first",
                self.lost
            ),
        );
        let doubles = findings.unexplained.len();
        let double = findings.unexplained.first().cloned().unwrap_or_default();
        fails(
            doubles > 0,
            format!("{doubles} side effects have no explanation: {double}"),
        );
        fails(
            self.redelivered == 0,
            "nothing that the killed worker held came back".to_owned(),
        );
        fails(
            self.stale_deletes_refused == 0,
            "no late delete of the stopped worker was refused".to_owned(),
        );
        let violation = violations.first().cloned().unwrap_or_default();
        fails(
            !violations.is_empty(),
            format!(
                "the checker found {} violations: {violation}",
                violations.len()
            ),
        );
        failings
    }
}

/// 1234567 as 1,234,567.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> (Figures, Findings) {
        let figures = Figures {
            posted: 3,
            processed: 3,
            redelivered: 1,
            processed_twice: 1,
            lost: 0,
            stale_deletes_refused: 1,
            messages_per_s: Some(1234.5),
            server_us_per_message: None,
            bytes_per_message: Some(99.4),
        };
        (figures, Findings::default())
    }

    #[test]
    fn all_is_well_only_where_each_promise_was_seen() {
        let (figures, findings) = good();
        assert_eq!(figures.failings(&findings, 3, &[]), Vec::<String>::new());
        assert_eq!(figures.failings(&findings, 4, &[]).len(), 1);
        assert_eq!(figures.failings(&findings, 3, &["bad".into()]).len(), 1);
        let (mut figures, mut findings) = good();
        findings.lost = vec![2];
        findings.unexplained = vec!["twice".into()];
        (
            figures.lost,
            figures.redelivered,
            figures.stale_deletes_refused,
        ) = (1, 0, 0);
        assert_eq!(figures.failings(&findings, 3, &[]).len(), 4);
    }

    #[test]
    fn the_table_has_a_row_a_figure_and_lines_numbers_up() {
        let (figures, _) = good();
        let remarks = Remarks {
            workers: 4,
            batch: 10,
            body_bytes: 80.0,
        };
        let table = figures.table(&remarks);
        assert_eq!(table.lines().count(), 9);
        assert!(table.contains("1,234") || table.contains("1,235"));
        assert!(table.contains("not told") && table.contains("99.4 bytes"));
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
