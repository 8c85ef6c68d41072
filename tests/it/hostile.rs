//! Broken input gives a problem and no panic.
