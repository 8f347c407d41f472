//! The actix host of any machine.
