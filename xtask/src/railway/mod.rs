//! Railway's API as typed operations; the way of one deployment. Knows nothing of how the image was made.

mod aftermath;
pub mod client;
mod creating;
pub mod deploy;
mod deployment;
pub mod goal;
pub mod history;
pub mod init;
pub mod logs;
pub mod memory;
mod operations;
mod pauses;
pub mod pinned;
pub mod planning;
pub mod receipt;
mod remarks;
pub mod rollback;
pub mod serving;
pub mod settings;
mod starting;
pub mod state;
pub mod status;
pub mod target;
mod variables;
mod waiting;
