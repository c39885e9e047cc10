//! The whole program against real peers: a PDS, the official client, PostgreSQL, and power loss.
