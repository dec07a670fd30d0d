/** Which session a wrapper belongs to before a message says more: wrappers that one client started share it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { plainName } from '../../ingest/mcp/mcp_message.ts';
import type { McpSession } from '../../ingest/mcp/session_hint.ts';

/** Clients that name their session to the programs they start. */
const VARIABLES = ['CLAUDE_CODE_SESSION_ID', 'GROK_SESSION_ID'] as const;

export function sessionOf(given: string | undefined, env: NodeJS.ProcessEnv): McpSession {
  const flag = plainName(given, 200);
  if (flag !== undefined) return { field: 'session_id', id: flag, basis: 'flag' };
  for (const name of VARIABLES) {
    const id = plainName(env[name], 200);
    if (id !== undefined) return { field: 'client_session_id', id, basis: `environment ${name}` };
  }
  const parent = `${hostname()}\0${userName()}\0${process.ppid}\0${startOf(process.ppid)}`;
  const id = `client-${createHash('sha256').update(parent).digest('hex').slice(0, 24)}`;
  return { field: 'client_session_id', id, basis: 'parent process' };
}

/** Who acts, and how that is known. */
export function userOf(given: string | undefined): { user_id: string; user_source: 'os_user' | 'claimed' } {
  const user = plainName(given);
  if (user !== undefined) return { user_id: user, user_source: 'claimed' };
  return { user_id: plainName(`${userName()}@${hostname()}`) ?? 'unknown', user_source: 'os_user' };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown'); // a number without a name, as in containers
  }
}

/** When a process began, so that a number that is used again is another client. */
function startOf(pid: number): string {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 1_000 }).trim();
  } catch {
    return '';
  }
}
