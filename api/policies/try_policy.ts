/** What a policy would have blocked in a period, counted by tool and by user, with the calls. Pure. */
import { LIMITS } from '../../core/limits.ts';
import type { CallRow, UnnamedTool, UnnamedTotals, UserCalls } from '../../core/store/queries/policy.ts';
import type { ToolProfile } from '../../detectors/catalog/capability.ts';
import { destinationsOfCall } from './call_destinations.ts';
import { allowsDestination, type ToolPolicy } from './tool_policy.ts';

const EXAMPLES = 5;

export interface BlockedLine {
  server: string;
  tool: string;
  /** What the policy does not name: the server, the tool, or a destination of the call. */
  by: 'server' | 'tool' | 'destination';
  to: string;
  calls: number;
  /** Of these, in sessions with an alert that nobody found harmless. */
  alerted_calls: number;
  users: number;
  sessions: number;
  examples: string[];
}

export interface BlockedCall {
  event_id: string;
  session_id: string;
  user_id: string;
  server: string;
  tool: string;
  by: BlockedLine['by'];
  to: string;
  time: string;
  alerted: boolean;
}

export interface Trial {
  calls: number;
  blocked: number;
  blocked_alerted: number;
  calls_read: number;
  calls_without_parameters: number;
  by_tool: BlockedLine[];
  by_user: { user_id: string; calls: number; blocked: number }[];
  events: BlockedCall[];
}

/** Tools whose destinations a policy limits, as lists that stand beside each other. */
export function limitedTools(policy: ToolPolicy): { servers: string[]; tools: string[] } {
  return pairsOf(policy, (line) => line.destinations !== undefined);
}

/** The tools that a policy names. */
export function namedTools(policy: ToolPolicy): { servers: string[]; tools: string[] } {
  return pairsOf(policy, () => true);
}

type ToolLine = ToolPolicy['allow'][number]['tools'][number];

function pairsOf(policy: ToolPolicy, holds: (line: ToolLine) => boolean): { servers: string[]; tools: string[] } {
  const pairs = policy.allow.flatMap(({ server, tools }) =>
    tools.filter(holds).map(({ tool }) => [server, tool] as const),
  );
  return { servers: pairs.map(([server]) => server), tools: pairs.map(([, tool]) => tool) };
}

interface Unnamed {
  tools: readonly UnnamedTool[];
  users: readonly UserCalls[];
  totals: UnnamedTotals;
  events: readonly Omit<CallRow, 'params'>[];
}

/** Puts what the policy does not name at all, and calls to destinations that it does not name, together. */
export class PolicyTrial {
  private readonly lines = new Map<string, ToolLine>();
  private readonly servers: ReadonlySet<string>;
  private readonly by_destination = new Map<
    string,
    BlockedLine & { of_users: Set<string>; of_sessions: Set<string> }
  >();
  private readonly of_user = new Map<string, number>();
  private readonly events: BlockedCall[] = [];
  private blocked = 0;
  private blocked_alerted = 0;
  private calls_read = 0;
  private calls_without_parameters = 0;

  constructor(policy: ToolPolicy) {
    this.servers = new Set(policy.allow.map(({ server }) => server));
    for (const { server, tools } of policy.allow) {
      for (const line of tools) this.lines.set(JSON.stringify([server, line.tool]), line);
    }
  }

  /** A call of a tool whose destinations are limited. It is blocked once, by the first destination that is not named. */
  add(call: CallRow, profile: ToolProfile): void {
    this.calls_read++;
    if (call.params === '') this.calls_without_parameters++;
    const allowed = this.lines.get(JSON.stringify([call.server, call.tool]))?.destinations ?? [];
    const to = destinationsOfCall(profile, call.params).find((each) => !allowsDestination(allowed, each));
    if (to === undefined) return;
    this.blocked++;
    if (call.alerted) this.blocked_alerted++;
    this.of_user.set(call.user_id, (this.of_user.get(call.user_id) ?? 0) + 1);
    this.countDestination(call, to);
    if (this.events.length < LIMITS.policy_calls_shown_max) this.events.push(this.shown(call, 'destination', to));
  }

  /** With what was counted of tools that the policy does not name. */
  finish({ tools, users, totals, events }: Unnamed): Trial {
    const by = (server: string) => (this.servers.has(server) ? ('tool' as const) : ('server' as const));
    const unnamed_lines = tools.map((row): BlockedLine => ({ ...row, by: by(row.server), to: '' }));
    const shown = [...this.events, ...events.map((call) => this.shown(call, by(call.server), ''))];
    const by_user = users
      .map(({ user_id, calls: all, unnamed: of_tools }) => ({
        user_id,
        calls: all,
        blocked: of_tools + (this.of_user.get(user_id) ?? 0),
      }))
      .filter(({ blocked }) => blocked > 0);
    return {
      calls: totals.calls,
      blocked: totals.unnamed + this.blocked,
      blocked_alerted: totals.unnamed_alerted + this.blocked_alerted,
      calls_read: this.calls_read,
      calls_without_parameters: this.calls_without_parameters,
      by_tool: [...unnamed_lines, ...this.destinationLines()].sort((a, b) => b.calls - a.calls || order(a, b)),
      by_user: by_user.sort((a, b) => b.blocked - a.blocked || (a.user_id < b.user_id ? -1 : 1)),
      events: shown.sort((a, b) => (a.time < b.time ? 1 : -1)).slice(0, LIMITS.policy_calls_shown_max),
    };
  }

  private countDestination(call: CallRow, to: string): void {
    const { server, tool } = call;
    const key = JSON.stringify([server, tool, to]);
    const line = this.by_destination.get(key) ?? {
      ...{ server, tool, by: 'destination' as const, to, calls: 0, alerted_calls: 0, users: 0, sessions: 0 },
      examples: [],
      of_users: new Set<string>(),
      of_sessions: new Set<string>(),
    };
    if (!this.by_destination.has(key) && this.by_destination.size >= LIMITS.policy_lines_max) return;
    this.by_destination.set(key, line);
    line.calls++;
    if (call.alerted) line.alerted_calls++;
    if (call.user_id !== '') line.of_users.add(call.user_id);
    line.of_sessions.add(call.session_id);
    if (line.examples.length < EXAMPLES) line.examples.push(call.event_id);
  }

  private destinationLines(): BlockedLine[] {
    return [...this.by_destination.values()].map(({ of_users, of_sessions, ...line }) => ({
      ...line,
      users: of_users.size,
      sessions: of_sessions.size,
    }));
  }

  private shown(call: Omit<CallRow, 'params'>, by: BlockedLine['by'], to: string): BlockedCall {
    const { event_id, session_id, user_id, server, tool, alerted } = call;
    return { event_id, session_id, user_id, server, tool, by, to, time: new Date(call.time_ms).toISOString(), alerted };
  }
}

function order(a: BlockedLine, b: BlockedLine): number {
  const [one, other] = [a, b].map(({ server, tool, to }) => JSON.stringify([server, tool, to]));
  return (one as string) < (other as string) ? -1 : 1;
}
