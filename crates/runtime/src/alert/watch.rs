//! Alerts about what can be seen in the metrics: rules over the same numbers that are scraped, with
//! how long each must hold. The decision is pure: samples and the time go in, beginnings and ends
//! come out.

use std::collections::BTreeMap;

use super::Kind;

/// One line of a scrape.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric's name, with `_total` and its like.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// When a number is an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test {
    /// It is larger.
    Above(f64),
    /// It is smaller.
    Below(f64),
    /// It does not change, while the named metric of the same subject is not 0.
    Still {
        /// Says whether it could change at all.
        unless_zero: &'static str,
    },
}

/// A situation that metrics show.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What it is.
    pub kind: Kind,
    /// The number: the sum of all series of one subject.
    pub metric: &'static str,
    /// The label that names the subject.
    pub by: &'static str,
    /// When.
    pub test: Test,
    /// For how long.
    pub hold_us: i64,
    /// What to say; `{}` is the number.
    pub text: &'static str,
}

/// A situation begins, lasts so long that it is told again, or ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Of which source, projection and so on.
    pub subject: String,
    /// A sentence.
    pub text: String,
    /// It is over.
    pub resolved: bool,
}

/// Rules, and since when each holds of whom.
#[derive(Debug)]
pub struct Watch {
    rules: Vec<Rule>,
    repeat_us: i64,
    seen: BTreeMap<(usize, String), Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    value: f64,
    since_us: i64,
    told_us: Option<i64>,
}

impl Watch {
    /// What lasts is found again every `repeat_us`.
    pub fn new(rules: Vec<Rule>, repeat_us: i64) -> Self {
        Self { rules, repeat_us, seen: BTreeMap::new() }
    }

    /// Judges a scrape. Subjects that are gone are forgotten, and what was told of them is over.
    pub fn look(&mut self, samples: &[Sample], now_us: i64) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            let values = sums(samples, rule.metric, rule.by);
            let before: Vec<String> = keys_of(&self.seen, at);
            for (subject, value) in &values {
                let key = (at, subject.clone());
                let seen = self.seen.entry(key).or_insert(Seen {
                    value: *value,
                    since_us: now_us,
                    told_us: None,
                });
                let holds = rule.holds(seen, *value, samples, subject);
                findings.extend(seen.judge(rule, subject, *value, holds, now_us, self.repeat_us));
            }
            for gone in before.into_iter().filter(|subject| !values.contains_key(subject)) {
                let seen = self.seen.remove(&(at, gone.clone()));
                if seen.is_some_and(|seen| seen.told_us.is_some()) {
                    findings.push(rule.finding(&gone, 0.0, true));
                }
            }
        }
        findings
    }
}

impl Rule {
    fn holds(&self, seen: &Seen, value: f64, samples: &[Sample], subject: &str) -> bool {
        match self.test {
            Test::Above(max) => value > max,
            Test::Below(min) => value < min,
            Test::Still { unless_zero } => {
                let possible = sums(samples, unless_zero, self.by);
                #[expect(clippy::float_cmp, reason = "a counter that did not move is the same")]
                let still = seen.value == value;
                still && possible.get(subject).is_none_or(|possible| *possible != 0.0)
            }
        }
    }

    fn finding(&self, subject: &str, value: f64, resolved: bool) -> Finding {
        let text = if resolved {
            format!("over: {}", self.kind.name().replace('_', " "))
        } else {
            self.text.replacen("{}", &format!("{value}"), 1)
        };
        Finding { kind: self.kind, subject: subject.to_owned(), text, resolved }
    }
}

impl Seen {
    fn judge(
        &mut self,
        rule: &Rule,
        subject: &str,
        value: f64,
        holds: bool,
        now_us: i64,
        repeat_us: i64,
    ) -> Option<Finding> {
        self.value = value;
        if !holds {
            self.since_us = now_us;
            return self.told_us.take().map(|_| rule.finding(subject, value, true));
        }
        let long_enough = now_us.saturating_sub(self.since_us) >= rule.hold_us;
        let again = self.told_us.is_none_or(|told| now_us.saturating_sub(told) >= repeat_us);
        (long_enough && again).then(|| {
            self.told_us = Some(now_us);
            rule.finding(subject, value, false)
        })
    }
}

fn keys_of(seen: &BTreeMap<(usize, String), Seen>, rule: usize) -> Vec<String> {
    let keys = seen.keys().filter(|(at, _)| *at == rule);
    keys.map(|(_, subject)| subject.clone()).collect()
}

/// A metric's values, added up by a label.
fn sums(samples: &[Sample], metric: &str, by: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.name == metric) {
        let subject = sample.labels.get(by).cloned().unwrap_or_default();
        *sums.entry(subject).or_insert(0.0) += sample.value;
    }
    sums
}

/// Reads what [`crate::metrics::Registry::encode`] writes; lines that cannot be read are left out.
pub fn samples(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let name_end = line.find(['{', ' '])?;
    let (name, rest) = line.split_at(name_end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// `a="b",c="d"} …` → the labels, and what follows.
fn labels(mut text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.insert(name.to_owned(), value);
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    fn watch(test: Test) -> Watch {
        let rule = Rule {
            kind: Kind::SourceSilent,
            metric: "frames_total",
            by: "source",
            test,
            hold_us: 2 * MINUTE_US,
            text: "{} seen",
        };
        Watch::new(vec![rule], 10 * MINUTE_US)
    }

    fn scrape(frames: u64, connected: u8) -> Vec<Sample> {
        samples(&format!(
            "# TYPE frames counter\nframes_total{{source=\"relay\",kind=\"a\"}} {frames}\n\
             frames_total{{source=\"relay\",kind=\"b\"}} 1\nconnected{{source=\"relay\"}} {connected}\n"
        ))
    }

    #[test]
    fn a_scrape_is_read() {
        let samples =
            samples("# HELP a b\na_total{x=\"1 \\\"2\\\" }\",y=\"z\"} 4.5\nb 7\nbroken{\n# EOF\n");
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].labels["x"], "1 \"2\" }");
        assert_eq!((samples[0].value, samples[1].value), (4.5, 7.0));
    }

    #[test]
    fn silence_is_an_alert_only_while_connected_and_ends_with_the_next_frame() {
        let mut watch = watch(Test::Still { unless_zero: "connected" });
        assert_eq!(watch.look(&scrape(5, 1), 0), []);
        assert_eq!(watch.look(&scrape(5, 1), MINUTE_US), []);
        let found = watch.look(&scrape(5, 1), 2 * MINUTE_US);
        assert_eq!((found.len(), found[0].text.as_str(), found[0].resolved), (1, "6 seen", false));
        assert_eq!(watch.look(&scrape(5, 1), 3 * MINUTE_US), [], "told already");
        assert_eq!(watch.look(&scrape(5, 1), 12 * MINUTE_US).len(), 1, "told again after a while");
        assert!(watch.look(&scrape(6, 1), 13 * MINUTE_US)[0].resolved);
        assert_eq!(watch.look(&scrape(6, 0), 20 * MINUTE_US), [], "disconnected is another alert");
    }

    #[test]
    fn bounds_hold_for_their_time_and_the_gone_are_forgotten() {
        let mut watch = watch(Test::Above(4.0));
        assert_eq!(watch.look(&scrape(9, 1), 0), []);
        assert_eq!(watch.look(&scrape(2, 1), MINUTE_US), []);
        assert_eq!(watch.look(&scrape(9, 1), 2 * MINUTE_US), [], "the time begins anew");
        assert_eq!(watch.look(&scrape(9, 1), 4 * MINUTE_US).len(), 1);
        let gone = watch.look(&[], 5 * MINUTE_US);
        assert!(gone[0].resolved && gone[0].subject == "relay", "{gone:?}");
        assert!(watch.seen.is_empty());
    }

    #[test]
    fn what_the_registry_writes_is_read() {
        let registry = crate::metrics::Registry::new();
        registry.counter_with("millrace_t_c", "c", &["a"]).with(&["q\"\\x"]).add(3);
        let samples = samples(&registry.encode());
        let sample = samples.iter().find(|sample| sample.name == "millrace_t_c_total").unwrap();
        assert_eq!((sample.labels["a"].as_str(), sample.value), ("q\"\\x", 3.0));
    }
}
