//! `com.atproto.label.defs#labelValueDefinition`: what a labeler means by a label of its own.

use super::RecordError;
use super::fields::{Object, boolean, format, list, text, text_of_bytes, text_of_graphemes};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::LanguageGrammar;

/// The lexicon allows as many graphemes, and so few bytes cannot hold more of them.
const IDENTIFIER_BYTES_MAX: usize = 100;
const NAME_GRAPHEMES_MAX: usize = 64;
const DESCRIPTION_GRAPHEMES_MAX: usize = 10_000;
const SETTING_DEFAULT: &str = "warn";

/// A label's meaning. Which letters an identifier may have is advice, and not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelDefinition<'v> {
    /// The label's value.
    pub identifier: &'v str,
    /// How it is shown: `inform`, `alert`, `none`, or something newer.
    pub severity: &'v str,
    /// What it hides: `content`, `media`, `none`, or something newer.
    pub blurs: &'v str,
    /// What happens unless the reader chooses: `ignore`, `warn` (if not said), `hide`, or something newer.
    pub default_setting: &'v str,
    /// Whether only readers who admit adult content may choose; not said counts as no.
    pub adult_only: bool,
    /// Its name and description, once a language.
    pub locales: Vec<LabelStrings<'v>>,
}

/// A label in the words of one language (`#labelValueDefinitionStrings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelStrings<'v> {
    /// The language tag.
    pub lang: &'v str,
    /// The name; may be empty.
    pub name: &'v str,
    /// The description; may be empty.
    pub description: &'v str,
}

impl<'v> LabelDefinition<'v> {
    pub(super) fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "com.atproto.label.defs#labelValueDefinition")?;
        Ok(Self {
            identifier: object.required("identifier", text_of_bytes(IDENTIFIER_BYTES_MAX))?,
            severity: object.required("severity", text)?,
            blurs: object.required("blurs", text)?,
            default_setting: object.optional("defaultSetting", text)?.unwrap_or(SETTING_DEFAULT),
            adult_only: object.optional("adultOnly", boolean)?.unwrap_or_default(),
            locales: object.required("locales", list(CONTAINER_ITEMS_MAX, LabelStrings::read))?,
        })
    }
}

impl<'v> LabelStrings<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "com.atproto.label.defs#labelValueDefinitionStrings")?;
        Ok(Self {
            lang: object.required("lang", format::<LanguageGrammar>)?,
            name: object.required("name", text_of_graphemes(NAME_GRAPHEMES_MAX))?,
            description: object
                .required("description", text_of_graphemes(DESCRIPTION_GRAPHEMES_MAX))?,
        })
    }
}
