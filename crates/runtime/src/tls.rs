//! The one TLS implementation of the process: rustls with ring's cryptography.

/// Makes ring's cryptography the default of rustls. Call it before the first TLS client is built;
/// calling it again changes nothing.
pub fn install_provider() {
    // An error says that a provider is installed already, which is what is wanted.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
}
