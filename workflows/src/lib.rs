//! The machines: pure decisions over a journal. No async, no I/O, no clock.
