//! From a template in HTML and its data to a PDF.

#![forbid(unsafe_code)]
