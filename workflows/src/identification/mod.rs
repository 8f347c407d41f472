//! Ways to identify a person.

pub mod otp;
