/** For each role: the tools that its agents were granted, beside those that they used. A report, no detector. */
import { matchesGlob } from './glob.ts';

/** A tool that a role's sessions called, or that a server listed to them. */
export interface RoleTool {
  role: string;
  server: string;
  tool: string;
  /** Whether the server's newest list to the role holds it. */
  listed: boolean;
  calls: number;
  /** Of the first and the last call; null where there was none. */
  first_time: string | null;
  last_time: string | null;
}

/** What was granted: globs over `server/tool` for each role. Those of the role `*` hold for every role. */
export type Grants = ReadonlyMap<string, readonly string[]>;

/** A grant that nobody made use of: a tool, or a glob that fits no tool that was seen. */
export interface UnusedGrant {
  grant: string;
  /** False where no such tool was ever called or listed in any role. */
  seen: boolean;
}

export interface RoleGrants {
  role: string;
  /** Tools that were granted, globs counted by the tools that they fit. */
  granted: number;
  /** Called and granted. */
  used: RoleTool[];
  /** Granted and never called. */
  unused: UnusedGrant[];
  /** Called and never granted. */
  not_granted: RoleTool[];
}

const EVERY_ROLE = '*';

/**
 * What each role was granted and used, by role, tools by server and name. Without grants a role has those tools that
 * servers listed to it.
 */
export function grantedAgainstUsed(rows: readonly RoleTool[], grants?: Grants): RoleGrants[] {
  const by_role = new Map<string, RoleTool[]>();
  for (const role of grants?.keys() ?? []) if (role !== EVERY_ROLE) by_role.set(role, []);
  for (const row of rows) {
    const of_role = by_role.get(row.role);
    if (of_role === undefined) by_role.set(row.role, [row]);
    else of_role.push(row);
  }
  const known = [...new Set(rows.map(nameOf))].sort(compare);
  return [...by_role]
    .map(([role, of_role]) => {
      const called = of_role.filter(({ calls }) => calls > 0).sort((a, b) => compare(nameOf(a), nameOf(b)));
      if (grants === undefined) return byLists(role, of_role, called);
      return byGlobs(role, called, known, [...(grants.get(role) ?? []), ...(grants.get(EVERY_ROLE) ?? [])]);
    })
    .sort((a, b) => compare(a.role, b.role));
}

function byLists(role: string, of_role: readonly RoleTool[], called: readonly RoleTool[]): RoleGrants {
  const unused = of_role.filter(({ listed, calls }) => listed && calls === 0).map(nameOf);
  const used = called.filter(({ listed }) => listed);
  return {
    role,
    granted: used.length + unused.length,
    used,
    unused: unused.sort(compare).map((grant) => ({ grant, seen: true })),
    not_granted: called.filter(({ listed }) => !listed),
  };
}

function byGlobs(
  role: string,
  called: readonly RoleTool[],
  known: readonly string[],
  globs: readonly string[],
): RoleGrants {
  const isGranted = (name: string): boolean => globs.some((glob) => matchesGlob(glob, name));
  const used = called.filter((row) => isGranted(nameOf(row)));
  const names = new Set(used.map(nameOf));
  const unused = known.filter((name) => !names.has(name) && isGranted(name)).map((grant) => ({ grant, seen: true }));
  const unseen = [...new Set(globs)].filter((glob) => !known.some((name) => matchesGlob(glob, name)));
  return {
    role,
    granted: used.length + unused.length,
    used,
    unused: [...unused, ...unseen.sort(compare).map((grant) => ({ grant, seen: false }))],
    not_granted: called.filter((row) => !isGranted(nameOf(row))),
  };
}

/** A tool as globs see it. */
export function nameOf({ server, tool }: Pick<RoleTool, 'server' | 'tool'>): string {
  return `${server}/${tool}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
