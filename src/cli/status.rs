//! The exit status: one place, one meaning each.

use std::process::ExitCode;

use authtrail::audit::baseline::Assessed;
use authtrail::audit::summary::Summary;
use authtrail::check::language::Level;
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
    /// Stopped by the user before it was done; 128 and the number of SIGINT, as shells have it.
    Stopped = 130,
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

    /// The status of an audit.
    pub(crate) fn of_summary(summary: &Summary, fail_on: FailOn) -> Status {
        if summary.recordings.not_judged > 0 {
            return Status::Unusable;
        }
        if let Some(assessed) = &summary.baseline {
            return Status::of_fresh(assessed, summary.recovered, fail_on);
        }
        let findings = &summary.findings;
        let found = summary.trails.lost > 0
            || match fail_on {
                FailOn::Loss => false,
                FailOn::Error => findings.errors > 0,
                FailOn::Warning => findings.errors + findings.warnings + summary.recovered > 0,
                FailOn::Note => findings.errors + findings.warnings + findings.notes + summary.recovered > 0,
            };
        if found { Status::Found } else { Status::Good }
    }

    /// The status of what a baseline does not cover. It knows nothing of losses that were repaired.
    fn of_fresh(assessed: &Assessed, recovered: i64, fail_on: FailOn) -> Status {
        let least = match fail_on {
            FailOn::Loss => None,
            FailOn::Error => Some(Level::Error),
            FailOn::Warning => Some(Level::Warning),
            FailOn::Note => Some(Level::Note),
        };
        let reaches = least.is_some_and(|least| assessed.fresh_level >= Some(least));
        let is_repaired = recovered > 0 && least.is_some_and(|least| least <= Level::Warning);
        let found = assessed.fresh_losses > 0 || reaches || is_repaired;
        if found { Status::Found } else { Status::Good }
    }
}

#[cfg(test)]
#[path = "../../tests/it/report_fixtures.rs"]
mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Found, Good, Unusable};

    /// The statuses of a fixture under error, warning, note and loss.
    fn check(name: &str, expected: [Status; 4]) {
        let (_, report) = fixtures::all().into_iter().find(|(fixture, _)| *fixture == name).unwrap();
        let all = [FailOn::Error, FailOn::Warning, FailOn::Note, FailOn::Loss];
        assert_eq!(all.map(|fail_on| Status::of(&report, fail_on)), expected, "{name}");
    }

    #[test]
    fn what_makes_it_fail() {
        check("lost", [Found, Found, Found, Found]);
        check("unexplained", [Found, Found, Found, Found]);
        check("authorized", [Good, Good, Good, Good]);
        check("authorized-findings", [Found, Found, Found, Good]);
        check("recovered", [Good, Found, Found, Good]);
        check("denied", [Good, Good, Good, Good]);
        check("no-trail", [Good, Good, Good, Good]);
        // One recording of three could not be read, and that wins.
        check("several", [Unusable, Unusable, Unusable, Unusable]);
    }

    #[test]
    fn numbers_are_a_promise() {
        assert_eq!([Status::Good as u8, Status::Found as u8, Status::Unusable as u8], [0, 1, 2]);
        assert_eq!(Status::Found.max(Status::Unusable), Status::Unusable);
    }
}
