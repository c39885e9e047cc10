//! Figures as they are taken: a name, a unit and a value for each round. The median is quoted.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub name: String,
    pub value: f64,
    pub unit: &'static str,
    #[serde(skip)]
    pub rounds: Vec<f64>,
}

impl Figure {
    pub fn least(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn most(&self) -> f64 {
        self.rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

/// All of them, in the order taken.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub figures: Vec<Figure>,
    /// What should be said beside them.
    pub notes: Vec<String>,
}

impl Results {
    /// Adds a figure with its rounds, and says so.
    pub fn add(&mut self, name: &str, unit: &'static str, rounds: Vec<f64>) {
        let figure = Figure { name: name.to_owned(), value: median(&rounds), unit, rounds };
        eprintln!("        {name} {} {unit}", crate::report::number(figure.value));
        self.figures.push(figure);
    }

    /// Another round of a figure that may be there already.
    pub fn round(&mut self, name: &str, unit: &'static str, value: f64) {
        match self.figures.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => {
                figure.rounds.push(value);
                figure.value = median(&figure.rounds);
            }
            None => {
                let rounds = vec![value];
                self.figures.push(Figure { name: name.to_owned(), value, unit, rounds });
            }
        }
        eprintln!("        {name} {} {unit}", crate::report::number(value));
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.figure(name).map(|figure| figure.value)
    }

    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// The value in the middle; of two, the mean.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle), middle.checked_sub(1)) {
        (1, Some(value), _) => *value,
        (0, Some(value), Some(before)) => (sorted[before] + value) / 2.0,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_is_quoted() {
        let check = |values: &[f64], expected: f64| assert_eq!(median(values), expected);
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
        check(&[7.0], 7.0);
        assert!(median(&[]).is_nan());
    }
}
