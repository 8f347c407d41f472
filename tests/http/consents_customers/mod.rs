//! Consents of customers over HTTP: reading, capturing, deleting, and whether to ask (CONSENTS.md, section 5, rows 1 to 4).

mod capturing;
mod many;
mod reading;
mod shared_store;
mod shop;
mod time;

pub use shop::{DEFINITIONS, Shop, body, choices, customer, now, shown};
