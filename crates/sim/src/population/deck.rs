//! What can happen, and how often: cards that are shuffled and dealt one by one, so that each comes up as
//! often as it is in the deck before any comes up again.

use millrace_runtime::rng::Rng;

/// A shuffled deck that never ends.
#[derive(Debug)]
pub(super) struct Deck<C: 'static> {
    of: &'static [(C, u32)],
    left: Vec<C>,
}

impl<C: Copy> Deck<C> {
    pub(super) fn of(of: &'static [(C, u32)]) -> Self {
        Self { of, left: Vec::new() }
    }

    pub(super) fn deal(&mut self, rng: &Rng) -> C {
        loop {
            if let Some(card) = self.left.pop() {
                return card;
            }
            self.shuffle(rng);
        }
    }

    fn shuffle(&mut self, rng: &Rng) {
        for (card, times) in self.of {
            self.left.extend((0..*times).map(|_| *card));
        }
        for at in (1..self.left.len()).rev() {
            let other = usize::try_from(rng.below(at as u64 + 1)).unwrap_or(0);
            self.left.swap(at, other);
        }
    }
}

/// Something that a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Card {
    // Posts
    Post,
    PostTagged,
    PostLinked,
    PostMentioning,
    PostInOtherScripts,
    PostLabelled,
    PostWithImages,
    PostWithGallery,
    PostWithVideo,
    PostWithExternal,
    Quote,
    QuoteWithMedia,
    QuoteOther,
    Reply,
    ReplyToGone,
    ReplyToNothing,
    ReplyWithWrongRoot,
    ReplyInCircle,
    DeletePost,
    UpdatePost,
    RecreatePost,
    // Likes and reposts
    Like,
    LikeVia,
    LikeTwice,
    LikeOther,
    LikeNothing,
    LikeStorm,
    Unlike,
    Repost,
    RepostVia,
    RepostTwice,
    Unrepost,
    // Graph
    Follow,
    FollowVia,
    FollowTwice,
    FollowSelf,
    Unfollow,
    Block,
    BlockTwice,
    Unblock,
    Verify,
    VerifyWrongly,
    Unverify,
    // Lists
    ListCurate,
    ListMod,
    ListReference,
    UpdateList,
    DeleteList,
    ListItem,
    ListItemOnForeign,
    ListItemTwice,
    DeleteListItem,
    ListBlock,
    DeleteListBlock,
    StarterPack,
    UpdateStarterPack,
    DeleteStarterPack,
    // Gates
    Threadgate,
    UpdateThreadgate,
    HideReply,
    ForeignThreadgate,
    DeleteThreadgate,
    Postgate,
    DetachQuote,
    DeletePostgate,
    // Services
    Generator,
    UpdateGenerator,
    DeleteGenerator,
    Labeler,
    UpdateLabeler,
    DeleteLabeler,
    // Profiles and declarations
    UpdateProfile,
    PinPost,
    DeleteProfile,
    Status,
    DeleteStatus,
    DeclareNotifications,
    DeclareChat,
    DeclareGerm,
    Publication,
    DeletePublication,
    Undeclare,
    // Odd things
    Invalid,
    Nul,
    OddTime,
    OddKey,
    Unknown,
    DeleteUnknown,
    Several,
}

/// Everything there is. A deck is no larger than a small network's history.
pub(super) const RICH: &[(Card, u32)] = &[
    (Card::Post, 34),
    (Card::PostTagged, 4),
    (Card::PostLinked, 3),
    (Card::PostMentioning, 6),
    (Card::PostInOtherScripts, 6),
    (Card::PostLabelled, 3),
    (Card::PostWithImages, 8),
    (Card::PostWithGallery, 1),
    (Card::PostWithVideo, 3),
    (Card::PostWithExternal, 5),
    (Card::Quote, 9),
    (Card::QuoteWithMedia, 3),
    (Card::QuoteOther, 4),
    (Card::Reply, 48),
    (Card::ReplyToGone, 2),
    (Card::ReplyToNothing, 1),
    (Card::ReplyWithWrongRoot, 1),
    (Card::ReplyInCircle, 1),
    (Card::DeletePost, 5),
    (Card::UpdatePost, 2),
    (Card::RecreatePost, 2),
    (Card::Like, 70),
    (Card::LikeVia, 4),
    (Card::LikeTwice, 3),
    (Card::LikeOther, 2),
    (Card::LikeNothing, 1),
    (Card::LikeStorm, 2),
    (Card::Unlike, 7),
    (Card::Repost, 20),
    (Card::RepostVia, 3),
    (Card::RepostTwice, 2),
    (Card::Unrepost, 3),
    (Card::Follow, 44),
    (Card::FollowVia, 2),
    (Card::FollowTwice, 2),
    (Card::FollowSelf, 1),
    (Card::Unfollow, 5),
    (Card::Block, 5),
    (Card::BlockTwice, 1),
    (Card::Unblock, 2),
    (Card::Verify, 3),
    (Card::VerifyWrongly, 1),
    (Card::Unverify, 1),
    (Card::ListCurate, 2),
    (Card::ListMod, 2),
    (Card::ListReference, 1),
    (Card::UpdateList, 1),
    (Card::DeleteList, 1),
    (Card::ListItem, 12),
    (Card::ListItemOnForeign, 1),
    (Card::ListItemTwice, 1),
    (Card::DeleteListItem, 2),
    (Card::ListBlock, 2),
    (Card::DeleteListBlock, 1),
    (Card::StarterPack, 2),
    (Card::UpdateStarterPack, 1),
    (Card::DeleteStarterPack, 1),
    (Card::Threadgate, 6),
    (Card::UpdateThreadgate, 1),
    (Card::HideReply, 2),
    (Card::ForeignThreadgate, 1),
    (Card::DeleteThreadgate, 1),
    (Card::Postgate, 2),
    (Card::DetachQuote, 2),
    (Card::DeletePostgate, 1),
    (Card::Generator, 2),
    (Card::UpdateGenerator, 1),
    (Card::DeleteGenerator, 1),
    (Card::Labeler, 1),
    (Card::UpdateLabeler, 1),
    (Card::DeleteLabeler, 1),
    (Card::UpdateProfile, 5),
    (Card::PinPost, 2),
    (Card::DeleteProfile, 1),
    (Card::Status, 2),
    (Card::DeleteStatus, 1),
    (Card::DeclareNotifications, 2),
    (Card::DeclareChat, 2),
    (Card::DeclareGerm, 1),
    (Card::Publication, 1),
    (Card::DeletePublication, 1),
    (Card::Undeclare, 1),
    (Card::Invalid, 5),
    (Card::Nul, 2),
    (Card::OddTime, 5),
    (Card::OddKey, 2),
    (Card::Unknown, 3),
    (Card::DeleteUnknown, 1),
    (Card::Several, 3),
];

/// The everyday, all of it well-formed.
pub(super) const SIMPLE: &[(Card, u32)] = &[
    (Card::Post, 22),
    (Card::PostMentioning, 3),
    (Card::Reply, 15),
    (Card::Quote, 5),
    (Card::Like, 33),
    (Card::Unlike, 3),
    (Card::Follow, 16),
    (Card::Unfollow, 3),
];
