//! `bench`: measuring, and comparing runs that are kept.

mod applied;
mod arms;
mod bucket;
mod ci;
mod compare;
mod copies;
mod interrupted;
mod loaded;
mod measuring;
mod named;
mod page;
mod proofs;
mod report;
