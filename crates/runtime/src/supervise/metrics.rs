//! What the supervisor counts.

use crate::metrics::{CounterVec, Gauge, Registry};

pub(super) struct Metrics {
    pub(super) running: Gauge,
    pub(super) failures: CounterVec,
    pub(super) restarts: CounterVec,
}

impl Metrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            running: registry.gauge("millrace_runtime_tasks_running", "Tasks that have not ended"),
            failures: registry.counter_with(
                "millrace_runtime_task_failures",
                "Tasks that ended with an error or a panic",
                &["task"],
            ),
            restarts: registry.counter_with(
                "millrace_runtime_task_restarts",
                "Tasks started again after a failure",
                &["task"],
            ),
        }
    }
}
