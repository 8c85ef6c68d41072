//! Files that arguments name beside the recordings: rules, keys, key logs.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use authtrail::check::rule_set::RuleSet;
use authtrail::secret::FingerprintKey;

use super::arguments::OwnRules;

/// The built-in rules, and those of the user with them. They live as long as the process.
pub(crate) fn rule_set(own: &OwnRules) -> anyhow::Result<&'static RuleSet> {
    match &own.rules {
        Some(folder) => Ok(Box::leak(Box::new(RuleSet::load_dir(folder)?))),
        None => Ok(RuleSet::embedded()?),
    }
}

/// The key logs, and whether the environment named them, which counts only where the user names none.
pub(crate) fn keylogs(named: &[PathBuf]) -> anyhow::Result<(Vec<PathBuf>, bool)> {
    for path in named {
        std::fs::File::open(path).with_context(|| format!("key log {}", path.display()))?;
    }
    if !named.is_empty() {
        return Ok((named.to_owned(), false));
    }
    let of_environment = std::env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty());
    Ok((of_environment.map(PathBuf::from).into_iter().collect(), true))
}

/// The key in a file.
pub(crate) fn key(path: &Path) -> anyhow::Result<FingerprintKey> {
    let content = std::fs::read(path).with_context(|| path.display().to_string())?;
    // A key that everybody can guess lets everybody test guesses against the fingerprints.
    if content.len() < 16 {
        bail!("{}: a key has at least 16 octets, this file has {}", path.display(), content.len());
    }
    Ok(FingerprintKey::from_file_content(&content))
}
