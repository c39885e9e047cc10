//! The secrets a server has: what each is for, how one is made, and the file it lies in.
//!
//! A file holds one secret a line. Of those that may stand beside their successor the newest is the first line; of
//! the others there is one.

mod file;

use millrace_runtime::config::{Loaded, Origin};
use millrace_runtime::rng::Rng;

use crate::config::Config;
use crate::failure::ProgramError;
use crate::folder;

pub use file::SecretFile;

/// Bytes of randomness in each of them.
const RANDOM_BYTES: usize = 32;
/// Secrets that one file keeps: the newest, and those that are to be taken still.
const LINES_MAX: usize = 8;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// What this service signs with: labels, and questions to other services
    Service,
    /// By which authorization servers know this service when people sign in
    Oauth,
    /// What seals the sessions of those who are signed in
    Session,
    /// The password of `admin`
    Admin,
    /// What the processes of this server show each other
    Internal,
    /// By which push services know this service
    Push,
}

impl Kind {
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Oauth, Self::Session, Self::Admin, Self::Internal, Self::Push];

    /// The setting that has it, or, with `_file`, the path of its file.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Service => "appview.service_key",
            Self::Oauth => "appview.oauth_keys",
            Self::Session => "appview.session_secret",
            Self::Admin => "appview.admin_password",
            Self::Internal => "dataplane.internal_secret",
            Self::Push => "push.vapid_key",
        }
    }

    /// Its name in a command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Oauth => "oauth",
            Self::Session => "session",
            Self::Admin => "admin",
            Self::Internal => "internal",
            Self::Push => "push",
        }
    }

    /// The name of its file in a folder of secrets.
    pub const fn file_name(self) -> &'static str {
        match self {
            Self::Service => "service.key",
            Self::Oauth => "oauth.keys",
            Self::Session => "session.secret",
            Self::Admin => "admin.password",
            Self::Internal => "internal.secret",
            Self::Push => folder::PUSH_KEY,
        }
    }

    /// Whether older ones are still taken beside the newest.
    pub const fn keeps_older(self) -> bool {
        matches!(self, Self::Oauth | Self::Session)
    }

    /// What another one means for whoever knows the old one.
    pub const fn consequence(self) -> &'static str {
        match self {
            Self::Service => {
                "labels are signed anew as they are sent; who follows them reads the new key in /.well-known/did.json"
            }
            Self::Oauth => {
                "who is signed in goes on with the older key; `--only-new` takes it away and ends those sessions"
            }
            Self::Session => {
                "what was sealed before still opens; `--only-new` takes the older secret away and signs everybody out"
            }
            Self::Admin => "the older password is refused",
            Self::Internal => "every process of this server needs the same file",
            Self::Push => {
                "browsers are told nothing until their people turn notifications on again: they know the older key"
            }
        }
    }

    /// A new one. A private key is as good as never out of range; one that is would be refused at the start.
    pub fn make(self, rng: &Rng) -> String {
        let mut bytes = [0; RANDOM_BYTES];
        rng.fill(&mut bytes);
        // The orders of both curves are above this.
        bytes[0] &= 0x7f;
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The file's text with a new secret in front; what is left of the older ones stands behind it.
    pub fn rotated(self, older: &str, only_new: bool, rng: &Rng) -> String {
        let kept = if self.keeps_older() && !only_new { LINES_MAX - 1 } else { 0 };
        let older = older.split_whitespace().take(kept).map(str::to_owned);
        let mut lines: Vec<String> = std::iter::once(self.make(rng)).chain(older).collect();
        lines.push(String::new());
        lines.join("\n")
    }

    /// The file it lies in, by the configuration; where none is named, a server's own in its data folder.
    ///
    /// # Errors
    /// It stands in the configuration itself, or nowhere.
    pub fn file(self, loaded: &Loaded<Config>) -> Result<SecretFile, ProgramError> {
        let refused = |reason: String| ProgramError::Setting { key: self.setting(), reason };
        match loaded.origin(self.setting()) {
            Origin::SecretFile { path, .. } => Ok(SecretFile::at(path.clone())),
            Origin::Default if self == Self::Session => {
                Ok(SecretFile::at(loaded.value.data_dir.join(folder::SESSION_SECRET)))
            }
            Origin::Default if self == Self::Push && loaded.value.push.enabled => {
                Ok(SecretFile::at(loaded.value.data_dir.join(folder::PUSH_KEY)))
            }
            Origin::Default => Err(refused("is not set, so there is nothing to rotate".to_owned())),
            elsewhere => Err(refused(format!(
                "stands in {elsewhere}; put it into a file and name that in `{}_file`",
                self.setting()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<&str> {
        text.lines().collect()
    }

    #[test]
    fn older_ones_stand_behind_the_newest_where_they_are_still_taken() {
        let rng = Rng::seeded(1);
        let first = Kind::Oauth.rotated("", false, &rng);
        let second = Kind::Oauth.rotated(&first, false, &rng);
        assert_eq!(lines(&second)[1..], lines(&first)[..]);
        assert_ne!(lines(&second)[0], lines(&first)[0]);
        assert_eq!(lines(&Kind::Oauth.rotated(&second, true, &rng)).len(), 1);
        assert_eq!(lines(&Kind::Service.rotated(&second, false, &rng)).len(), 1);
        let mut many = String::new();
        for _ in 0..LINES_MAX + 5 {
            many = Kind::Session.rotated(&many, false, &rng);
        }
        assert_eq!(lines(&many).len(), LINES_MAX);
    }

    #[test]
    fn what_is_made_is_taken_as_a_key() {
        let rng = Rng::seeded(2);
        for _ in 0..64 {
            let toml = |kind: Kind| format!("{:?}", kind.make(&rng));
            let service: Result<millrace_appview::ServiceKey, _> =
                serde_json::from_str(&toml(Kind::Service));
            let oauth: Result<millrace_appview::OAuthKeys, _> =
                serde_json::from_str(&toml(Kind::Oauth));
            let push = millrace_push::Vapid::new(&Kind::Push.make(&rng), String::new());
            assert!(service.is_ok() && oauth.is_ok() && push.is_ok());
        }
    }
}
