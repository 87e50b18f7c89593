//! `bench`: measuring, and comparing runs that are kept.

mod arms;
mod ci;
mod compare;
mod interrupted;
mod measuring;
mod proofs;
mod report;
