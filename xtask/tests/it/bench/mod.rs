//! `bench`: comparing runs that are kept.

mod compare;
