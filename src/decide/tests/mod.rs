//! Tests of the deciding loop.
