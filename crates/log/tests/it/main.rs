//! The log's suite. A promise is a function in `promises/`; each engine keeps all of them.
//!
//! To add an engine: give it a line under `engines` and an arm in `site.rs`. To add a promise: write the
//! function and name it below. `cargo test -p millrace-log --test it promises -- --nocapture` prints the
//! table. What only one engine has, such as a file that can be damaged or a cluster that goes away, is in a file of
//! its own. Kafka runs in builds with its feature, on the broker of the two that can do all that is asked of it;
//! `tansu.rs` says what the other can do.

#![expect(clippy::unwrap_used, reason = "tests")]

mod site;

mod promises;
mod sqlite_file;

#[cfg(feature = "kafka")]
mod kafka_cluster;
#[cfg(feature = "kafka")]
mod kafka_security;
#[cfg(feature = "kafka")]
mod kafka_trouble;
#[cfg(feature = "kafka")]
mod tansu;

/// One test for each engine and promise, in a module named after the engine; and the two lists.
macro_rules! suite {
    (engines $engines:tt promises $promises:tt) => {
        suite!(@tests $engines $promises);
        suite!(@lists $engines $promises);
    };
    (@tests { $($(#[$if:meta])? $engine:ident: $variant:expr,)+ } $promises:tt) => {
        $(suite!(@engine $(#[$if])? $engine $variant, $promises);)+
    };
    (@engine $(#[$if:meta])? $engine:ident $variant:expr, { $($area:ident::$promise:ident,)+ }) => {
        $(#[$if])?
        mod $engine {
            $(
                #[test]
                fn $promise() {
                    let engine = stringify!($engine);
                    crate::site::run(engine, $variant, crate::promises::$area::$promise);
                }
            )+
        }
    };
    (@lists { $($(#[$if:meta])? $engine:ident: $variant:expr,)+ } { $($area:ident::$promise:ident,)+ }) => {
        const ENGINES: &[(&str, crate::site::Engine)] =
            &[$($(#[$if])? (stringify!($engine), $variant)),+];
        const PROMISES: &[(&str, &str)] = &[$((stringify!($area), stringify!($promise))),+];
    };
}

suite! {
    engines {
        sqlite: crate::site::Engine::Sqlite,
        #[cfg(feature = "kafka")] kafka: crate::site::Engine::Kafka(xtask::kafka::Kind::Noida),
    }
    promises {
        append::offsets_count_from_zero_without_gaps,
        append::the_answer_places_each_item_in_the_order_given,
        append::topics_and_partitions_are_apart,
        append::a_key_has_one_partition,
        append::a_call_is_all_or_nothing,
        append::an_empty_call_writes_nothing,
        append::the_largest_payload_fits_and_one_byte_more_does_not,
        append::a_call_over_the_queue_is_refused_at_once,
        append::producers_wait_while_the_queue_is_full,
        append::a_caller_who_goes_away_harms_nobody,

        order::a_producer_finds_its_items_in_its_order,
        order::concurrent_calls_are_not_mixed,
        order::times_never_step_back,

        read::a_read_begins_where_asked,
        read::a_read_is_bounded_in_bytes_but_gives_one_item,
        read::at_the_tail_and_beyond_there_is_nothing,
        read::every_byte_comes_back,
        read::headers_come_back,
        read::readers_see_a_growing_prefix,
        read::many_readers_share_few_threads,
        read::a_partition_that_is_not_there_is_refused,

        wait::what_is_there_is_not_waited_for,
        wait::an_append_wakes_all_who_wait,
        wait::no_wake_up_is_lost,

        retain::items_go_by_age,
        retain::items_go_by_size,
        retain::nothing_goes_at_or_beyond_the_floor,
        retain::what_is_held_stays,
        retain::a_late_reader_is_told_the_oldest,
        retain::offsets_go_on_after_everything_is_gone,
        retain::more_than_one_step_goes,
        retain::appends_go_on_meanwhile,
        retain::floors_must_fit_the_partitions,

        reopen::everything_is_there_again,
        reopen::what_was_removed_stays_removed,
        reopen::a_changed_number_of_partitions_is_refused,
        reopen::dropping_the_last_clone_frees_the_log,

        full::a_full_log_refuses_and_recovers,
        full::what_does_not_fit_fails_alone,

        close::a_closed_log_says_so,
        close::closing_answers_those_who_wait,
        close::what_was_admitted_is_finished,

        crash::what_was_acknowledged_survives_kill_nine,

        model::it_does_what_a_vector_does,

        metrics::the_log_counts_what_it_does,
    }
}

/// Prints the table; fails when an engine of the crate is missing, or a name stands twice.
#[test]
#[expect(clippy::print_stdout, reason = "the table is what this test is asked for")]
fn promises_by_engine() {
    use millrace_log::LogEngine;

    let all = [LogEngine::Sqlite, LogEngine::Kafka].map(|engine| match engine {
        // A new engine stops the compiler here: add it to the array and to the suite.
        LogEngine::Sqlite => (engine, true),
        LogEngine::Kafka => (engine, cfg!(feature = "kafka")),
    });
    let built = all.into_iter().filter_map(|(engine, built)| built.then_some(engine));
    let run = ENGINES.iter().map(|(_, engine)| engine.kind());
    assert_eq!(run.collect::<Vec<_>>(), built.collect::<Vec<_>>());
    let names: std::collections::BTreeSet<_> = PROMISES.iter().map(|(_, name)| name).collect();
    assert_eq!(names.len(), PROMISES.len());

    let engines: Vec<_> = ENGINES.iter().map(|(name, _)| *name).collect();
    println!("{:>3}  {:<72} {}", "", "promise", engines.join(" "));
    for (number, (area, promise)) in (1..).zip(PROMISES) {
        let promise = format!("{area}: {}", promise.replace('_', " "));
        println!("{number:>3}  {promise:<72} {}", engines.iter().map(|_| "✔").collect::<String>());
    }
}
