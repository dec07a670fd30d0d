/** Every maximum of the rule language, with its unit in its name. */
export const RULE_LIMITS = {
  // A file
  file_chars_max: 262_144,
  documents_max: 100,
  depth_max: 32,
  nesting_max: 200, // brackets, or columns of indentation, that the YAML reader is given to see
  aliases_max: 50,
  nodes_max: 50_000, // after aliases are followed
  errors_max: 100, // told for one file

  // A rule
  text_chars_max: 65_535, // of a description
  title_chars_max: 256,
  id_chars_max: 200,
  list_items_max: 100, // tags, references, runbook ...
  selections_max: 64,
  values_max: 2_000,
  tests_max: 10_000, // once every value is written out
  value_chars_max: 1_024,
  glob_chars_max: 256, // of a text with wildcards inside
  field_chars_max: 256,
  regex_chars_max: 2_000,
  regex_program_max: 500, // instructions of the compiled expression
  condition_chars_max: 4_096,
  windash_places_max: 3,
  sources_max: 16,
  steps_max: 16,
  min_count_max: 16,
  places_max: 32, // steps, each as often as its min_count
  group_fields_max: 8,
  chain_max: 8, // correlations on top of each other
  timespan_days_max: 366,
  session_chain_max: 1_000,
  examples_max: 50,
  example_events_max: 200,

  // A set
  rules_max: 5_000,

  // Matching
  field_values_max: 256,
  field_depth_max: 16,
  regex_text_chars_max: 262_144,

  // The stream
  rows_per_key_max: 10_000,
  rows_max: 200_000,
  search_rows_max: 50_000, // looked at for one anchor
  late_search_rows_max: 500_000, // looked at for one late event
  keys_per_field_max: 16,
  keys_per_row_max: 256,
  pending_max: 10_000, // matches waiting for a deadline
  suppressions_per_rule_max: 10_000,
  tenants_max: 100_000,
  match_events_max: 100,
  late_ms_max: 60_000, // rows are kept for so much longer than their timespan
  key_chars_max: 256, // longer values are known by their digest
} as const;

export type RuleLimits = { readonly [K in keyof typeof RULE_LIMITS]: number };
