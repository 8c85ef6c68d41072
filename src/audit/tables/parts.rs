//! Parts of the tables that one worker of several writes into a folder that all of them share.
//!
//! They are filled beside the tables and renamed into place at the end: whole, or not at all. Their names come from the
//! list of recordings, so that a list that is worked through twice replaces its parts and doubles no row.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::super::judge::Judged;
use super::super::rows::TABLES;
use super::parquet::{self, Parquet, WHOLE};
use super::{SCHEMA_FILE, Sink, write_schema};

/// Parts that are being filled.
pub(in super::super) struct Parts {
    sink: Parquet,
    filled: Filled,
    tables: PathBuf,
}

/// A hidden folder that is removed at the end, whatever the end is.
struct Filled(PathBuf);

impl Drop for Filled {
    fn drop(&mut self) {
        // What cannot be removed is hidden, and no reader of tables takes it for one.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Parts {
    /// Begins parts for the tables below `folder`, which is made where it is not there.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, or holds an audit that was not made of parts.
    pub(in super::super) fn begin(folder: &Path) -> io::Result<Parts> {
        fs::create_dir_all(folder)?;
        if folder.join("summary.json").exists() {
            return Err(io::Error::other("holds the tables of another audit; name a folder for those of workers"));
        }
        let mut octets = [0; 8];
        SystemRandom::new().fill(&mut octets).map_err(|_| io::Error::other("the system has no random numbers"))?;
        let filled = Filled(folder.join(format!(".parts-{:016x}", u64::from_le_bytes(octets))));
        fs::create_dir(&filled.0)?;
        write_schema(&filled.0)?;
        Ok(Parts { sink: Parquet::open(&filled.0, WHOLE)?, filled, tables: folder.join("tables") })
    }

    /// Adds the rows of an incident.
    pub(in super::super) fn write(&mut self, judged: &Judged) -> io::Result<()> {
        self.sink.write(std::slice::from_ref(judged))
    }

    /// Puts the parts into place, under `name`. What a list of the same name wrote before is replaced.
    pub(in super::super) fn commit(self, name: &str) -> io::Result<()> {
        let Parts { sink, filled, tables } = self;
        Box::new(sink).finish()?;
        fs::create_dir_all(&tables)?;
        fs::rename(filled.0.join(SCHEMA_FILE), tables.join(SCHEMA_FILE))?;
        // `captures` is the first of the tables and comes last: a recording that stands there has its rows in all others.
        for table in TABLES.iter().rev() {
            let folder = tables.join(table.name);
            fs::create_dir_all(&folder)?;
            fs::rename(parquet::path(&filled.0.join(table.name), 0), folder.join(format!("part-{name}.parquet")))?;
        }
        Ok(())
    }
}
