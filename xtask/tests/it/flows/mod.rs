//! What our workflows do for each event: the files themselves are read and run, their commands are the real ones, on a
//! real registry and engine and the model of Railway. Nothing here repeats what a workflow says.

mod cached;
mod cancelled;
mod expression;
mod table;
mod workflow;
