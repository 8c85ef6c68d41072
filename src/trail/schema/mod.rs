//! The records, fields and bindings that rule pages may speak of: names and which record has which.
//!
//! One table, used three ways: `trail` fills it, `check` refuses pages that name anything else, and the documentation
//! lists it.

mod binding;
mod chain;
mod field;
mod kind;
mod revision;
mod secrecy;

pub use binding::Binding;
pub use chain::{Leg, Link, Party};
pub use field::Field;
pub use kind::Kind;
pub use revision::Revision;

/// Declares an enum whose variants have the names that rule pages use.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of the table.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The name in rule pages and output.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            /// The one with this name; `None` where there is none.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use names;
