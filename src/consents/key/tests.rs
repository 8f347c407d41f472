//! x-keys.
