//! Signatures by hand, as a tablet captures them; no async, no HTTP, no clock.

#![forbid(unsafe_code)]
