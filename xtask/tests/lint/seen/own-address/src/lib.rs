//! The front half.
