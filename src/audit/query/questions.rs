//! The ready-made questions: one file each, its first line says what it answers.

use serde::Serialize;

/// A ready-made question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Its name.
    pub name: &'static str,
    /// The text of its file: a line of comment that says what it answers, and the SQL.
    pub sql: &'static str,
}

macro_rules! questions {
    ($($name:literal,)*) => {
        /// All of them: the most wanted first.
        pub const QUESTIONS: &[Question] =
            &[$(Question { name: $name, sql: include_str!(concat!("questions/", $name, ".sql")) },)*];
    };
}

questions! {
    "losses-by-cause",
    "losses-by-link",
    "losses-by-client",
    "losses-by-server",
    "losses-by-authorization-server",
    "losses-by-revision",
    "losses-by-pair",
    "losses-by-day",
    "unexplained",
    "findings-by-rule",
    "custody",
    "shared-tokens",
    "answers-by-role",
    "not-judged",
}

impl Question {
    /// What it answers, in one sentence.
    pub fn about(&self) -> &'static str {
        self.sql.lines().next().unwrap_or_default().trim_start_matches("-- ")
    }
}

/// The question with this name; `None` where there is none.
pub fn question(name: &str) -> Option<&'static Question> {
    QUESTIONS.iter().find(|question| question.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_question_and_says_what_it_answers() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/audit/query/questions");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".sql").to_owned())
            .collect();
        files.sort();
        let mut names: Vec<&str> = QUESTIONS.iter().map(|question| question.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
        for question in QUESTIONS {
            assert!(question.sql.starts_with("-- ") && question.about().ends_with('.'), "{}", question.name);
            assert!(question.about().len() <= 120, "{}", question.name);
        }
    }
}
