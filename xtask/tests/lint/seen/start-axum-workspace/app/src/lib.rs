//! What both halves share.
