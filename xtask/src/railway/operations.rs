//! What an operation of Railway's API is: text, variables and answer. Those that we use are in the files beside this
//! one, by subject: `service_queries.rs`, `deployment_queries.rs`, `questions.rs`, `changing.rs`, `creating.rs`.
//!
//! Types follow Railway's public schema. A field that the schema may leave empty is an `Option` here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One operation; the value of the type is its variables.
pub trait Operation: Serialize {
    /// The name that stands in the text.
    const NAME: &'static str;
    const TEXT: &'static str;
    type Answer: DeserializeOwned;
}

/// Only looks; may be sent again, and in a dry run.
pub trait Query: Operation {}

/// Changes something; is sent once.
pub trait Mutation: Operation {}

macro_rules! operation {
    ($kind:ident $variables:ty, $name:literal, $file:literal, $answer:ty) => {
        impl Operation for $variables {
            const NAME: &'static str = $name;
            const TEXT: &'static str = include_str!(concat!("operations/", $file, ".graphql"));
            type Answer = $answer;
        }
        impl $kind for $variables {}
    };
}
pub(super) use operation;

/// A list as GraphQL's connections give it.
#[derive(Clone, Debug, Deserialize)]
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Edge<T> {
    node: T,
}

impl<T> Connection<T> {
    pub fn into_nodes(self) -> Vec<T> {
        self.edges.into_iter().map(|edge| edge.node).collect()
    }
}

/// Anything with an id and a name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Named {
    pub id: String,
    pub name: String,
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An operation's name and kind are those of its text.
    pub fn check<O: Operation>(kind: &str) {
        let start = format!("{kind} {}", O::NAME);
        let rest = O::TEXT.strip_prefix(&start).unwrap_or_else(|| panic!("{} is no {start}", O::TEXT));
        assert!(rest.starts_with(['(', ' ']), "{rest}");
    }
}
