//! What our workflows do for each event: the files themselves are read and run, their commands are the real ones, on a
//! real registry and engine and the model of Railway. Nothing here repeats what a workflow says.

mod artifacts;
mod cached;
mod cancelled;
mod concurrency;
mod dependencies;
mod expression;
mod steps;
mod table;
mod workflow;
