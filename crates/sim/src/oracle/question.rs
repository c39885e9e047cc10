//! The questions that are compared, and what the answers must say.
//!
//! A question knows how to be asked (method and parameters) and what any model says to it, so that an
//! answer can be held against another truth than the one it was asked under.

use std::fmt;

use serde_json::Value;

use super::list::List;
use super::said::{Difference, Said};
use super::view::View;

/// Parameters that are worth reading in a report.
const SHOWN_PARAMS_MAX: usize = 4;

/// A request to a method for one viewer.
pub struct Question {
    pub nsid: &'static str,
    pub params: Vec<(&'static str, String)>,
    /// The field that holds the items of a page, where answers come in pages.
    pub field: Option<&'static str>,
    pub(super) answer: Box<dyn Fn(&View<'_>) -> Answer + Send + Sync>,
}

/// What must be answered.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One answer.
    Whole(Said),
    /// A list over as many pages as it takes, under the name of its field, and what stands beside it.
    Pages { field: &'static str, list: List, beside: Said },
    /// An error of one of these names.
    Refused(&'static [&'static str]),
}

/// What was answered.
#[derive(Debug, Clone)]
pub enum Found {
    /// All pages; of an answer without pages the one.
    Answered(Vec<Value>),
    Refused {
        status: u16,
        error: String,
    },
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.params.iter().take(SHOWN_PARAMS_MAX);
        let params: Vec<String> = shown.map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "{}?{}", self.nsid, params.join("&"))?;
        match self.params.len().saturating_sub(SHOWN_PARAMS_MAX) {
            0 => Ok(()),
            more => write!(f, "& and {more} more"),
        }
    }
}

impl Question {
    /// Holds an answer against what the view must say.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, view: &View<'_>, found: &Found) -> Result<(), Difference> {
        (self.answer)(view).check(found)
    }
}

impl Answer {
    /// A view, or the error that stands for its absence.
    pub(super) fn or_refused(said: Option<Said>, errors: &'static [&'static str]) -> Self {
        said.map_or(Self::Refused(errors), Self::Whole)
    }

    pub(super) fn pages(field: &'static str, list: List) -> Self {
        Self::Pages { field, list, beside: Said::Unknown }
    }

    fn check(&self, found: &Found) -> Result<(), Difference> {
        match (self, found) {
            (Self::Refused(errors), Found::Refused { status: 400, error })
                if errors.contains(&error.as_str()) =>
            {
                Ok(())
            }
            (Self::Refused(errors), Found::Refused { status, error }) => {
                Err(Difference::new("", format!("400 {errors:?}"), format!("{status} {error}")))
            }
            (Self::Refused(errors), Found::Answered(pages)) => {
                let shown = pages.first().map(super::said::shown).unwrap_or_default();
                Err(Difference::new("", format!("the error {errors:?}"), shown))
            }
            (_, Found::Refused { status, error }) => {
                Err(Difference::new("", "an answer", format!("{status} {error}")))
            }
            (Self::Whole(said), Found::Answered(pages)) => {
                said.check(pages.first().unwrap_or(&Value::Null))
            }
            (Self::Pages { field, list, beside }, Found::Answered(pages)) => {
                beside.check(pages.first().unwrap_or(&Value::Null))?;
                let mut all = Vec::new();
                for page in pages {
                    match page.get(*field).and_then(Value::as_array) {
                        Some(items) => all.extend(items.iter().cloned()),
                        None => {
                            let shown = super::said::shown(page);
                            return Err(Difference::new("", format!("a page of {field}"), shown));
                        }
                    }
                }
                list.check_at(&format!("/{field}"), &all)
            }
        }
    }
}
