//! Displays.
