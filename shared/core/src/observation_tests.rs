//! What makes an observation stale.
