//! Railway's API as typed operations; the way of one deployment. Knows nothing of how the image was made.

mod aftermath;
pub mod client;
pub mod deploy;
mod deployment;
mod operations;
mod pauses;
pub mod pinned;
pub mod planning;
pub mod receipt;
pub mod serving;
pub mod state;
pub mod status;
pub mod target;
mod waiting;
