//! Metrics read back from the text in which they are told: what `status` and `top` show of a process.

use std::collections::BTreeMap;

use millrace_runtime::metrics::Spread;

/// The values of one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scrape {
    by_name: BTreeMap<String, Vec<Series>>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Series {
    /// The value of a label; empty when it has none of that name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

impl Scrape {
    /// Reads the text; lines that are none are left out.
    pub fn parse(text: &str) -> Self {
        let mut by_name: BTreeMap<String, Vec<Series>> = BTreeMap::new();
        for (name, series) in text.lines().filter_map(line) {
            by_name.entry(name).or_default().push(series);
        }
        Self { by_name }
    }

    /// Every series of that name.
    pub fn series(&self, name: &str) -> &[Series] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The sum of all series of that name.
    pub fn sum(&self, name: &str) -> f64 {
        self.series(name).iter().map(|series| series.value).sum()
    }

    /// The sums by one label's value.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for series in self.series(name) {
            *sums.entry(series.label(label).to_owned()).or_default() += series.value;
        }
        sums
    }

    /// The growth of a histogram since `before`, by the value of one label.
    pub fn spread_since(&self, before: &Self, name: &str, label: &str) -> BTreeMap<String, Spread> {
        let mut spreads: BTreeMap<String, Spread> = BTreeMap::new();
        let buckets = format!("{name}_bucket");
        for (sign, scrape) in [(1.0, self), (-1.0, before)] {
            for series in scrape.series(&buckets) {
                let Ok(bound) = series.label("le").replace("+Inf", "inf").parse::<f64>() else {
                    continue;
                };
                let spread = spreads.entry(series.label(label).to_owned()).or_default();
                spread.add(bound, sign * series.value);
            }
            for series in scrape.series(&format!("{name}_sum")) {
                let spread = spreads.entry(series.label(label).to_owned()).or_default();
                spread.sum += sign * series.value;
            }
        }
        spreads.retain(|_, spread| spread.count() > 0.0);
        spreads
    }
}

fn line(line: &str) -> Option<(String, Series)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (name, labels, rest) = match line.split_once('{') {
        Some((name, rest)) => {
            let (labels, rest) = labels(rest)?;
            (name, labels, rest)
        }
        None => {
            let (name, rest) = line.split_once(' ')?;
            (name, BTreeMap::new(), rest)
        }
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name.to_owned(), Series { labels, value }))
}

/// `a="b",c="d"} rest`
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
            '"' => return Some((value, &text[at + 1..])),
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
    use millrace_runtime::metrics::Registry;

    use super::*;

    #[test]
    fn what_a_registry_tells_is_read_back() {
        let registry = Registry::new();
        let frames = registry.counter_with("frames", "Frames.", &["source", "kind"]);
        frames.with(&["a", "commit"]).add(3);
        frames.with(&["a", "identity"]).add(1);
        frames.with(&["odd \"name\"\\", "commit"]).add(5);
        registry.gauge("lag", "Lag.").set_f64(1.5);
        let scrape = Scrape::parse(&registry.encode());
        assert_eq!(scrape.sum("frames_total"), 9.0);
        assert_eq!(scrape.sum("lag"), 1.5);
        let by = scrape.by("frames_total", "source");
        assert_eq!((by["a"], by["odd \"name\"\\"]), (4.0, 5.0));
        assert_eq!(scrape.sum("nothing"), 0.0);
    }

    #[test]
    fn quantiles_are_of_the_time_between() {
        let registry = Registry::new();
        let seconds = registry.histogram_with("s", "S.", &["m"], &[0.1, 0.2, 0.4]);
        let m = seconds.with(&["m"]);
        (0..50).for_each(|_| m.observe(0.3));
        let before = Scrape::parse(&registry.encode());
        (0..98).for_each(|_| m.observe(0.05));
        m.observe(0.15);
        m.observe(9.0);
        let after = Scrape::parse(&registry.encode());
        let spread = &after.spread_since(&before, "s", "m")["m"];
        assert_eq!(spread.count(), 100.0);
        assert!((spread.quantile(0.5) - 0.051).abs() < 0.001, "{}", spread.quantile(0.5));
        assert!((spread.quantile(0.99) - 0.2).abs() < 0.001, "{}", spread.quantile(0.99));
        assert_eq!(spread.quantile(1.0), 0.4);
        assert!(after.spread_since(&after, "s", "m").is_empty());
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        for text in ["", "# EOF", "x", "x{", "x{a=\"b", "x{a=\"b\"}", "x y"] {
            assert_eq!(Scrape::parse(text), Scrape::default(), "{text:?}");
        }
    }
}
