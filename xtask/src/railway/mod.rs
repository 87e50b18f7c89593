//! Railway's API as typed operations; the way of one deployment. Knows nothing of how the image was made.

mod aftermath;
mod changing;
pub mod client;
mod creating;
pub mod deploy;
mod deployment;
mod deployment_queries;
#[cfg(test)]
mod examples;
pub mod goal;
pub mod history;
pub mod init;
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
mod service_queries;
pub mod serving;
pub mod settings;
mod starting;
pub mod state;
pub mod status;
pub mod target;
mod variables;
pub mod vars;
mod waiting;
