//! An answer that says what it must: one of those that the model would accept.

use millrace_atproto::datetime::format_ms_us;
use serde_json::{Map, Value};

use super::tiny::question;
use crate::oracle::said::Said;
use crate::oracle::{Answer, Found, Model, Question};

/// What the model says to a question.
pub(super) fn answer(model: &Model, viewer: Option<&str>, nsid: &str, param: &str) -> Value {
    match found(model, viewer, &question(model, viewer, nsid, param)) {
        Found::Answered(mut pages) => pages.remove(0),
        Found::Refused { error, .. } => Value::String(error),
    }
}

/// The same as it would be found.
pub(super) fn found(model: &Model, viewer: Option<&str>, question: &Question) -> Found {
    match (question.answer)(&model.view(viewer)) {
        Answer::Refused(errors) => Found::Refused { status: 400, error: errors[0].to_owned() },
        Answer::Whole(said) => Found::Answered(vec![said.example()]),
        Answer::Pages { field, list, beside } => {
            let mut page = match beside.example() {
                Value::Object(page) => page,
                _ => Map::new(),
            };
            page.insert(field.to_owned(), Said::List(list).example());
            Found::Answered(vec![Value::Object(page)])
        }
    }
}

impl Said {
    fn example(&self) -> Value {
        match self {
            Self::Is(value) => value.clone(),
            Self::Absent | Self::Unknown => Value::Null,
            Self::Present => Value::Bool(true),
            Self::Mentions(parts) => Value::String(parts.join(" ")),
            Self::Between(_, last_us) => Value::String(format_ms_us(*last_us)),
            Self::OneOf(either) => either[0].example(),
            Self::Items(items) | Self::AnyOrder(items) => items.iter().map(Self::example).collect(),
            Self::Fields(fields) => {
                let fields = fields.iter().map(|(name, said)| ((*name).to_owned(), said.example()));
                Value::Object(fields.filter(|(_, value)| !value.is_null()).collect())
            }
            Self::List(list) => {
                let mut items: Vec<_> = list.items.iter().collect();
                items.sort_by_key(|item| {
                    std::cmp::Reverse((item.place.last_us, item.place.tid, item.key.clone()))
                });
                items.into_iter().map(|item| item.said.example()).collect()
            }
        }
    }
}

/// The texts at a JSON pointer of each item.
pub(super) fn each<'a>(items: &'a Value, pointer: &str) -> Vec<&'a str> {
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.pointer(pointer)?.as_str()).collect()
}
