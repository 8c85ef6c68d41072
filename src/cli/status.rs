//! The exit status: one place, one meaning each.

use std::process::ExitCode;

use authtrail::report::contract::Report;

use super::arguments::FailOn;

/// How the process ends (design, decision 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Nothing to complain of.
    Good = 0,
    /// Authorization was lost, or a finding reaches the level asked for.
    Found = 1,
    /// Wrong usage, or an input that could not be opened or recognised. Wins over the others.
    Unusable = 2,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(status as u8)
    }
}

impl Status {
    /// The status of a report.
    pub(crate) fn of(report: &Report, fail_on: FailOn) -> Status {
        if report.captures.iter().any(|capture| !capture.usable) {
            return Status::Unusable;
        }
        let levels: &[&str] = match fail_on {
            FailOn::Loss => &[],
            FailOn::Error => &["error"],
            FailOn::Warning => &["error", "warning"],
            FailOn::Note => &["error", "warning", "note"],
        };
        let found = report.trails.iter().any(|trail| {
            trail.outcome == "lost"
                || trail.findings.iter().any(|finding| levels.contains(&finding.level))
                // A loss that was repaired is a warning.
                || (levels.contains(&"warning") && !trail.recovered.is_empty())
        });
        if found { Status::Found } else { Status::Good }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_a_promise() {
        assert_eq!([Status::Good as u8, Status::Found as u8, Status::Unusable as u8], [0, 1, 2]);
        assert_eq!(Status::Found.max(Status::Unusable), Status::Unusable);
    }
}
