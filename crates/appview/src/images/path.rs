//! What an image's address asks for.

use millrace_atproto::Did;
use millrace_atproto::cid::Cid;

use super::preset::Preset;
use crate::error::XrpcError;

/// As it stands in the table of routes; `image` is `<cid>`, or `<cid>@<format>`.
pub(super) const ROUTE: &str = "/img/{preset}/plain/{did}/{image}";

/// What is made of one blob changes with this number.
const VERSION: u32 = 1;

/// One blob in one size and format.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    pub(super) preset: Preset,
    pub(super) did: Did,
    pub(super) cid: Cid,
    pub(super) format: Format,
}

/// Formats in which images are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Format {
    Jpeg,
    Png,
    Webp,
}

impl Format {
    const ALL: [Self; 3] = [Self::Jpeg, Self::Png, Self::Webp];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

impl Asked {
    /// What it is kept under; nothing else has the same.
    pub(super) fn key(&self) -> String {
        let Self { preset, did, cid, format } = self;
        format!("{VERSION}/{}/{did}/{cid}@{}", preset.name(), format.name())
    }

    /// The tag of its answer.
    pub(super) fn tag(&self) -> String {
        format!("\"{}-{}-{}-{VERSION}\"", self.cid, self.preset.name(), self.format.name())
    }
}

/// Reads the parts of an address.
pub(super) fn parse(preset: &str, did: &str, image: &str) -> Result<Asked, XrpcError> {
    let wrong = |what: &str| XrpcError::invalid(format!("Invalid path: {what}"));
    let preset = Preset::ALL.into_iter().find(|known| known.name() == preset);
    let (cid, format) = match image.split_once('@') {
        Some((cid, format)) => (cid, Format::parse(format)),
        None => (image, Some(Format::Jpeg)),
    };
    let cid = Cid::parse(cid).ok();
    Ok(Asked {
        preset: preset.ok_or_else(|| wrong("bad preset"))?,
        did: Did::parse(did).map_err(|_| wrong("bad did"))?,
        cid: cid.ok_or_else(|| wrong("bad cid"))?,
        format: format.ok_or_else(|| wrong("bad format: jpeg, png and webp are served"))?,
    })
}

/// A blob written `<did>/<cid>`, in every size and format.
pub(super) fn parse_key(key: &str) -> Vec<Asked> {
    let Some((did, cid)) = key.split_once('/') else { return Vec::new() };
    let (Ok(did), Ok(cid)) = (Did::parse(did), Cid::parse(cid)) else { return Vec::new() };
    let formats = |preset| {
        let asked = move |format, did| Asked { preset, did, cid, format };
        Format::ALL.map(|format| asked(format, did.clone()))
    };
    Preset::ALL.into_iter().flat_map(formats).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const CID: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

    #[test]
    fn an_address_names_a_blob_a_size_and_a_format() {
        let check = |image: &str, format: Format| {
            let asked = parse("banner", "did:plc:xyz", image).unwrap();
            let expected = Asked {
                preset: Preset::Banner,
                did: Did::parse("did:plc:xyz").unwrap(),
                cid: Cid::parse(CID).unwrap(),
                format,
            };
            assert_eq!(asked, expected);
        };
        check(CID, Format::Jpeg);
        check(&format!("{CID}@jpeg"), Format::Jpeg);
        check(&format!("{CID}@webp"), Format::Webp);
        check(&format!("{CID}@png"), Format::Png);
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let check = |preset: &str, did: &str, image: &str, expected: &str| {
            let error = parse(preset, did, image).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check("bad_banner", "did:plc:xyz", CID, "bad preset");
        check("banner", "alice.test", CID, "bad did");
        check("banner", "did:plc:xyz", "..", "bad cid");
        check("banner", "did:plc:xyz", "bafy@jpeg", "bad cid");
        check("banner", "did:plc:xyz", &format!("{CID}@gif"), "bad format");
        check("banner", "did:plc:xyz", &format!("{CID}@"), "bad format");
        check("banner", "did:plc:xyz", &format!("{CID}@jpeg@jpeg"), "bad format");
    }
}
