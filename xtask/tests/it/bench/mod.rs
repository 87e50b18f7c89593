//! `bench`: measuring, and comparing runs that are kept.

mod compare;
mod measuring;
