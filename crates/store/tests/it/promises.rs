//! The list of promises. Adding a function to `suite/` means adding its name here; both engines
//! then run it.

use millrace_store::EngineKind;

use crate::world;

/// Makes one test for each promise and engine, and the list itself.
macro_rules! promises {
    ($($area:ident { $($promise:ident),+ $(,)? })+) => {
        /// Every promise, by area.
        const PROMISES: &[(&str, &str)] = &[$($((stringify!($area), stringify!($promise)),)+)+];
        promises!(@engine sqlite Sqlite $($area { $($promise),+ })+);
        promises!(@engine postgres Postgres $($area { $($promise),+ })+);
    };
    (@engine $module:ident $engine:ident $($area:ident { $($promise:ident),+ })+) => {
        mod $module {
            $(mod $area {
                use crate::{suite, world};
                use millrace_store::EngineKind;
                $(
                    #[test]
                    fn $promise() {
                        world::run(EngineKind::$engine, stringify!($promise), |world| async move {
                            suite::$area::$promise(&world).await;
                        });
                    }
                )+
            })+
        }
    };
}

promises! {
    statements {
        whole_numbers_keep_64_bits,
        booleans_are_zero_and_one,
        reals_and_blobs_come_back_as_they_went,
        null_is_null_in_every_type,
        a_statement_takes_null_first_and_a_value_later,
        nul_is_stripped_from_text,
        parameters_are_bound_by_number,
        an_empty_id_list_matches_nothing,
        ten_thousand_ids_are_one_parameter,
        a_text_list_takes_any_text,
        text_is_compared_by_bytes,
        like_is_case_sensitive,
        comparisons_come_back_as_booleans,
        large_values_fit,
        a_foreign_key_is_enforced,
        the_wrong_number_of_parameters_is_refused,
        a_column_of_another_type_is_an_error,
        one_row_means_one_row,
        an_unknown_token_is_refused,
        a_scan_hands_over_row_by_row,
    }
    batches {
        only_new_rows_come_back,
        a_replay_changes_nothing,
        equal_keys_are_applied_one_after_the_other,
        an_update_adds_every_row_of_a_batch,
        deleted_rows_come_back,
        a_batch_may_be_larger_than_a_statement,
        every_type_and_null_fit_a_batch,
        a_batch_without_token_is_a_loop,
        an_empty_batch_does_nothing,
        a_row_of_another_shape_is_refused,
        like_unlike_like_ends_liked,
        a_random_storm_ends_as_its_model,
    }
    transactions {
        a_read_sees_one_snapshot,
        a_read_cannot_write,
        an_error_undoes_everything,
        a_panic_undoes_everything_and_the_thread_lives,
        a_swallowed_failure_does_not_commit,
        a_savepoint_undoes_its_part_alone,
        a_swallowed_failure_in_a_savepoint_is_undone,
        readers_go_on_while_a_write_is_open,
        concurrent_increments_are_all_counted,
        a_full_queue_refuses_at_once,
        a_question_nobody_waits_for_is_not_asked,
        a_begun_write_is_finished_though_nobody_waits,
        a_read_over_its_time_is_stopped,
        closing_finishes_what_was_begun,
        a_broken_rule_is_a_constraint,
        an_attached_domain_is_read_by_its_name,
        claimed_rows_are_claimed_once,
        statements_see_the_clock_that_was_passed_in,
    }
    schema {
        migrations_are_applied_once,
        a_later_migration_follows,
        a_changed_text_is_refused,
        a_newer_schema_is_refused,
        a_newer_schema_marked_compatible_is_used,
        a_failed_migration_leaves_nothing,
        two_processes_migrate_at_once,
        a_role_that_does_not_migrate_waits,
        a_role_that_waited_too_long_says_so,
        looking_creates_nothing,
        numbers_with_a_gap_are_refused,
    }
    offsets {
        an_offset_moves_only_from_where_it_is,
        offsets_are_listed,
        an_offset_is_undone_with_its_rows,
    }
    leases {
        a_free_lease_is_taken_and_kept,
        a_silent_holder_is_followed_with_a_higher_token,
        a_lost_lease_cannot_be_renewed_or_released,
        a_released_lease_is_free_at_once,
        one_of_many_gets_the_lease,
    }
    outbox {
        facts_are_published_only_if_committed,
        the_relay_keeps_the_order,
        a_crash_between_append_and_delete_repeats_and_loses_nothing,
        the_relay_goes_in_bounded_batches,
        an_event_is_relayed_with_its_attributes,
        an_event_that_the_log_will_not_take_is_refused,
        what_is_passed_on_keeps_its_headers_and_gets_no_others,
        the_relay_is_woken_by_a_commit,
        an_oversized_payload_is_refused,
    }
    parked {
        parked_entries_are_listed_page_by_page,
        a_parked_entry_keeps_its_bytes,
        parking_twice_keeps_one,
        a_long_error_is_cut,
        an_oversized_entry_is_refused,
        what_is_gone_cannot_be_retried,
    }
    full_text {
        every_wanted_phrase_must_be_there,
        unwanted_phrases_exclude,
        tokens_of_any_script_are_found,
        no_token_is_syntax,
        pages_go_by_id_in_either_direction,
        a_document_is_replaced_and_removed,
        a_query_that_wants_nothing_matches_nothing,
    }
    dictionary {
        ids_are_given_in_sorted_order,
        an_id_never_changes,
        looking_up_gives_no_id,
        two_processes_agree_on_ids,
        record_keys_are_tids_or_negative,
        ids_are_joined_from_other_domains,
        a_small_cache_forgets_and_still_answers,
        more_than_a_batch_of_ids,
    }
    retries {
        later_entries_of_a_parked_key_wait_in_order,
        a_mended_entry_is_applied_with_those_behind_it,
        a_discarded_entry_frees_its_key,
        a_parked_entry_is_tried_again_by_itself,
        a_hopeless_entry_waits_for_an_operator,
        too_much_behind_one_key_is_dropped_and_told,
        too_many_parked_entries_stop_the_projection,
    }
    worker {
        entries_are_applied_in_order_with_their_offset,
        a_restart_applies_nothing_twice,
        a_failure_between_write_and_commit_leaves_one_effect,
        a_poisoned_entry_is_parked_and_its_neighbours_applied,
        a_named_culprit_is_found_without_searching,
        a_panic_parks_the_entry,
        a_broken_rule_parks_the_entry,
        an_entry_that_does_not_decode_is_parked,
        stop_stops_before_the_entry,
        an_offset_beyond_the_tail_is_refused,
        an_offset_before_the_oldest_is_refused,
        a_second_worker_cannot_apply_again,
        facts_reach_the_log_once_committed,
        random_faults_end_as_their_model,
        a_process_killed_anywhere_leaves_each_effect_once,
        what_waits_for_its_time_waits_and_what_is_before_it_does_not,
        who_waits_for_a_time_can_be_stopped,
        lag_and_progress_are_shown,
    }
}

/// Prints which engine ran which promise.
#[test]
fn the_list_of_promises() {
    let mark = |engine| if world::available(engine) { "yes" } else { "skipped" };
    let (sqlite, postgres) = (mark(EngineKind::Sqlite), mark(EngineKind::Postgres));
    eprintln!("{:<75} {:<8} {:<8}", "promise", "sqlite", "postgres");
    for (area, promise) in PROMISES {
        eprintln!("{:<75} {sqlite:<8} {postgres:<8}", format!("{area}::{promise}"));
    }
    eprintln!("{} promises", PROMISES.len());
    let mut names: Vec<_> = PROMISES.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PROMISES.len(), "a promise is listed twice");
}
