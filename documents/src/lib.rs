//! PDF work: what a document holds, seals and their verification, certificates of processes. No async, no HTTP, no store.

pub mod certificate;
