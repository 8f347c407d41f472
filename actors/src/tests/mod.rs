//! The host as a whole, against a store and a world that fail.

mod commands;
mod effects;
mod faults;
mod hanging;
mod memory;
mod random;
mod skew;
mod timer;
mod waiting;
