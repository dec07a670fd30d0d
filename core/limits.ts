/**
 * Every maximum of the program, with its unit in its name. A limit that is reached refuses, slows or counts;
 * nothing grows without bound. Limits that shape the bytes of a core are marked `core:` and go into the log's
 * configuration leaf, since changing them changes what the log commits to.
 */
export const LIMITS = {
  // Settings
  config_chars_max: 262_144,
  config_depth_max: 64,
  config_aliases_max: 50, // of YAML, after they are followed

  // Accepting
  body_bytes_max: 33_554_432, // after decompression
  body_records_max: 20_000,
  record_bytes_max: 16_777_216, // core: a longer record is rejected
  json_depth_max: 64, // core
  queue_bytes_max: 134_217_728, // records waiting for the log
  queue_records_max: 100_000,
  body_idle_ms_max: 15_000, // a client that stops sending
  body_total_ms_max: 120_000,
  reject_quota_per_minute_max: 1_000, // rejected leaves that one key may cause
  requests_per_minute_max: 6_000, // of one key; accepting and enforcement have limits of their own
  failures_per_minute_max: 60, // of one address, with keys and logins that do not work
  bearer_chars_max: 8_192, // of a key or token
  requests_in_flight_max: 512,
  connections_max: 2_048,

  // The event
  id_chars_max: 200, // core: event_id, call_id, trace_id ...
  name_chars_max: 256, // core: user, role, agent, server, tool ...
  uri_chars_max: 2_048, // core
  data_sources_max: 256, // core
  tools_max: 2_000, // core: definitions in one tools.list
  field_bytes_max: 1_048_576, // core: content, params; above it a field keeps head, tail, digest and size
  field_head_bytes: 524_288, // core
  field_tail_bytes: 131_072, // core
  rejected_bytes_kept_max: 65_536, // core
  time_ahead_ms_max: 86_400_000, // core: a producer's clock may be this far ahead of ours
  time_earliest: '2000-01-01T00:00:00Z', // core

  // The log
  core_bytes_max: 65_535, // C2SP tlog-tiles entry size
  batch_records_max: 10_000,
  batch_bytes_max: 33_554_432,
  dedup_horizon_max: 1_000_000, // core: sequence numbers in which an event_id is remembered
  session_gap_ms: 1_800_000, // core
  session_cache_max: 50_000, // session links held in memory; older ones are looked up
  checkpoint_interval_ms: 2_000,
  checkpoint_idle_ms: 60_000,

  // Kafka
  kafka_partition_bytes_max: 8_388_608, // of one partition, fetched at once
  kafka_gather_ms: 500, // that a batch of a log from Kafka waits for more records while it has room
  kafka_settle_ms: 2_000, // that a record may take from the broker's stamp to its worker before silence is told to detection
  kafka_silent_sessions_max: 5, // session timeouts without a sign of life, then a worker asks whether it still counts

  // Reading
  page_rows_max: 1_000,
  session_events_max: 10_000, // events of one session in one answer
  evidence_records_max: 5_000, // of one bundle
  bundle_line_bytes_max: 67_108_864, // of a line of a bundle that is checked
  query_ms_max: 15_000,
  query_chars_max: 2_000, // of a query in the query language
  query_depth_max: 16, // brackets and negations within each other
  query_terms_max: 100,
  query_wildcards_max: 20, // in all of a query
  query_words_max: 16, // in one search of content
  verify_window_max: 4_000_000, // leaf hashes held at once
  verify_findings_max: 1_000,

  // Detection
  engine_sessions_max: 20_000, // sessions whose lineage is held in memory; older ones are rebuilt from the store
  lineage_values_per_session_max: 20_000,
  lineage_text_bytes_max: 262_144, // of one result that is searched for values
  lineage_session_bytes_max: 6_291_456, // of one session: texts of results, and what stands where in them
  instruction_sentences_max: 2_000, // of one session's results, compared with its calls
  instruction_terms_max: 20_000, // words and values of one session
  instruction_params_chars_max: 65_536, // of one call's parameters
  replay_events_per_session_max: 10_000,
  alerts_per_session_max: 200, // findings and signals of one session
  reorder_ms_max: 2_000, // how long an event waits for one that is older and still on its way
  reorder_events_max: 5_000, // events that wait so
  reevaluations_per_session_max: 16, // times that a session is looked at again because of late events
  rule_edges_max: 20_000, // calls whose edges rules may ask for
  rule_restore_events_max: 20_000, // of sessions that a start looks at again for rules that join sessions
  book_tools_max: 10_000, // tools whose published definitions are remembered for later sessions
  cross_keys_max: 20_000, // servers, tokens, users ... for which one correlator keeps a state

  // Response
  note_chars_max: 2_000, // a note on an alert, or the reason of a suppression
  tags_per_alert_max: 32, // that people give it
  tag_chars_max: 64,
  feedback_verdicts_max: 50_000, // true and false positives that count, the newest
  incident_alerts_max: 20_000, // of a tenant, the newest, of which incidents are made
  bulk_alerts_max: 200, // acted on by one request
  suppression_ms_max: 7_776_000_000, // 90 days
  suppressions_max: 1_000, // in force in one tenant at once

  // Webhooks
  subscriptions_max: 200, // of all tenants, deleted ones not counted
  webhook_ms_max: 15_000, // for one attempt, connecting and answer included
  webhook_answer_bytes_max: 65_536, // of an answer that are read
  webhook_body_bytes_max: 262_144, // of a template
  webhook_text_chars_max: 4_000, // of a title or a reason
  webhook_evidence_max: 32, // events that are named
  webhook_template_chars_max: 16_384,
  webhook_template_tags_max: 200,
  webhook_in_flight_max: 8, // requests to one target at once
  webhook_window_max: 256, // deliveries to one target that are held in memory; the others wait in the store
  webhook_waiting_max: 100_000, // deliveries that wait for one target; further ones are dead letters at once
  webhook_failures_max: 5, // in a row, before a target rests
  webhook_rest_ms_max: 60_000,
  webhook_retry_after_s_max: 86_400, // that a receiver may ask for
  mail_per_person_per_hour_max: 20, // to whom alerts and suspensions concern
  enforcement_commands_max: 10_000, // in memory; those that have ended go first
  enforcement_seconds_max: 2_592_000, // that a suspension may last: 30 days
  enforcement_callback_bytes_max: 16_384,
  enforcement_streams_max: 256,
  suspension_entries_max: 200, // of each list in a policy of suspension
  suspensions_by_policy_max: 1_000, // that a policy may allow within its time
  suspensions_tried_max: 10_000, // alerts that a policy is tried on
  outbox_records_max: 5_000, // records that wait in memory to be told of; beyond these they are read from the store

  // Producing: the wrapper and what carries its events
  wrap_message_bytes_max: 1_048_576, // a longer message is recorded with head, tail, digest and size
  wrap_head_bytes: 524_288,
  wrap_tail_bytes: 131_072,
  wrap_binary_bytes_max: 4_096, // of an image or another blob in a message; above it digest and size
  wrap_pending_max: 10_000, // requests that wait for their answer
  wrap_unreadable_max: 100, // lines that are no message, recorded in one run
  wrap_finish_ms_max: 1_000, // for delivering at the end of a run; the rest stays in the spool
  spool_bytes_max: 268_435_456, // of one run
  spool_segment_bytes_max: 8_388_608,
  producer_batch_records_max: 500,
  producer_batch_bytes_max: 2_097_152,
  producer_linger_ms: 50, // for which an event waits for others
  producer_sessions_max: 256, // whose numbering one producer holds
  erasure_ranges_max: 50_000, // in one record of an erasure; a larger one takes several records
  erasure_shown_max: 1_000, // erasures that a list shows, the last ones
  expiry_records_max: 500_000, // of a tenant that one run of retention looks at
  hold_records_max: 20_000, // of a tenant, releases among them
  otlp_records_max: 10_000, // spans or log records of one request
  otlp_attributes_max: 512, // of one record or value; further ones are left out
  hook_body_bytes_max: 8_388_608, // of what a hook of an agent's host tells
  tool_versions_shown_max: 200, // of one tool's definition
  tool_approvals_at_once_max: 500,
  rule_try_chars_max: 65_536, // of a rule that somebody tries
  rule_try_ms_max: 30_000,
  inventory_rows_max: 2_000, // agents, servers and tools that an assessment lists
  policy_calls_read_max: 100_000, // whose parameters a suggested or a tried policy looks at for destinations, the newest
  policy_lines_max: 2_000, // tools of a policy; destinations of a tool
  policy_calls_shown_max: 200, // that a policy would have blocked, the newest
  risk_half_life_days: 7, // after which what was found of somebody counts half
  accesses_remembered_max: 50_000, // readings that leave no second record within the hour
  evidence_hold_days: 90, // for which a suspension holds its session
} as const;

export type Limits = { readonly [K in keyof typeof LIMITS]: (typeof LIMITS)[K] extends number ? number : string };

/** The limits marked `core:` above: they go into the log's configuration record. */
export const CORE_LIMITS = [
  'record_bytes_max',
  'json_depth_max',
  'id_chars_max',
  'name_chars_max',
  'uri_chars_max',
  'data_sources_max',
  'tools_max',
  'field_bytes_max',
  'field_head_bytes',
  'field_tail_bytes',
  'rejected_bytes_kept_max',
  'time_ahead_ms_max',
  'time_earliest',
  'dedup_horizon_max',
  'session_gap_ms',
] as const satisfies readonly (keyof Limits)[];
