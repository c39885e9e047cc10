//! A socket and what is answered on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::Router;
use millrace_runtime::listen::{self, ConnectionsConfig};
use tokio::net::TcpListener;

use super::Common;
use crate::failure::ProgramError;

/// A bound socket.
pub(super) struct Listener {
    /// The setting that names its address; also its task's name.
    setting: &'static str,
    socket: TcpListener,
    addr: SocketAddr,
}

impl Listener {
    /// Binds `addr`; port 0 is any free one.
    pub(super) async fn bind(
        setting: &'static str,
        addr: SocketAddr,
    ) -> Result<Self, ProgramError> {
        let unavailable = |error: std::io::Error| ProgramError::AddressUnavailable {
            addr,
            setting,
            reason: error.to_string(),
        };
        let socket = TcpListener::bind(addr).await.map_err(unavailable)?;
        let addr = socket.local_addr().map_err(unavailable)?;
        Ok(Self { setting, socket, addr })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers until the process drains; requests under way are finished.
    pub(super) fn serve(self, router: Router, connections: &ConnectionsConfig, common: &Common) {
        let Self { setting, socket, .. } = self;
        let (connections, registry) = (connections.clone(), common.registry.clone());
        common.supervisor.spawn_critical(setting, move |shutdown| async move {
            listen::serve(setting, socket, router, &connections, &registry, shutdown).await;
            Ok(())
        });
    }
}

/// The URL by which this machine reaches a listener on `addr`.
pub fn loopback_url(addr: SocketAddr) -> String {
    let ip = match addr.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    format!("http://{}", SocketAddr::new(ip, addr.port()))
}
