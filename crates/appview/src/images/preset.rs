//! The sizes in which images are offered. Names and sizes are those of the reference's presets, and a small
//! avatar that clients ask its CDN for; nothing is enlarged, which a client can do itself.

/// A size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Preset {
    Avatar,
    AvatarThumbnail,
    Banner,
    FeedThumbnail,
    FeedFullsize,
}

/// How an image is brought to a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The middle of it, with the proportions of these sides.
    Cover(u32, u32),
    /// All of it, within these sides.
    Inside(u32, u32),
}

impl Preset {
    pub(super) const ALL: [Self; 5] = [
        Self::Avatar,
        Self::AvatarThumbnail,
        Self::Banner,
        Self::FeedThumbnail,
        Self::FeedFullsize,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Avatar => "avatar",
            Self::AvatarThumbnail => "avatar_thumbnail",
            Self::Banner => "banner",
            Self::FeedThumbnail => "feed_thumbnail",
            Self::FeedFullsize => "feed_fullsize",
        }
    }

    pub(super) fn fit(self) -> Fit {
        match self {
            Self::Avatar => Fit::Cover(1_000, 1_000),
            Self::AvatarThumbnail => Fit::Cover(128, 128),
            Self::Banner => Fit::Cover(3_000, 1_000),
            Self::FeedThumbnail => Fit::Inside(2_000, 2_000),
            Self::FeedFullsize => Fit::Inside(1_000, 1_000),
        }
    }
}

/// A rectangle of a source and the size it is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) to_width: u32,
    pub(super) to_height: u32,
}

impl Fit {
    /// What is taken of an image of `width` by `height`, neither 0, and what it becomes.
    pub(super) fn cut(self, width: u32, height: u32) -> Cut {
        let whole = Cut { left: 0, top: 0, width, height, to_width: width, to_height: height };
        let (wide, high) = (u64::from(width), u64::from(height));
        match self {
            Self::Inside(to_width, to_height) => {
                let (max_wide, max_high) = (u64::from(to_width), u64::from(to_height));
                if wide <= max_wide && high <= max_high {
                    return whole;
                }
                // Whichever side is the more too long decides.
                if wide * max_high >= high * max_wide {
                    Cut { to_width, to_height: rounded(high * max_wide, wide), ..whole }
                } else {
                    Cut { to_width: rounded(wide * max_high, high), to_height, ..whole }
                }
            }
            Self::Cover(to_width, to_height) => {
                let (to_wide, to_high) = (u64::from(to_width), u64::from(to_height));
                let (cut_width, cut_height) = if wide * to_high >= high * to_wide {
                    (rounded(high * to_wide, to_high).min(width), height)
                } else {
                    (width, rounded(wide * to_high, to_wide).min(height))
                };
                Cut {
                    left: (width - cut_width) / 2,
                    top: (height - cut_height) / 2,
                    width: cut_width,
                    height: cut_height,
                    to_width: to_width.min(cut_width),
                    to_height: to_height.min(cut_height),
                }
            }
        }
    }
}

/// A quotient to the nearest whole number, at least 1.
fn rounded(dividend: u64, divisor: u64) -> u32 {
    let divisor = divisor.max(1);
    u32::try_from((dividend + divisor / 2) / divisor).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_keep_proportions_and_are_never_larger() {
        let check = |fit: Fit, from: (u32, u32), taken: (u32, u32), to: (u32, u32)| {
            let cut = fit.cut(from.0, from.1);
            assert_eq!(((cut.width, cut.height), (cut.to_width, cut.to_height)), (taken, to));
            assert!(cut.left + cut.width <= from.0 && cut.top + cut.height <= from.1);
        };
        let inside = Fit::Inside(1_000, 1_000);
        check(inside, (300, 200), (300, 200), (300, 200));
        check(inside, (4_000, 2_320), (4_000, 2_320), (1_000, 580));
        check(inside, (500, 2_000), (500, 2_000), (250, 1_000));
        check(inside, (60_000, 1), (60_000, 1), (1_000, 1));
        let square = Fit::Cover(1_000, 1_000);
        check(square, (4_000, 2_000), (2_000, 2_000), (1_000, 1_000));
        check(square, (300, 200), (200, 200), (200, 200));
        check(square, (1, 60_000), (1, 1), (1, 1));
        let banner = Fit::Cover(3_000, 1_000);
        check(banner, (3_000, 3_000), (3_000, 1_000), (3_000, 1_000));
        check(banner, (600, 100), (300, 100), (300, 100));
        check(banner, (1, 1), (1, 1), (1, 1));
    }

    #[test]
    fn names_are_told_apart() {
        let mut names = Preset::ALL.map(Preset::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Preset::ALL.len());
    }
}
