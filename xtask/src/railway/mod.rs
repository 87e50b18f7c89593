//! Railway's API as typed operations; the way of one deployment. Knows nothing of how the image was made.

mod aftermath;
pub mod client;
pub mod deploy;
mod deployment;
pub mod goal;
pub mod history;
pub mod logs;
pub mod memory;
pub mod new_variables;
mod operations;
mod pauses;
pub mod pinned;
pub mod planning;
pub mod precheck;
mod questions;
pub mod receipt;
mod references;
mod remarks;
pub mod rollback;
pub mod serving;
mod starting;
pub mod state;
pub mod status;
pub mod target;
mod variables;
pub mod vars;
mod waiting;
