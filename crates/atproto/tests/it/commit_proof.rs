//! Vectors of this name.
