/**
 * The least policy that covers what a role, or one user, was seen to need: each line with its reason and its evidence.
 * What was seen once, by one person alone or only beside an alert stands apart. Pure.
 */
import { LIMITS } from '../../core/limits.ts';
import type { CallCounts, CallRow, CallTotals, UsedTool } from '../../core/store/queries/policy.ts';
import { CAPABILITIES, type ToolProfile } from '../../detectors/catalog/capability.ts';
import { destinationsOfCall } from './call_destinations.ts';
import { type Evidence, POLICY_SCHEMA_VERSION, type RefusedLine, type ToolPolicy } from './tool_policy.ts';

export interface Seen {
  tenant: string;
  role: string;
  user: string;
  from_ms: number;
  to_ms: number;
  totals: CallTotals;
  tools: readonly UsedTool[];
  destinations: DestinationCounter;
  profileOf(server: string, tool: string): ToolProfile;
}

const SHOWN_NAMES = 3;
const timeOf = (ms: number) => new Date(ms).toISOString();
const many = (count: number, of: string) => `${count} ${of}${count === 1 ? '' : 's'}`;

/** What was counted of one destination of one tool, with the calls beside alerts apart. */
interface DestinationCounts extends CallCounts {
  all_calls: number;
  any_example: string;
}

type OfTool = Map<string, { row: DestinationCounts; sessions: Set<string>; users: Set<string> }>;

/** Counts the destinations of calls as they are read, the newest call first. */
export class DestinationCounter {
  calls_read = 0;
  calls_without_parameters = 0;
  private readonly of_tool = new Map<
    string,
    Map<string, { row: DestinationCounts; sessions: Set<string>; users: Set<string> }>
  >();

  add(call: CallRow, profile: ToolProfile): void {
    this.calls_read++;
    if (call.params === '') this.calls_without_parameters++;
    const key = JSON.stringify([call.server, call.tool]);
    for (const to of destinationsOfCall(profile, call.params)) {
      const known: OfTool = this.of_tool.get(key) ?? new Map();
      this.of_tool.set(key, known);
      if (!known.has(to) && known.size >= LIMITS.policy_lines_max) continue;
      this.count(known, to, call);
    }
  }

  /** By the destination's name; undefined where no call of the tool named one. */
  of(server: string, tool: string): [string, DestinationCounts][] | undefined {
    const known = this.of_tool.get(JSON.stringify([server, tool]));
    if (known === undefined) return undefined;
    const rows = [...known].map(([to, { row, sessions, users }]): [string, DestinationCounts] => [
      to,
      { ...row, sessions: sessions.size, users: users.size },
    ]);
    return rows.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  private count(known: OfTool, to: string, { event_id, session_id, user_id, time_ms, alerted }: CallRow): void {
    const none = { calls: 0, sessions: 0, users: 0, first_ms: 0, last_ms: 0, example: '', all_calls: 0 };
    const entry = known.get(to) ?? { row: { ...none, any_example: event_id }, sessions: new Set(), users: new Set() };
    known.set(to, entry);
    const { row } = entry;
    row.all_calls++;
    if (alerted) return;
    if (row.calls === 0) Object.assign(row, { example: event_id, first_ms: time_ms, last_ms: time_ms });
    row.calls++;
    row.first_ms = Math.min(row.first_ms, time_ms);
    row.last_ms = Math.max(row.last_ms, time_ms);
    entry.sessions.add(session_id);
    if (user_id !== '') entry.users.add(user_id);
  }
}

/** The policy that a person reviews before anything enforces it. */
export function suggestPolicy(seen: Seen): ToolPolicy {
  const { tenant, role, user, from_ms, to_ms, totals, destinations } = seen;
  const not_suggested: RefusedLine[] = [];
  const allow = new Map<string, { tools: ToolPolicy['allow'][number]['tools']; rows: UsedTool[] }>();
  for (const row of seen.tools) {
    const { server, tool } = row;
    const because = refusal(row, user);
    if (because !== undefined) {
      not_suggested.push(refused({ server, tool }, because, row));
      continue;
    }
    const entry = allow.get(server) ?? { tools: [], rows: [] };
    allow.set(server, entry);
    entry.rows.push(row);
    entry.tools.push({
      tool,
      reason: reasonOf(row, seen),
      evidence: evidenceOf(row),
      ...destinationsFor(row, seen, not_suggested),
    });
  }
  return {
    schema_version: POLICY_SCHEMA_VERSION,
    role,
    user,
    based_on: {
      tenant,
      from: timeOf(from_ms),
      to: timeOf(to_ms),
      calls: totals.calls,
      sessions: totals.sessions,
      users: totals.users,
      calls_left_out: totals.alerted_calls,
      sessions_left_out: totals.alerted_sessions,
      calls_read: destinations.calls_read,
      calls_without_parameters: destinations.calls_without_parameters,
    },
    allow: [...allow].map(([server, { tools, rows }]) => ({ server, reason: serverReason(rows), tools })),
    not_suggested,
  };
}

/** Which destinations a tool keeps. One that names none anywhere is not limited. */
function destinationsFor(
  { server, tool }: UsedTool,
  { user, destinations }: Seen,
  not_suggested: RefusedLine[],
): Pick<ToolPolicy['allow'][number]['tools'][number], 'destinations'> {
  const rows = destinations.of(server, tool);
  if (rows === undefined) return {};
  const kept = [];
  for (const [to, row] of rows) {
    const because = refusal(row, user);
    if (because !== undefined) not_suggested.push(refused({ server, tool, to }, because, row));
    else kept.push({ to, reason: `named in ${countsOf(row)}`, evidence: evidenceOf(row) });
  }
  return { destinations: kept };
}

/** Why a line is not suggested, or undefined. Nobody stands for a whole role alone, and no session for a user. */
function refusal({ calls, users, sessions }: CallCounts, user: string): RefusedLine['because'] | undefined {
  if (calls === 0) return 'alert';
  if (calls === 1) return 'once';
  if (user === '' && users <= 1) return 'one_user';
  if (user !== '' && sessions <= 1) return 'one_session';
  return undefined;
}

const WHY: Record<RefusedLine['because'], string> = {
  alert: 'seen only in sessions with an alert that is open or was not found harmless',
  once: 'seen only once outside of sessions with such alerts',
  one_user: 'seen of one user only',
  one_session: 'seen in one session only',
};

function refused(
  line: { server: string; tool: string; to?: string },
  because: RefusedLine['because'],
  row: DestinationCounts | UsedTool,
): RefusedLine {
  const beside = row.all_calls - row.calls;
  const more =
    because !== 'alert' && beside > 0 ? `; ${many(beside, 'further call')} in sessions with such alerts` : '';
  const evidence =
    because === 'alert' ? { ...evidenceOf(row), calls: row.all_calls, example: row.any_example } : evidenceOf(row);
  return { ...line, because, reason: `${WHY[because]}${more}`, evidence };
}

function evidenceOf({ calls, sessions, users, first_ms, last_ms, example }: CallCounts): Evidence {
  const [first, last] = calls === 0 ? ['', ''] : [timeOf(first_ms), timeOf(last_ms)];
  return { calls, sessions, users, first, last, example };
}

function countsOf({ calls, sessions, users }: CallCounts): string {
  return `${many(calls, 'call')} of ${many(users, 'user')} in ${many(sessions, 'session')}`;
}

function reasonOf(row: UsedTool, { totals, profileOf }: Seen): string {
  const { capabilities } = profileOf(row.server, row.tool);
  const can = CAPABILITIES.filter((each) => capabilities.has(each) && each !== 'unknown');
  const what = capabilities.has('unknown') ? 'no file says what it can do' : `it can ${can.join(', ') || 'read'}`;
  return `${countsOf(row)}, of ${many(totals.users, 'user')} in all; ${what}`;
}

function serverReason(rows: readonly UsedTool[]): string {
  const most = [...rows].sort((a, b) => b.calls - a.calls).slice(0, SHOWN_NAMES);
  const calls = rows.reduce((sum, row) => sum + row.calls, 0);
  return `${many(calls, 'call')} of ${many(rows.length, 'tool')}, most of them ${most.map(({ tool }) => tool).join(', ')}`;
}
