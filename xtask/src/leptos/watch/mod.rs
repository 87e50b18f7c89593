//! Build, serve, and do it again with every change: what `watch` does.
//!
//! The way of a change: [`files`] sees it, [`meaning`] says what it asks for, [`round`] has it built, [`server`] starts
//! the new server, and [`socket`] tells the pages. [`session`] holds what lasts from one round to the next.

mod files;
mod frames;
mod meaning;
mod round;
mod server;
mod session;
mod sheet;
mod socket;

pub use session::{Session, Setup};
pub use socket::Socket;
