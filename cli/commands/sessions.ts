/** `tracewarden sessions` and `tracewarden sessions show ID`. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { type Backend, queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { type EventJson, eventLine } from '../event_line.ts';
import { type EdgeJson, edgeLines } from '../lineage_words.ts';
import { coloured, inert, print, printJson, say, table } from '../output.ts';
import { queryText, withCaret } from '../query_text.ts';

interface ListFlags extends CommonFlags {
  tenant?: string;
  user?: string;
  role?: string;
  agent?: string;
  server?: string;
  tool?: string;
  from?: string;
  to?: string;
  risk?: string;
  limit?: string;
  all?: boolean;
}

interface SessionJson {
  session_id: string;
  user_id: string;
  agent: string;
  servers: string[];
  events: number;
  calls: number;
  risk: number;
  alerts: number;
  last_time: string;
}

interface SignalJson {
  severity: string;
  title: string;
  reason: string;
  rule_id: string;
}
interface AlertJson {
  severity: string;
  title: string;
  reason: string;
  alert_id: string;
}

const PAGE_ROWS = 1_000;

export function sessionsCommand(program: Command): void {
  const sessions = program.command('sessions').description('list sessions, or show one');
  withBackend(
    sessions
      .command('list', { isDefault: true })
      .argument('[query...]', "such as 'tool:send_email and user_id:alice', 'risk >= 70'")
      .description('list sessions, the one that moved last first'),
  )
    .option('--tenant <tenant>')
    .option('--user <user_id>')
    .option('--role <user_role>')
    .option('--agent <agent>')
    .option('--server <server>')
    .option('--tool <tool>')
    .option('--from <time>', 'RFC 3339')
    .option('--to <time>', 'RFC 3339')
    .option('--risk <n>', 'least risk, 0 to 100')
    .option('--limit <n>', 'rows', '50')
    .option('--all', 'every page')
    .action(list);
  withBackend(sessions.command('show').argument('<session_id>').description('one session from beginning to end'))
    .option('--tenant <tenant>')
    .action(show);
}

async function list(words: string[], flags: ListFlags): Promise<void> {
  const q = queryText(words);
  await withCaret(q, () => listMatching(q, flags));
}

async function listMatching(q: string | undefined, flags: ListFlags): Promise<void> {
  const { tenant, user, role, agent, server, tool, from, to, risk, limit } = flags;
  await useLog(flags, async (backend) => {
    let cursor: string | undefined;
    const rows: SessionJson[] = [];
    do {
      const path = `/v1/sessions${queryOf({ tenant, q, user, role, agent, server, tool, from, to, risk, limit, cursor })}`;
      const page = await backend.json<{ sessions: SessionJson[]; next_cursor: string | null }>('GET', path);
      if (flags.json) for (const session of page.sessions) printJson({ ...session });
      else rows.push(...page.sessions);
      cursor = page.next_cursor ?? undefined;
    } while (flags.all && cursor !== undefined);
    if (!flags.json) printList(rows);
    if (cursor !== undefined) say(`more sessions follow; --all lists them, --limit N up to 1000 a page`);
  });
}

function printList(rows: readonly SessionJson[]): void {
  if (rows.length === 0) {
    say('no session matches');
    return;
  }
  const cells = rows.map((row) => [
    row.session_id,
    row.last_time.slice(0, 19).replace('T', ' '),
    row.user_id,
    row.agent,
    String(row.events),
    String(row.calls),
    String(row.risk),
    String(row.alerts),
    row.servers.join(' '),
  ]);
  print(table(['session', 'last event', 'user', 'agent', 'events', 'calls', 'risk', 'alerts', 'servers'], cells, 40));
}

async function show(session_id: string, flags: ListFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    let after: number | undefined;
    for (let first = true; ; first = false) {
      const path = `/v1/sessions/${encodeURIComponent(session_id)}${queryOf({ tenant: flags.tenant, after })}`;
      const page = await backend.json<{
        session: SessionJson;
        events: EventJson[];
        alerts: AlertJson[];
        next_after: number | null;
      }>('GET', path);
      if (flags.json) {
        if (first) printJson({ session: page.session, alerts: page.alerts });
        for (const event of page.events) printJson({ event });
      } else printPage(page, first);
      if (page.next_after === null) break;
      after = page.next_after;
    }
    const base = `/v1/sessions/${encodeURIComponent(session_id)}`;
    await showEdges(backend, base, flags);
    await showSignals(backend, base, flags);
  });
}

/** All pages of a list of one session. */
async function* pagesOf<T>(
  backend: Backend,
  path: string,
  { tenant }: ListFlags,
): AsyncGenerator<T & { next_cursor: string | null }> {
  let cursor: string | undefined;
  do {
    const page = await backend.json<T & { next_cursor: string | null }>(
      'GET',
      path + queryOf({ tenant, cursor, limit: PAGE_ROWS }),
    );
    yield page;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

async function showEdges(backend: Backend, base: string, flags: ListFlags): Promise<void> {
  let headed = flags.json === true;
  for await (const { edges } of pagesOf<{ edges: EdgeJson[] }>(backend, `${base}/edges`, flags)) {
    if (edges.length > 0 && !headed) print(pc.bold('where values came from'));
    headed ||= edges.length > 0;
    for (const edge of edges) {
      if (flags.json) printJson({ edge });
      else for (const line of edgeLines(edge)) print(line);
    }
  }
}

async function showSignals(backend: Backend, base: string, flags: ListFlags): Promise<void> {
  let headed = flags.json === true;
  for await (const page of pagesOf<{ risk: number; signals: SignalJson[] }>(backend, `${base}/signals`, flags)) {
    if (page.signals.length > 0 && !headed) print(pc.bold(`signals; with them the risk is ${page.risk}`));
    headed ||= page.signals.length > 0;
    for (const signal of page.signals) {
      if (flags.json) printJson({ signal, risk: page.risk });
      else print(`${coloured(signal.severity)} ${inert(signal.title)}\n         ${inert(signal.reason)}`);
    }
  }
}

function printPage(page: { session: SessionJson; events: EventJson[]; alerts: AlertJson[] }, first: boolean): void {
  if (first) {
    const { session_id, user_id, agent, events, calls, risk } = page.session;
    print(
      pc.bold(
        `session ${inert(session_id)}  user ${inert(user_id)}  agent ${inert(agent)}  ${events} events, ${calls} calls, risk ${risk}`,
      ),
    );
    for (const alert of page.alerts)
      print(`${coloured(alert.severity)} ${inert(alert.title)}\n         ${inert(alert.reason)}`);
  }
  for (const event of page.events) print(eventLine(event));
}
