//! Questions to the tables of an audit: SQL, or one of the ready-made questions by its name.
//!
//! SQL needs the feature `tables`; the list of questions and the description of the tables do not.

#[cfg(feature = "tables")]
mod answer;
#[cfg(feature = "tables")]
mod engine;
mod questions;
mod schema;

#[cfg(feature = "tables")]
pub use answer::Answer;
#[cfg(feature = "tables")]
pub use engine::{Error, query};
pub use questions::{QUESTIONS, Question, question};
pub use schema::describe;
