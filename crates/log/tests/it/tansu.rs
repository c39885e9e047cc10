//! The Kafka engine on a second broker, Tansu: what one broker lets pass, another may not.
//!
//! Tansu 0.6 cannot keep everything that is asked of a cluster, and each promise that it breaks by itself is listed
//! here with the reason. All of them run on the other broker, as `kafka::…`.

use crate::site::Engine;

/// A broker without DeleteRecords: it ends the connection. Nothing can be removed.
const DELETES_NOTHING: &str = "Tansu ends the connection when asked to delete records";
/// Its ListOffsets answers with the first record of the last batch, not the last: what is in between is not seen by
/// whoever did not append it.
const FORGETS_THE_END: &str = "Tansu says that a partition ends within its last batch";

/// Promises that need what Tansu lacks.
const NOT_HERE: &[(&str, &str)] = &[
    ("items_go_by_age", DELETES_NOTHING),
    ("items_go_by_size", DELETES_NOTHING),
    ("nothing_goes_at_or_beyond_the_floor", DELETES_NOTHING),
    ("a_late_reader_is_told_the_oldest", DELETES_NOTHING),
    ("offsets_go_on_after_everything_is_gone", DELETES_NOTHING),
    ("more_than_one_step_goes", DELETES_NOTHING),
    ("appends_go_on_meanwhile", DELETES_NOTHING),
    ("what_is_held_stays", DELETES_NOTHING),
    ("what_was_removed_stays_removed", DELETES_NOTHING),
    ("a_full_log_refuses_and_recovers", DELETES_NOTHING),
    ("it_does_what_a_vector_does", DELETES_NOTHING),
    ("the_log_counts_what_it_does", DELETES_NOTHING),
    ("every_byte_comes_back", FORGETS_THE_END),
    ("readers_see_a_growing_prefix", FORGETS_THE_END),
    ("what_is_there_is_not_waited_for", FORGETS_THE_END),
    ("what_was_admitted_is_finished", FORGETS_THE_END),
    ("what_was_acknowledged_survives_kill_nine", FORGETS_THE_END),
];

macro_rules! here {
    ($($area:ident::$promise:ident,)+) => {
        $(
            #[test]
            fn $promise() {
                let engine = Engine::Kafka(xtask::kafka::Kind::Tansu);
                crate::site::run("tansu", engine, crate::promises::$area::$promise);
            }
        )+
        const HERE: &[&str] = &[$(stringify!($promise)),+];
    };
}

here! {
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
    read::headers_come_back,
    read::many_readers_share_few_threads,
    read::a_partition_that_is_not_there_is_refused,
    wait::an_append_wakes_all_who_wait,
    wait::no_wake_up_is_lost,
    retain::floors_must_fit_the_partitions,
    reopen::everything_is_there_again,
    reopen::a_changed_number_of_partitions_is_refused,
    reopen::dropping_the_last_clone_frees_the_log,
    full::what_does_not_fit_fails_alone,
    close::a_closed_log_says_so,
    close::closing_answers_those_who_wait,
}

/// Every promise is tried here, or is said why not.
#[test]
fn none_is_left_out_in_silence() {
    let mut named: Vec<&str> =
        HERE.iter().copied().chain(NOT_HERE.iter().map(|(name, _)| *name)).collect();
    let mut all: Vec<&str> = crate::PROMISES.iter().map(|(_, promise)| *promise).collect();
    named.sort_unstable();
    all.sort_unstable();
    assert_eq!(named, all);
    for (name, reason) in NOT_HERE {
        eprintln!("{name}: {reason}");
    }
}
