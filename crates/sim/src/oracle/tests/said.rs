//! What is said and what is found: each way of saying, once true and once not.

use serde_json::{Value, json};

use crate::oracle::list::{Item, List, Place, by_uri};
use crate::oracle::said::Said;

const TID: [&str; 2] = ["3jzfcijpj2z2a", "3jzfcijpj2z2b"];

fn check(said: &Said, found: &Value, at: Option<&str>) {
    let difference = said.check(found).err().map(|difference| difference.at);
    assert_eq!(difference.as_deref(), at, "{said:?} of {found}");
}

#[test]
fn plain_values() {
    check(&Said::count(3), &json!(3), None);
    check(&Said::count(3), &json!(4), Some(""));
    check(&Said::Absent, &Value::Null, None);
    check(&Said::Absent, &json!(false), Some(""));
    check(&Said::Mentions(vec!["a".to_owned(), "b".to_owned()]), &json!("b a"), None);
    check(&Said::Mentions(vec!["a".to_owned()]), &json!("b"), Some(""));
    check(&Said::any_text(["a", "b"]), &json!("b"), None);
    check(&Said::any_text(["a", "b"]), &json!("c"), Some(""));
    let fields = Said::Fields(vec![("a", Said::Fields(vec![("b", Said::Absent)]))]);
    check(&fields, &json!({"a": {"c": 1}, "d": 2}), None);
    check(&fields, &json!({"a": {"b": 1}}), Some("/a/b"));
    check(&fields, &json!({}), Some("/a"));
    let items = Said::Items(vec![Said::count(1), Said::count(2)]);
    check(&items, &json!([1, 2]), None);
    check(&items, &json!([2, 1]), Some("/0"));
    check(&items, &json!([1]), Some(""));
}

#[test]
fn times_in_milliseconds() {
    let said = Said::Between(1_500, 3_000);
    check(&said, &json!("1970-01-01T00:00:00.001Z"), None);
    check(&said, &json!("1970-01-01T00:00:00.003Z"), None);
    check(&said, &json!("1970-01-01T00:00:00.004Z"), Some(""));
    check(&said, &json!("1970-01-01T00:00:00.000Z"), Some(""));
    check(&said, &Value::Null, Some(""));
}

fn item(name: &str, first_us: i64, last_us: i64, rkey: &str) -> Item {
    let place = Place { first_us, last_us, ..Place::of(None, (first_us, last_us), rkey) };
    Item { key: name.to_owned(), place, sure: true, said: Said::Present }
}

fn listed(items: &[Item], names: &[&str], at: Option<&str>) {
    let views: Vec<Value> = names.iter().map(|name| json!({"uri": name})).collect();
    check(&Said::List(List::newest(by_uri, items.to_vec())), &json!(views), at);
}

#[test]
fn a_list_has_every_item_once_and_no_other() {
    let items = [item("b", 2, 2, ""), item("a", 1, 1, "")];
    listed(&items, &["b", "a"], None);
    listed(&items, &["b"], Some(""));
    listed(&items, &["b", "a", "a"], Some("/2"));
    listed(&items, &["c", "b", "a"], Some("/0"));
    let may_lack = [Item { sure: false, ..items[0].clone() }, items[1].clone()];
    listed(&may_lack, &["a"], None);
    listed(&may_lack, &["b", "a"], None);
    listed(&may_lack, &["b"], Some(""));
}

#[test]
fn a_list_is_in_an_order_that_times_explain() {
    let known = [item("b", 2, 2, ""), item("a", 1, 1, "")];
    listed(&known, &["a", "b"], Some(""));
    // Somewhere between 1 and 3: before, between or after.
    let unknown = [item("c", 3, 3, ""), item("b", 2, 2, ""), item("x", 1, 3, "")];
    listed(&unknown, &["x", "c", "b"], None);
    listed(&unknown, &["c", "x", "b"], None);
    listed(&unknown, &["c", "b", "x"], None);
    listed(&unknown, &["b", "x", "c"], Some(""));
    // At one time, the greater TID comes first; other record keys anywhere.
    let together = [item("b", 1, 1, TID[1]), item("a", 1, 1, TID[0]), item("k", 1, 1, "self")];
    listed(&together, &["b", "a", "k"], None);
    listed(&together, &["k", "b", "a"], None);
    listed(&together, &["a", "b", "k"], Some(""));
}

#[test]
fn a_record_sorts_no_later_than_it_was_indexed() {
    let place = |created_us, indexed_us| {
        let place = Place::of(created_us, indexed_us, "self");
        (place.first_us, place.last_us)
    };
    assert_eq!(place(Some(5), (10, 20)), (5, 5));
    assert_eq!(place(Some(15), (10, 20)), (10, 15));
    assert_eq!(place(Some(30), (10, 20)), (10, 20));
    assert_eq!(place(None, (10, 20)), (10, 20));
}
