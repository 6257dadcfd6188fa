//! What every repository promises, whatever stands below the SDK.
//!
//! `tests!(fresh)` makes one test of each function named here for the backend that `fresh` opens.
//! A function that is not named is reported by the compiler as unused.

pub(crate) mod applying;
pub(crate) mod backend;
pub(crate) mod contacts;
pub(crate) mod costs;
pub(crate) mod crashes;
pub(crate) mod dump;
pub(crate) mod flags;
pub(crate) mod inventory;
pub(crate) mod leases;
pub(crate) mod ledger;
pub(crate) mod make;
pub(crate) mod plans;
pub(crate) mod races;
pub(crate) mod renewals;
pub(crate) mod reviews;
pub(crate) mod runs;
pub(crate) mod samples;
pub(crate) mod schedules;
pub(crate) mod stale;
pub(crate) mod tables;
pub(crate) mod undone;
pub(crate) mod wire;
pub(crate) mod workspace;
pub(crate) mod world;

macro_rules! tests {
    ($fresh:path) => {
        $crate::suite::tests! { $fresh;
            applying: {
                a_page_applied_twice_is_applied_once,
                any_width_writes_the_same,
                two_appliers_of_one_page_write_what_one_writes,
                what_a_page_writes,
            }
            contacts: {
                a_cut_off_edit_goes_on_when_it_is_repeated,
                a_given_up_address_can_be_taken,
                a_line_can_take_an_address_away,
                a_refused_edit_claims_nothing,
                a_scope_reads_its_own_client_only,
                an_address_named_twice_is_a_primary_one,
                an_edit_moves_claims,
                fifty_at_once_make_one_contact,
                hundreds_are_read_at_once,
                pages_of_contacts,
                the_largest_contact,
                the_syncs_marks_survive_an_edit,
                the_syncs_own_mark_sent_back_says_nothing,
                what_an_edit_says_nothing_of_stays,
                whose_a_contact_is_by_the_psas_word,
            }
            costs: {
                applying_costs,
                repositories_cost,
            }
            crashes: {
                a_page_that_is_cut_off_at_every_write_in_turn_arrives,
                a_line_cut_off_at_any_write_goes_on,
                an_undo_that_is_cut_off_leaves_no_link_to_a_contact_that_is_nobodys,
                an_address_left_behind_by_a_dead_run_is_taken_over,
                every_write_may_arrive_twice,
            }
            flags: {
                a_deleted_flag_is_gone_and_its_key_is_free,
                a_feature_is_on_for_whom_its_flag_names,
                a_flag_takes_another_key_at_once_or_not_at_all,
                flags_page_by_page,
                forty_at_once_name_their_workspaces,
                one_of_two_changes_wins,
            }
            inventory: {
                five_thousand_links,
                links_and_questions,
                the_largest_fingerprint,
            }
            ledger: {
                a_link_that_is_ended_is_listed_and_made_again_by_nobody_but_a_line,
                a_line_that_needs_an_end_is_not_carried_out_without_it,
                links_are_listed_part_by_part,
            }
            leases: {
                a_checkpoint_counts_as_moving_on,
                a_late_checkpoint_is_not_written_over,
                a_pause_keeps_everybody_out,
                a_worker_that_lost_its_lease_changes_nothing,
                a_worker_whose_lease_is_over_stops_at_the_next_line,
                ending_stores_the_result_and_frees_the_tenant_at_once,
                the_first_result_of_a_tenant_stays,
                one_of_twenty_gets_the_tenant,
                states_of_many_tenants,
                the_local_mode_frees_what_a_dead_process_held,
                the_next_run_begins_anew,
            }
            plans: {
                a_page_planned_again_takes_the_place_of_the_first,
                a_page_that_does_not_compress,
                a_worker_that_lost_its_lease_stores_no_page,
                pages_in_order_and_never_more_than_asked_for,
                stale_lines_are_kept,
            }
            races: {
                a_human_between_the_appliers_read_and_its_write,
                an_address_taken_in_between,
                two_edits_of_one_contact,
                two_pages_want_one_address,
            }
            renewals: {
                a_connection_without_a_sign_in_is_listed_and_never_due,
                a_renewal_ends_and_is_recent_for_a_while,
                one_of_twenty_may_renew,
                who_has_waited_longest_is_due_first,
            }
            reviews: {
                a_dismissed_question_stays_dismissed,
                a_question_is_asked_once,
                an_answer_is_kept_until_it_is_taken_back,
                an_answered_question_leaves_the_queue,
                one_run_decides_at_a_time,
                the_newest_question_comes_first,
            }
            runs: {
                a_run_begins_once,
                a_run_ends_once,
                a_run_is_accepted_once,
                a_run_is_halted_and_cancelled,
                newest_first_page_by_page,
                ten_thousand_targets,
                the_first_result_of_a_tenant_stays,
            }
            schedules: {
                a_slot_is_noted_once_and_none_before_it,
                one_of_two_who_ask_at_once_is_the_first,
                those_that_are_on_are_listed_and_what_cannot_be_read_keeps_nobody_out,
            }
            samples: {
                every_sample_is_read,
                the_newest_samples_are_what_is_written,
            }
            stale: {
                a_human_edit_stops_exactly_its_line,
                a_line_that_another_run_has_carried_out_is_that_runs_work,
                what_a_line_does_not_write_over,
            }
            tables: {
                a_damaged_item_is_reported,
                a_fault_of_the_deployment_is_not_transient,
                a_lost_connection_is_transient,
                making_the_table_again_changes_nothing,
                what_expires_says_when,
            }
            undone: {
                a_contact_whose_making_is_undone_keeps_its_id_to_itself,
                nobody_is_tied_again_to_a_contact_that_is_somebody_elses_by_now,
                what_cannot_be_taken_back_whole_is_left_whole,
            }
            workspace: {
                clients,
                connections,
                discovery,
                one_of_two_editors_of_a_mapping_wins,
                settings,
                sign_ins,
            }
        }
    };
    ($fresh:path; $($module:ident: { $($test:ident,)* })*) => {
        $(
            mod $module {
                $(
                    #[tokio::test]
                    async fn $test() {
                        let backend = $fresh();
                        $crate::suite::$module::$test(&backend).await;
                    }
                )*
            }
        )*
    };
}
pub(crate) use tests;
