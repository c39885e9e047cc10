//! What an operator is told when something fails: a stable code with a cause and a remedy.
//! A code is never reused for another situation; its page in the docs is made from [`Code`].
//! Each crate keeps a table of its own codes (`MR-<AREA>-<NNN>`); this crate's is [`codes`].

use std::error::Error;
use std::fmt;

/// One entry of a crate's table of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// `MR-<AREA>-<NNN>`.
    pub id: &'static str,
    /// The situation, in a few words.
    pub title: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Code {
    /// A diagnosis of this situation; the hint is the table's remedy.
    pub fn diagnosis(&self, message: impl Into<String>) -> Diagnosis {
        Diagnosis { code: self.id, message: message.into(), hint: self.remedy.to_owned() }
    }
}

/// What an operator reads: which situation, what happened here, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// A stable code, `MR-<AREA>-<NNN>`.
    pub code: &'static str,
    /// What happened, naming the thing concerned.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message)
    }
}

/// An error that can tell an operator what to do.
pub trait Diagnose {
    /// The situation as an operator should see it.
    fn diagnosis(&self) -> Diagnosis;
}

/// The three kinds of line the command line prints for a failure: `error:`, `caused by:` (one for
/// each deeper cause) and `hint:`. A cause that repeats the line above it is left out.
pub fn render(error: &(dyn Error + 'static), diagnosis: Option<&Diagnosis>) -> String {
    let mut lines = Vec::new();
    let first = diagnosis.map_or_else(|| error.to_string(), ToString::to_string);
    lines.push(format!("error: {first}"));
    let mut above = first;
    let mut causes = diagnosis.is_some().then_some(error).or_else(|| error.source());
    while let Some(cause) = causes {
        let text = cause.to_string();
        if !above.contains(&text) {
            lines.push(format!("caused by: {text}"));
            above = text;
        }
        causes = cause.source();
    }
    if let Some(diagnosis) = diagnosis {
        lines.push(format!("hint: {}", diagnosis.hint));
    }
    lines.join("\n")
}

/// The codes of this crate.
pub mod codes {
    use super::Code;

    /// The whole table, in order; docs are made from it.
    pub const ALL: &[Code] = &[
        CONFIG_READ,
        CONFIG_SYNTAX,
        CONFIG_UNKNOWN_KEY,
        CONFIG_VALUE,
        CONFIG_CONFLICT,
        TASK_FAILED,
        DRAIN_TIMEOUT,
        TELEMETRY_SETUP,
        ALERT_NOT_DELIVERED,
    ];

    /// A configuration or secret file cannot be read.
    pub const CONFIG_READ: Code = Code {
        id: "MR-CFG-001",
        title: "file cannot be read",
        cause: "A configuration file, an overlay or the file named by a `…_file` setting is missing, unreadable, too large or not UTF-8.",
        remedy: "check the path and its permissions for the user the service runs as",
    };
    /// A configuration file is not TOML.
    pub const CONFIG_SYNTAX: Code = Code {
        id: "MR-CFG-002",
        title: "file is not valid TOML",
        cause: "The configuration file has a syntax error at the line shown.",
        remedy: "mend the line shown; `millrace config example` prints a complete, valid file",
    };
    /// A key that no part of the configuration knows.
    pub const CONFIG_UNKNOWN_KEY: Code = Code {
        id: "MR-CFG-003",
        title: "unknown setting",
        cause: "A key in a file, a MILLRACE_ environment variable or a flag does not exist. Unknown settings are refused, because a misspelt one would silently do nothing.",
        remedy: "use the name suggested, or remove it; `millrace config example` lists every setting",
    };
    /// A value of the wrong type or outside its range.
    pub const CONFIG_VALUE: Code = Code {
        id: "MR-CFG-004",
        title: "value not accepted",
        cause: "A setting has the wrong type or a value outside those allowed.",
        remedy: "give a value of the type shown; durations and sizes are plain integers in the unit their name ends with",
    };
    /// A secret given both as a value and as a file.
    pub const CONFIG_CONFLICT: Code = Code {
        id: "MR-CFG-005",
        title: "setting given twice",
        cause: "A secret and its `…_file` variant are both set in the same file, the same environment or the same command line.",
        remedy: "keep one of the two",
    };
    /// A task on which the process depends has failed.
    pub const TASK_FAILED: Code = Code {
        id: "MR-RUN-001",
        title: "essential task failed",
        cause: "A task without which the process cannot do its work ended with an error, so the process drained and ended too.",
        remedy: "see the cause above; a service manager may start the process again",
    };
    /// Tasks were still running when the time to drain was over.
    pub const DRAIN_TIMEOUT: Code = Code {
        id: "MR-RUN-002",
        title: "drain took too long",
        cause: "After the request to stop, the tasks named did not end before the deadline and were aborted. Nothing durable is lost: offsets move with the rows they cover.",
        remedy: "raise the drain deadline if this repeats, and look at what the tasks named were waiting for",
    };
    /// Logging could not be set up.
    pub const TELEMETRY_SETUP: Code = Code {
        id: "MR-RUN-003",
        title: "logs, traces or alerts cannot be set up",
        cause: "`telemetry.level` is not a valid list of filter directives, `telemetry.otlp_endpoint` or `alerts.webhook_url` is no URL, a ratio is not from 0 to 1, or logging was set up twice in one process.",
        remedy: "use a level (error, warn, info, debug, trace) or directives such as `info,millrace_ingest=debug`; give addresses with http:// or https://",
    };
    /// A test alert did not arrive.
    pub const ALERT_NOT_DELIVERED: Code = Code {
        id: "MR-RUN-004",
        title: "alert not delivered",
        cause: "There is no `alerts.webhook_url`, it cannot be reached from this machine, or it answered something else than success.",
        remedy: "set alerts.webhook_url (or alerts.webhook_url_file), and try the address with another client",
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the store")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("disk full")]
    struct Inner;

    #[test]
    fn a_failure_is_told_in_three_kinds_of_line() {
        let error = Outer(Inner);
        let diagnosis = codes::CONFIG_READ.diagnosis("cannot start");
        assert_eq!(
            render(&error, Some(&diagnosis)),
            "error: [MR-CFG-001] cannot start\n\
             caused by: cannot open the store\n\
             caused by: disk full\n\
             hint: check the path and its permissions for the user the service runs as"
        );
        assert_eq!(render(&error, None), "error: cannot open the store\ncaused by: disk full");
    }

    #[test]
    fn codes_are_unique_and_well_formed() {
        for (at, code) in codes::ALL.iter().enumerate() {
            let mut parts = code.id.split('-');
            assert_eq!(parts.next(), Some("MR"), "{}", code.id);
            assert_eq!(parts.clone().count(), 2, "{}", code.id);
            assert!(!code.cause.is_empty() && !code.remedy.is_empty(), "{}", code.id);
            assert!(codes::ALL[at + 1..].iter().all(|other| other.id != code.id), "{}", code.id);
        }
    }
}
