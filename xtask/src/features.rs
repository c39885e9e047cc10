//! Which cargo features tests and checks are built with: engines that are left out while developing.

use std::process::Command;

use crate::shell;

/// The packages that have the engine, the program first.
const PACKAGES: [&str; 2] = ["millrace", "millrace-log"];

/// `--features …` for a run over the packages that `args` name, or over the workspace; nothing when none of them
/// has the engine.
#[must_use]
pub fn flags(args: &[String]) -> Vec<String> {
    let feature = if has_openssl() { "kafka-tls" } else { "kafka" };
    let package = packages(args);
    package.map_or(Vec::new(), |name| vec!["--features".to_owned(), format!("{name}/{feature}")])
}

/// Whether OpenSSL's headers are there, which TLS towards Kafka is built with.
#[must_use]
pub fn has_openssl() -> bool {
    shell::quietly(Command::new("pkg-config").args(["--exists", "openssl"]))
}

/// The package to name a feature of.
fn packages(args: &[String]) -> Option<&'static str> {
    let named: Vec<&str> = args
        .iter()
        .zip(args.iter().skip(1))
        .filter(|(flag, _)| matches!(flag.as_str(), "-p" | "--package"))
        .map(|(_, name)| name.as_str())
        .collect();
    if named.is_empty() {
        return Some(PACKAGES[0]);
    }
    PACKAGES.into_iter().find(|name| named.contains(name))
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn a_feature_is_named_of_a_package_that_is_built() {
        let check = |args: &[&str], expected: Option<&str>| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(packages(&args), expected, "{args:?}");
        };
        check(&[], Some("millrace"));
        check(&["--workspace"], Some("millrace"));
        check(&["kafka"], Some("millrace"));
        check(&["-p", "millrace-log", "kafka"], Some("millrace-log"));
        check(&["-p", "millrace-log", "-p", "millrace"], Some("millrace"));
        check(&["-p", "millrace-store"], None);
    }
}
