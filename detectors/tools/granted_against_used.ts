/** For each role: the tools that its agents were given, beside those that they used. A report, no detector. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { toolApprovalOf } from '../event_fields.ts';

export interface ToolUse {
  server: string;
  tool: string;
  calls: number;
  /** Time of the last call, or of the first listing where there was none. */
  last_ms: number;
}

export interface RoleGrants {
  tenant: string;
  role: string;
  sessions: number;
  granted: number;
  used: number;
  /** Given and never called. */
  unused: ToolUse[];
  /** Called and never given: not listed to the role, and approved for no one. */
  not_granted: ToolUse[];
  /** Of what was given, how much was used, from 0 to 1. */
  share_used: number;
}

export interface GrantReport {
  roles: RoleGrants[];
  /** Tools and roles beyond the maximum, which are not in the report. */
  left_out: number;
}

const ROLES_MAX = 1_000;
const TOOLS_PER_ROLE_MAX = 5_000;
const APPROVED_MAX = 20_000;
const SESSIONS_PER_ROLE_MAX = 100_000;

interface Role {
  tenant: string;
  role: string;
  sessions: Set<string>;
  listed: Map<string, ToolUse>;
  called: Map<string, ToolUse>;
}

/**
 * What the events of a period say. A tool is granted to a role when a session of the role was given it in a
 * `tools.list`, or when it was called and its tenant had approved it. The order is fixed: by tenant and role, tools by
 * server and name.
 */
export function grantedAgainstUsed(events: Iterable<ProvenanceEvent>): GrantReport {
  const roles = new Map<string, Role>();
  const approved = new Set<string>();
  let left_out = 0;

  const roleOf = (event: ProvenanceEvent): Role | undefined => {
    const key = `${event.tenant}\u0000${event.user_role ?? ''}`;
    let role = roles.get(key);
    if (role === undefined) {
      if (roles.size >= ROLES_MAX) return undefined;
      const { tenant, user_role = '' } = event;
      role = { tenant, role: user_role, sessions: new Set(), listed: new Map(), called: new Map() };
      roles.set(key, role);
    }
    if (role.sessions.size < SESSIONS_PER_ROLE_MAX) role.sessions.add(event.session_id);
    return role;
  };
  const useOf = (into: Map<string, ToolUse>, server: string, tool: string, time_ms: number): ToolUse | undefined => {
    const key = toolKey(server, tool);
    let use = into.get(key);
    if (use === undefined) {
      if (into.size >= TOOLS_PER_ROLE_MAX) return undefined;
      use = { server, tool, calls: 0, last_ms: time_ms };
      into.set(key, use);
    }
    return use;
  };

  for (const event of events) {
    const approval = toolApprovalOf(event);
    const server = event.server ?? '';
    if (approval !== undefined) {
      const key = `${event.tenant}\u0000${toolKey(server, event.tool ?? '')}`;
      if (approval.decision === 'rejected') approved.delete(key);
      else if (approved.size < APPROVED_MAX) approved.add(key);
      else left_out++;
      continue;
    }
    if (event.type !== 'tools.list' && event.type !== 'tool.call') continue;
    const role = roleOf(event);
    if (role === undefined) {
      left_out++;
    } else if (event.type === 'tools.list') {
      for (const { name } of event.tools ?? []) if (!useOf(role.listed, server, name, event.time_ms)) left_out++;
    } else {
      const use = useOf(role.called, server, event.tool ?? '', event.time_ms);
      if (use === undefined) left_out++;
      else Object.assign(use, { calls: use.calls + 1, last_ms: Math.max(use.last_ms, event.time_ms) });
    }
  }
  return { roles: [...roles.values()].map((role) => grantsOf(role, approved)).sort(byRole), left_out };
}

function grantsOf({ tenant, role, sessions, listed, called }: Role, approved: ReadonlySet<string>): RoleGrants {
  const isGranted = (key: string): boolean => listed.has(key) || approved.has(`${tenant}\u0000${key}`);
  const unused = [...listed].filter(([key]) => !called.has(key)).map(([, use]) => use);
  const not_granted = [...called].filter(([key]) => !isGranted(key)).map(([, use]) => use);
  const granted = new Set([...listed.keys(), ...[...called.keys()].filter(isGranted)]).size;
  const used = called.size - not_granted.length;
  return {
    tenant,
    role,
    sessions: sessions.size,
    granted,
    used,
    unused: unused.sort(byTool),
    not_granted: not_granted.sort(byTool),
    share_used: granted === 0 ? 0 : Math.round((used / granted) * 1_000) / 1_000,
  };
}

function toolKey(server: string, tool: string): string {
  return `${server}\u0000${tool}`;
}

function byTool(a: ToolUse, b: ToolUse): number {
  return compare(a.server, b.server) || compare(a.tool, b.tool);
}

function byRole(a: RoleGrants, b: RoleGrants): number {
  return compare(a.tenant, b.tenant) || compare(a.role, b.role);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
