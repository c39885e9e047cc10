//! Signing in by OAuth at a server that is honest, and at one that lies.

mod fake;
mod honest;
mod lies;
mod sessions;
mod world;
