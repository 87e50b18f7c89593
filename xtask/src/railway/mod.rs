//! Railway: its GraphQL API as typed operations, and the way of one deployment through it.
