import { describe, expect, it } from 'vitest';
import { profileTool } from './capabilities.ts';

/** Tools of servers that nobody has: name, what they can do, and their description where it matters. */
type Case = readonly [name: string, expected: string, description?: string];

/** The table that the words were chosen with. */
const TUNED: readonly Case[] = [
  // A marina
  ['list_berths', ''],
  ['reserve_berth', 'write'],
  ['berth_release', 'write'],
  ['tide_forecast', ''],
  ['get_skipper_phone_numbers', 'sensitive_read'],
  ['radio_broadcast', 'write egress'],
  ['crane_emergency_stop', 'write'],
  ['vesselLookup', ''],
  ['purge_mooring_history', 'write destructive'],
  ['harbour_notice_publish', 'write egress'],
  // A home of Acme
  ['AcmeLockUnlockDoor', 'write'],
  ['AcmeLockGetHistory', 'sensitive_read'],
  ['AcmeLockGrantGuestAccess', 'write auth'],
  ['AcmeLockRevokeGuest', 'write auth'],
  ['AcmeCameraGetSnapshot', 'sensitive_read'],
  ['AcmeCameraShareClip', 'write egress'],
  ['AcmeAlarmDisarm', 'write'],
  ['AcmeThermostatSetTarget', 'write'],
  ['AcmeHubRestart', 'write'],
  ['AcmeHubListDevices', ''],
  ['AcmeGarageAddScheduledOpening', 'write persist'],
  // Shells and files under other names
  ['rm', 'write destructive'],
  ['ls', ''],
  ['cp', 'write'],
  ['mv', 'write'],
  ['cat', 'untrusted_source'],
  ['grep', 'untrusted_source'],
  ['mkdir', 'write'],
  ['chmod', 'write auth'],
  ['bash', 'exec write'],
  ['run_shell', 'exec write'],
  ['execute_python', 'exec write'],
  ['terminal_exec', 'exec write'],
  ['kubectl_apply', 'write'],
  ['helm_upgrade', 'write'],
  ['kubectl_delete', 'write destructive'],
  ['kubectl_exec', 'exec write'],
  ['docker_run', 'exec write'],
  ['npm_install', 'exec write'],
  ['ssh_connect', 'exec egress write'],
  // The web
  ['http_get', 'untrusted_source egress'],
  ['http_post', 'write egress'],
  ['curl', 'untrusted_source egress'],
  ['wget', 'untrusted_source egress'],
  ['open_url', 'untrusted_source egress'],
  ['web_lookup', 'untrusted_source'],
  ['scrapePage', 'untrusted_source egress'],
  ['download_file', 'untrusted_source'],
  ['webhook_call', 'write egress'],
  // A clinic
  ['get_patient_chart', 'sensitive_read'],
  ['find_lab_results', 'sensitive_read'],
  ['appointment_book', 'write'],
  ['prescription_refill', 'write'],
  ['fax_referral', 'write egress'],
  ['list_allergies', 'sensitive_read'],
  ['medical_record_delete', 'write destructive'],
  // People and pay
  ['GetEmployeeSalary', 'sensitive_read'],
  ['run_payroll', 'write'],
  ['list_open_positions', ''],
  ['terminate_employment', 'write destructive'],
  ['candidate_notes', 'sensitive_read untrusted_source'],
  // Money
  ['get_account_balance', 'sensitive_read'],
  ['transfer_funds', 'write egress'],
  ['pay_invoice', 'write egress'],
  ['list_transactions', 'sensitive_read'],
  ['refund_order', 'write egress'],
  ['issue_payout', 'write egress'],
  ['freeze_card', 'write'],
  ['get_exchange_rate', ''],
  // Mail, chat, issues
  ['read_inbox', 'untrusted_source sensitive_read'],
  ['mail_search', 'untrusted_source sensitive_read'],
  ['reply_to_customer', 'write egress'],
  ['post_comment', 'write egress'],
  ['fetch_ticket', 'untrusted_source'],
  ['list_reviews', 'untrusted_source'],
  ['get_voicemail_transcript', 'untrusted_source sensitive_read'],
  ['create_forwarding_rule', 'write persist egress'],
  ['set_auto_reply', 'write persist'],
  ['invite_collaborator', 'write egress auth'],
  ['share_document', 'write egress'],
  // Secrets and identity
  ['get_api_key', 'secret_read'],
  ['read_env_vars', 'secret_read'],
  ['list_secret_names', ''],
  ['vault_read', 'secret_read'],
  ['show_password', 'secret_read'],
  ['rotate_credentials', 'write auth'],
  ['create_access_token', 'write auth secret_read'],
  ['add_ssh_key', 'write auth persist'],
  ['reset_password', 'write auth'],
  ['login', 'auth'],
  ['count_tokens', ''],
  ['tokenize_text', ''],
  // Memory
  ['remember_fact', 'write memory_write'],
  ['memory_store', 'write memory_write'],
  ['recall_memories', 'untrusted_source'],
  ['forget', 'write memory_write destructive'],
  ['save_to_knowledge_base', 'write memory_write'],
  // Data stores
  ['run_sql', 'sensitive_read write'],
  ['query_database', 'sensitive_read'],
  ['dump_table', 'sensitive_read'],
  ['drop_collection', 'write destructive'],
  ['upsert_rows', 'write'],
  ['describe_table', ''],
  // Clouds and plants
  ['s3_upload', 'write egress'],
  ['ec2_terminate_instances', 'write destructive'],
  ['deploy_service', 'write'],
  ['add_cron_job', 'write persist'],
  ['register_webhook', 'write persist egress'],
  ['enable_backup', 'write'],
  ['greenhouse_open_vents', 'write'],
  ['telescope_point', 'write'],
  ['kiln_temperature', ''],
  ['frobnicate', 'unknown'],
  ['zorb', 'unknown'],
  ['zorb', '', 'Returns the number of zorbs in stock.'],
  ['guest_access', 'write egress auth', 'Invites a guest to the door.'],
  ['beacon', 'write egress', 'Sends a message to the given address.'],
  ['ledger', 'sensitive_read', 'Retrieves bank statements of a customer.'],
];

/** A second table, written together with the first and never looked at while the words were chosen. */
const HELD_OUT: readonly Case[] = [
  // A library and an archive
  ['loan_renew', 'write'],
  ['catalogue_search', ''],
  ['get_reader_profile', 'sensitive_read'],
  ['waive_fine', 'write'],
  ['mail_overdue_notice', 'write egress'],
  ['purge_old_loans', 'write destructive'],
  ['export_readers_csv', 'write egress'],
  // A brewery
  ['BrewCoTankGetTemperature', ''],
  ['BrewCoTankDrain', 'write destructive'],
  ['BrewCoRecipeUpdate', 'write'],
  ['start_fermentation', 'write'],
  ['order_hops', 'write'],
  // A school
  ['list_pupil_grades', 'sensitive_read'],
  ['notify_parents', 'write egress'],
  ['enrol_pupil', 'write'],
  ['timetable_show', ''],
  ['get_counsellor_notes', 'sensitive_read untrusted_source'],
  // A courier
  ['track_parcel', ''],
  ['dispatch_driver', 'write egress'],
  ['cancel_pickup', 'write destructive'],
  ['get_recipient_address', 'sensitive_read'],
  ['print_label', 'write'],
  ['route_optimise', ''],
  // A town
  ['submit_permit', 'write egress'],
  ['permit_status', ''],
  ['residents_lookup', 'sensitive_read'],
  ['council_minutes_fetch', 'untrusted_source'],
  ['approve_request', 'write'],
  // Machines
  ['sh', 'exec write'],
  ['powershell_invoke', 'exec write'],
  ['eval_js', 'exec write'],
  ['write_textfile', 'write'],
  ['tail_log', 'untrusted_source'],
  ['find_in_files', 'untrusted_source'],
  ['touch', 'write'],
  ['rmdir', 'write destructive'],
  ['systemctl_enable', 'write persist'],
  ['kill_process', 'write destructive'],
  ['scp_put', 'write egress'],
  ['ping_host', 'egress untrusted_source'],
  ['dns_resolve', ''],
  // Insurance
  ['claim_get', 'sensitive_read'],
  ['claim_file', 'write'],
  ['policy_terminate', 'write destructive'],
  ['quote_premium', ''],
  ['beneficiary_change', 'write'],
  // Identity
  ['assume_role', 'auth'],
  ['add_user_to_group', 'write auth'],
  ['list_permissions', ''],
  ['get_totp_code', 'secret_read'],
  ['generate_keypair', 'write'],
  ['fetch_credentials', 'secret_read'],
  ['whoami', ''],
  // Social
  ['tweet', 'write egress'],
  ['timeline_read', 'untrusted_source'],
  ['get_direct_messages', 'untrusted_source sensitive_read'],
  ['follow_user', 'write'],
  ['delete_post', 'write destructive'],
  ['call_contact', 'write egress'],
  ['sms_gateway_send', 'write egress'],
  // Stores of knowledge
  ['vector_search', ''],
  ['notes_append', 'write'],
  ['learn_preference', 'write memory_write'],
  ['wiki_page_get', 'untrusted_source'],
  ['summarise_document', 'untrusted_source'],
  ['translate_text', ''],
  ['convert_currency', ''],
  ['plot_chart', ''],
  ['garage', 'write', 'Opens or closes the garage door.'],
  ['courier', 'write egress', 'Dispatches a parcel to a recipient.'],
  ['chart', 'sensitive_read', 'Returns the medical chart of a patient.'],
];

function right([name, expected, description]: Case): boolean {
  const definition = description === undefined ? undefined : { name, description };
  const found = [...profileTool(name, definition).capabilities].sort().join(' ');
  return found === expected.split(' ').filter(Boolean).sort().join(' ');
}

function shareOf(cases: readonly Case[]): number {
  return cases.filter(right).length / cases.length;
}

describe('tools that no file lists', () => {
  it.each(TUNED.map(([name, expected, description]) => ({ name, expected, description })))(
    '$name can do: $expected',
    (tool) => {
      const { name, expected, description } = tool;
      const definition = description === undefined ? undefined : { name, description };
      const found = [...profileTool(name, definition).capabilities].sort();
      expect(found).toEqual(expected.split(' ').filter(Boolean).sort());
    },
  );

  it('are judged right in most cases when the words were not chosen with them', () => {
    expect(shareOf(HELD_OUT)).toBeGreaterThanOrEqual(0.8);
  });
});

describe('names that objects have of their own', () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])(
    '%s is a tool like any other',
    (name) => {
      expect(() => profileTool(name)).not.toThrow();
    },
  );
});
