//! What questions are about: the viewer, or everything of a kind that the network has.

use super::truth::collection_of;
use super::view::View;

/// Things that a network has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Accounts, whether they may be shown or not.
    Account,
    /// Accounts that may be shown.
    Shown,
    Post,
    /// Records of a collection.
    Document(&'static str),
}

/// What the questions to a method are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Whoever asks.
    Viewer,
    /// The same, where the size of a page matters.
    ViewerInPagesOf(&'static str),
    /// The same, named by a parameter.
    Own(&'static str),
    /// Whoever asks, for the reasons that are modelled.
    Reasons,
    /// One thing, named by a parameter.
    Each(&'static str, Kind),
    /// The same, of a method for accounts only.
    ForViewer(&'static str, Kind),
    /// As many as the method takes at once.
    Several(&'static str, Kind),
    /// Accounts with each of the filters of feeds.
    AuthorFeeds,
    /// Posts with bounds of their threads.
    Threads,
}

/// As many names as methods take at once.
const AT_ONCE: usize = 25;

/// The parameters of a question, and the name or names in them, separated by blanks.
pub(super) type Named = (Vec<(&'static str, String)>, String);

impl About {
    pub(super) const fn each(param: &'static str, kind: Kind) -> Self {
        Self::Each(param, kind)
    }

    pub(super) const fn several(param: &'static str, kind: Kind) -> Self {
        Self::Several(param, kind)
    }

    /// Whether only accounts can ask.
    pub fn needs_viewer(&self) -> bool {
        matches!(
            self,
            Self::Viewer
                | Self::ViewerInPagesOf(_)
                | Self::Own(_)
                | Self::Reasons
                | Self::ForViewer(..)
        )
    }

    /// Whether there is a question for each thing of a kind, of which a few will do.
    pub fn is_per_thing(&self) -> bool {
        matches!(self, Self::Each(..) | Self::ForViewer(..) | Self::AuthorFeeds | Self::Threads)
    }

    pub(super) fn names(&self, view: &View<'_>) -> Vec<Named> {
        match *self {
            Self::Viewer | Self::Reasons | Self::AuthorFeeds | Self::Threads => {
                vec![(Vec::new(), String::new())]
            }
            Self::ViewerInPagesOf(limit) => {
                vec![(vec![("limit", limit.to_owned())], String::new())]
            }
            Self::Own(param) => {
                let own = view.viewer.unwrap_or_default().to_owned();
                vec![(vec![(param, own.clone())], own)]
            }
            Self::Each(param, kind) | Self::ForViewer(param, kind) => {
                let names = view.every(kind).into_iter();
                names.map(|name| (vec![(param, name.clone())], name)).collect()
            }
            Self::Several(param, kind) => {
                let names = view.every(kind);
                let named = names.chunks(AT_ONCE).map(|some| {
                    (some.iter().map(|name| (param, name.clone())).collect(), some.join(" "))
                });
                named.collect()
            }
        }
    }
}

impl View<'_> {
    /// The names of all things of a kind.
    fn every(&self, kind: Kind) -> Vec<String> {
        let now = self.now();
        match kind {
            Kind::Account => now.accounts.keys().cloned().collect(),
            Kind::Shown => self.model.shown_accounts().into_iter().map(str::to_owned).collect(),
            Kind::Post => now.posts.keys().cloned().collect(),
            Kind::Document(collection) => {
                let of_kind = now.documents.keys().filter(|uri| collection_of(uri) == collection);
                of_kind.cloned().collect()
            }
        }
    }
}
