//! `app.bsky.labeler.service`: what a labeler publishes and which reports it takes.

use super::fields::{Object, format, list, text};
use super::label_definition::LabelDefinition;
use super::{RecordError, self_labels};
use crate::cbor::{CONTAINER_ITEMS_MAX, Value};
use crate::syntax::{DatetimeGrammar, NsidGrammar};

/// A labeler. For the lists that may be absent, absence and emptiness differ: everything, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labeler<'v> {
    /// What it publishes.
    pub policies: LabelerPolicies<'v>,
    /// Its own labels.
    pub labels: Vec<&'v str>,
    /// When its author says it was made, as written.
    pub created_at: &'v str,
    /// Reasons of reports that it takes (`com.atproto.moderation.defs#reasonSpam` and so on).
    pub reason_types: Option<Vec<&'v str>>,
    /// What it takes reports on: `account`, `record`, `chat`, or something newer.
    pub subject_types: Option<Vec<&'v str>>,
    /// Collections on whose records it takes reports.
    pub subject_collections: Option<Vec<&'v str>>,
}

/// What a labeler publishes (`app.bsky.labeler.defs#labelerPolicies`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelerPolicies<'v> {
    /// Its labels' values, common ones and its own.
    pub label_values: Vec<&'v str>,
    /// What its own ones mean.
    pub label_value_definitions: Vec<LabelDefinition<'v>>,
}

impl<'v> Labeler<'v> {
    /// The collection of labelers.
    pub const COLLECTION: &'static str = "app.bsky.labeler.service";

    pub(super) fn read(object: Object<'v>) -> Result<Self, RecordError> {
        Ok(Self {
            policies: object.required("policies", LabelerPolicies::read)?,
            labels: object.optional("labels", self_labels::read)?.unwrap_or_default(),
            created_at: object.required("createdAt", format::<DatetimeGrammar>)?,
            reason_types: object.optional("reasonTypes", list(CONTAINER_ITEMS_MAX, text))?,
            subject_types: object.optional("subjectTypes", list(CONTAINER_ITEMS_MAX, text))?,
            subject_collections: object
                .optional("subjectCollections", list(CONTAINER_ITEMS_MAX, format::<NsidGrammar>))?,
        })
    }
}

impl<'v> LabelerPolicies<'v> {
    fn read(value: &'v Value<'v>) -> Result<Self, RecordError> {
        let object = Object::of(value, "app.bsky.labeler.defs#labelerPolicies")?;
        Ok(Self {
            label_values: object.required("labelValues", list(CONTAINER_ITEMS_MAX, text))?,
            label_value_definitions: object.list(
                "labelValueDefinitions",
                CONTAINER_ITEMS_MAX,
                LabelDefinition::read,
            )?,
        })
    }
}
