//! Examples of rules: the verdict on the recording that breaks each, in short.
//!
//! They are made beforehand, as `rules/<link>/<slug>.example.txt`, because the program carries no recordings.

include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// The example of a built-in rule; `None` for rules of the user.
pub fn of(link: &str, slug: &str) -> Option<&'static str> {
    let name = format!("{link}/{slug}.example.txt");
    let found = EXAMPLES.binary_search_by(|(known, _)| (*known).cmp(&name)).ok()?;
    EXAMPLES.get(found).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn they_are_sorted() {
        assert!(super::EXAMPLES.is_sorted_by(|one, next| one.0 < next.0));
    }
}
