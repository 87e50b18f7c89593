//! `bench`: measuring, and comparing runs that are kept.

mod ci;
mod compare;
mod measuring;
mod proofs;
