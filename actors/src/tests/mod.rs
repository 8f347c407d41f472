//! The host as a whole, against a store and a world that fail.

mod commands;
mod effects;
mod erasure;
mod faults;
mod found_by;
mod hanging;
mod intervention;
mod memory;
mod peek;
mod random;
mod sealed;
mod skew;
mod timer;
mod waiting;
