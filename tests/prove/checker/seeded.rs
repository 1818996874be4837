use crate::report::Row;
use crate::scale::Scale;
pub fn prove(scale: &Scale) -> Row {
    Row {
        name: "checker",
        title: "x",
        tried: 1,
        unit: "",
        violations: 0,
        failures: vec![],
        details: vec![],
        command: scale.command("checker"),
    }
}
