//! The deployment's keys, and what they make: tokens, fingerprints, sealed references, ids.
