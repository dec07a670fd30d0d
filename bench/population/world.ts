/** The made-up company of the population: its tools, the tasks of its roles, its calendar. Nothing here knows of a detector. */

/** How a tool's calls look: what its parameters hold, and how much goes in and out. */
export interface Tool {
  server: string;
  tool: string;
  /** What of: a resource to read, a place to send to, a question, or an inner write. */
  kind: 'read' | 'list' | 'send' | 'write';
  /** Where something is sent to, as the parameter shows it. */
  way?: 'mail' | 'share' | 'upload';
  /** Typical size of the parameters and of the result, in bytes, and rows of the result. */
  out_bytes: number;
  in_bytes: number;
  rows: number;
  /** What resources it touches. */
  about: 'project' | 'customers' | 'accounts' | 'people' | 'tickets' | 'pages' | 'none';
}

const TOOL_ROWS: readonly (readonly [string, Tool['kind'], Tool['about'], number, number, number, Tool['way']?])[] = [
  ['repo.search_code', 'list', 'project', 180, 6_000, 20],
  ['repo.read_file', 'read', 'project', 140, 9_000, 1],
  ['repo.write_file', 'write', 'project', 4_000, 200, 0],
  ['repo.create_branch', 'write', 'project', 160, 150, 0],
  ['repo.open_pull_request', 'write', 'project', 1_500, 400, 0],
  ['builds.list_runs', 'list', 'none', 120, 5_000, 30],
  ['builds.read_log', 'read', 'project', 130, 30_000, 1],
  ['deploy.start_rollout', 'write', 'project', 300, 300, 0],
  ['deploy.read_status', 'read', 'project', 110, 900, 1],
  ['metrics.query_series', 'list', 'none', 220, 12_000, 300],
  ['tickets.list_tickets', 'list', 'none', 150, 8_000, 25],
  ['tickets.read_ticket', 'read', 'tickets', 110, 3_500, 1],
  ['tickets.add_comment', 'write', 'tickets', 900, 150, 0],
  ['crm.find_customer', 'list', 'none', 130, 2_000, 5],
  ['crm.read_customer', 'read', 'customers', 120, 2_800, 1],
  ['crm.update_customer', 'write', 'customers', 700, 200, 0],
  ['crm.export_segment', 'list', 'none', 260, 60_000, 400],
  ['wiki.search_pages', 'list', 'none', 140, 4_000, 10],
  ['wiki.read_page', 'read', 'pages', 110, 7_000, 1],
  ['wiki.edit_page', 'write', 'pages', 5_000, 200, 0],
  ['mail.search_mail', 'list', 'none', 150, 6_000, 20],
  ['mail.read_mail', 'read', 'none', 110, 4_000, 1],
  ['mail.send_mail', 'send', 'none', 6_000, 200, 0, 'mail'],
  ['drive.list_folder', 'list', 'project', 130, 3_000, 30],
  ['drive.read_document', 'read', 'project', 120, 20_000, 1],
  ['drive.write_document', 'write', 'project', 9_000, 200, 0],
  ['drive.share_document', 'send', 'project', 15_000, 250, 0, 'share'],
  ['web.upload_file', 'send', 'project', 40_000, 300, 0, 'upload'],
  ['ledger.list_entries', 'list', 'accounts', 190, 14_000, 120],
  ['ledger.read_account', 'read', 'accounts', 120, 3_000, 1],
  ['ledger.post_entry', 'write', 'accounts', 500, 200, 0],
  ['invoices.read_invoice', 'read', 'customers', 120, 5_000, 1],
  ['invoices.send_invoice', 'send', 'customers', 9_000, 250, 0, 'mail'],
  ['warehouse.describe_table', 'list', 'none', 120, 2_500, 30],
  ['warehouse.run_query', 'list', 'none', 700, 40_000, 800],
  ['warehouse.read_table', 'read', 'project', 160, 60_000, 1_500],
  ['charts.draw_chart', 'write', 'project', 3_000, 2_000, 0],
  ['people.find_person', 'list', 'none', 120, 1_500, 4],
  ['people.read_record', 'read', 'people', 120, 2_500, 1],
  ['people.update_record', 'write', 'people', 700, 200, 0],
  ['calendar.list_events', 'list', 'none', 120, 3_000, 12],
  ['calendar.create_event', 'write', 'none', 500, 200, 0],
  ['contracts.search_contracts', 'list', 'none', 170, 5_000, 15],
  ['contracts.read_contract', 'read', 'customers', 120, 45_000, 1],
  ['contracts.compare_versions', 'read', 'customers', 300, 15_000, 1],
  ['chat.post_note', 'write', 'none', 600, 150, 0],
  // Rolled out to a team while the population is watched.
  ['review.check_change', 'read', 'project', 400, 6_000, 1],
  ['review.suggest_fix', 'write', 'project', 2_500, 500, 0],
  ['forecast.run_model', 'list', 'none', 900, 9_000, 60],
  ['forecast.read_scenario', 'read', 'project', 130, 5_000, 1],
  ['assist.draft_reply', 'write', 'tickets', 1_800, 1_500, 0],
  ['assist.find_similar', 'list', 'tickets', 300, 6_000, 10],
];

/** All tools, by `server.tool`. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map(
  TOOL_ROWS.map(([name, kind, about, out_bytes, in_bytes, rows, way]) => {
    const [server = '', tool = ''] = name.split('.');
    return [name, { server, tool, kind, about, out_bytes, in_bytes, rows, ...(way && { way }) }];
  }),
);

export interface Role {
  name: string;
  share: number;
  agent: string;
  /** Tasks as steps in their order. `?` may be left out, `*` comes one to four times. */
  tasks: readonly string[];
  /** Projects that one person works on at a time. */
  projects: number;
  /** Days of the month on which everybody in the role has more to do, and how much more. */
  peak?: { from: number; to: number; factor: number };
  /** Takes turns in being there outside of hours. */
  on_call?: true;
}

export const ROLES: readonly Role[] = [
  {
    name: 'engineer',
    share: 0.26,
    agent: 'code-assistant',
    projects: 2,
    on_call: true,
    tasks: [
      'tickets.read_ticket repo.search_code* repo.read_file* repo.write_file* builds.list_runs? repo.open_pull_request',
      'builds.list_runs builds.read_log* repo.read_file* repo.write_file? chat.post_note?',
      'wiki.search_pages wiki.read_page* repo.search_code? repo.read_file*',
      'repo.create_branch repo.read_file* repo.write_file* repo.open_pull_request chat.post_note?',
      'metrics.query_series* deploy.read_status builds.read_log? tickets.add_comment?',
      'drive.read_document? wiki.edit_page wiki.read_page? mail.send_mail?',
    ],
  },
  {
    name: 'operations',
    share: 0.1,
    agent: 'ops-assistant',
    projects: 2,
    on_call: true,
    tasks: [
      'metrics.query_series* deploy.read_status* tickets.add_comment?',
      'tickets.list_tickets tickets.read_ticket deploy.read_status deploy.start_rollout metrics.query_series*',
      'builds.list_runs builds.read_log deploy.start_rollout deploy.read_status* chat.post_note',
      'wiki.search_pages wiki.read_page metrics.query_series tickets.add_comment web.upload_file?',
    ],
  },
  {
    name: 'support',
    share: 0.18,
    agent: 'desk-assistant',
    projects: 1,
    tasks: [
      'tickets.list_tickets tickets.read_ticket* crm.find_customer crm.read_customer wiki.search_pages? mail.send_mail',
      'tickets.read_ticket wiki.search_pages wiki.read_page* tickets.add_comment mail.send_mail?',
      'mail.search_mail mail.read_mail* crm.read_customer crm.update_customer tickets.add_comment?',
      'tickets.list_tickets tickets.read_ticket* tickets.add_comment* chat.post_note?',
      'invoices.read_invoice crm.read_customer mail.send_mail drive.share_document?',
    ],
  },
  {
    name: 'sales',
    share: 0.14,
    agent: 'desk-assistant',
    projects: 2,
    tasks: [
      'crm.find_customer crm.read_customer* mail.search_mail? mail.send_mail*',
      'calendar.list_events crm.read_customer drive.read_document* drive.share_document',
      'crm.export_segment? crm.read_customer* mail.send_mail* crm.update_customer*',
      'contracts.search_contracts contracts.read_contract mail.send_mail crm.update_customer',
      'drive.list_folder drive.read_document drive.write_document drive.share_document?',
    ],
    peak: { from: 24, to: 31, factor: 1.6 },
  },
  {
    name: 'finance',
    share: 0.1,
    agent: 'office-assistant',
    projects: 1,
    tasks: [
      'ledger.list_entries ledger.read_account* ledger.post_entry*',
      'invoices.read_invoice* ledger.read_account invoices.send_invoice*',
      'warehouse.run_query* ledger.list_entries drive.write_document drive.share_document?',
      'mail.search_mail mail.read_mail* invoices.read_invoice ledger.post_entry mail.send_mail?',
    ],
    peak: { from: 1, to: 5, factor: 2.1 },
  },
  {
    name: 'analyst',
    share: 0.11,
    agent: 'data-assistant',
    projects: 3,
    tasks: [
      'warehouse.describe_table* warehouse.run_query* charts.draw_chart* drive.write_document?',
      'warehouse.read_table* warehouse.run_query* drive.write_document mail.send_mail?',
      'metrics.query_series* charts.draw_chart drive.share_document?',
      'wiki.search_pages wiki.read_page warehouse.run_query* chat.post_note?',
      'warehouse.run_query web.upload_file drive.list_folder?',
    ],
  },
  {
    name: 'people',
    share: 0.05,
    agent: 'office-assistant',
    projects: 1,
    tasks: [
      'people.find_person people.read_record* people.update_record?',
      'mail.search_mail mail.read_mail* people.read_record calendar.create_event mail.send_mail',
      'calendar.list_events calendar.create_event* mail.send_mail?',
      'drive.read_document* drive.write_document drive.share_document?',
    ],
  },
  {
    name: 'legal',
    share: 0.06,
    agent: 'office-assistant',
    projects: 2,
    tasks: [
      'contracts.search_contracts contracts.read_contract* contracts.compare_versions* drive.write_document?',
      'mail.search_mail mail.read_mail contracts.read_contract drive.read_document* mail.send_mail',
      'wiki.search_pages wiki.read_page* drive.write_document drive.share_document?',
      'crm.find_customer crm.read_customer contracts.read_contract mail.send_mail?',
    ],
  },
];

/** What a team gets while the population is watched. */
export const ROLLOUTS: readonly { role: string; day: number; tasks: readonly string[] }[] = [
  {
    role: 'engineer',
    day: 36,
    tasks: ['review.check_change* review.suggest_fix* repo.write_file repo.open_pull_request?'],
  },
  { role: 'finance', day: 41, tasks: ['forecast.run_model* forecast.read_scenario* drive.write_document?'] },
  { role: 'support', day: 46, tasks: ['tickets.read_ticket assist.find_similar assist.draft_reply* mail.send_mail'] },
];

/** Midnight UTC of day 0, a Monday. */
export const FIRST_DAY_MS = Date.UTC(2026, 0, 5);
export const DAY_MS = 86_400_000;
export const DAYS = 60;

/** Where people sit: hours from UTC, and the days on which nobody works there. */
export const OFFICES = [
  { offset_hours: 0, holidays: [1, 42] },
  { offset_hours: 1, holidays: [1, 44] },
  { offset_hours: -5, holidays: [14, 42] },
] as const;

/** 0 is Monday. */
export function weekday(day: number): number {
  return day % 7;
}

export function dayOfMonth(day: number): number {
  return new Date(FIRST_DAY_MS + day * DAY_MS).getUTCDate();
}

/** The first of a tool's names, split into its steps with their marks. */
export function stepsOf(task: string): { name: string; optional: boolean; repeated: boolean }[] {
  return task.split(' ').map((step) => ({
    name: step.replace(/[?*]$/, ''),
    optional: step.endsWith('?'),
    repeated: step.endsWith('*'),
  }));
}

/** The tools of all tasks of a role, each once. */
export function toolsOfRole(role: Role): string[] {
  return [...new Set(role.tasks.flatMap((task) => stepsOf(task).map(({ name }) => name)))];
}
