/** Names of fields that the query bar offers. A test compares them with those of the language. */

export const ALERT_FIELDS =
  'alert_id seq rule_id rule_version severity risk status verdict owner owner_id note title reason session_id user_id agent time raised_at status_since version tags added_tags'.split(
    ' ',
  );

export const ACTION_FIELDS = 'action_id seq type time actor actor_name session_id user_id subject query'.split(' ');

export const SESSION_FIELDS =
  'session_id session_source user_id user_role agent client server tool events calls errors prompts first_time last_time risk alerts'.split(
    ' ',
  );
