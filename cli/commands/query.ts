/** `tracewarden query QUERY` finds events; `tracewarden tail [QUERY]` prints those that come from now on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { AppError, codeOf } from '../../core/errors.ts';
import { type Backend, queryOf, targetOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { type EventJson, eventLine } from '../event_line.ts';
import { print, printJson, say } from '../output.ts';
import { queryText, withCaret } from '../query_text.ts';

interface QueryFlags extends CommonFlags {
  tenant?: string;
  limit?: string;
  all?: boolean;
}

interface EventPage {
  events: EventJson[];
  next_cursor: string | null;
  next_after: number;
}

const TAIL_EVERY_MS = 1_000;
const TAIL_ROWS = 1_000;

export function queryCommands(program: Command): void {
  withBackend(
    program
      .command('query')
      .argument('<query...>', "such as 'type:tool.call and server:mail* and not is_error:true'")
      .description('find events, newest first'),
  )
    .option('--tenant <tenant>')
    .option('--limit <n>', 'rows', '50')
    .option('--all', 'every page')
    .action(async (words: string[], flags: QueryFlags) => {
      const q = queryText(words);
      await withCaret(q, () => useLog(flags, (backend) => search(backend, q, flags)));
    });
  withBackend(
    program
      .command('tail')
      .argument('[query...]', 'only events that it asks for')
      .description('print events of a running service as they come'),
  )
    .option('--tenant <tenant>')
    .action(async (words: string[], flags: QueryFlags) => {
      const q = queryText(words);
      // Nothing comes to a folder that no service holds, and this process would keep one from starting.
      if ((await targetOf(flags)).kind === 'folder') {
        throw new AppError(
          'backend_unreachable',
          'no service runs on this folder: start `tracewarden up`, or name one with --url',
        );
      }
      await withCaret(q, () => useLog(flags, (backend) => tail(backend, q, flags)));
    });
}

function show(event: EventJson, flags: QueryFlags): void {
  if (flags.json) printJson({ event });
  else print(eventLine(event));
}

async function search(backend: Backend, q: string | undefined, flags: QueryFlags): Promise<void> {
  const { tenant, limit } = flags;
  let cursor: string | undefined;
  let shown = 0;
  do {
    const page = await backend.json<EventPage>('GET', `/v1/events${queryOf({ tenant, q, limit, cursor })}`);
    for (const event of page.events) show(event, flags);
    shown += page.events.length;
    cursor = page.next_cursor ?? undefined;
  } while (flags.all && cursor !== undefined);
  if (shown === 0 && !flags.json) say('no event matches');
  if (cursor !== undefined) say('more events follow; --all lists them, --limit N up to 1000 a page');
}

/** What may pass: the service is busy, restarts, or the store is away for a moment. */
const PASSING = new Set(['backend_unreachable', 'query_too_slow', 'store_unavailable', 'log_closed']);

async function tail(backend: Backend, q: string | undefined, { tenant, ...flags }: QueryFlags): Promise<void> {
  const page = (after: number | undefined, limit: number) =>
    backend.json<EventPage>('GET', `/v1/events${queryOf({ tenant, q, after, limit })}`);
  let after = (await page(undefined, 1)).next_after;
  for (;;) {
    try {
      const { events, next_after } = await page(after, TAIL_ROWS);
      for (const event of events) show(event, flags);
      after = next_after;
      if (events.length === TAIL_ROWS) continue;
    } catch (error) {
      if (!PASSING.has(codeOf(error))) throw error;
      say(`${codeOf(error)}: asking again`);
    }
    await sleep(TAIL_EVERY_MS);
  }
}
