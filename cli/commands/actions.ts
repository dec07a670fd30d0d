/** `tracewarden actions [QUERY]`: what people and programs did with the service, newest first. */
import type { Command } from 'commander';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { print, printJson, say, table } from '../output.ts';
import { queryText, withCaret } from '../query_text.ts';

interface ActionFlags extends CommonFlags {
  tenant?: string;
  from?: string;
  to?: string;
  limit?: string;
  all?: boolean;
}

interface ActionJson {
  time: string;
  type: string;
  actor: string;
  actor_name: string;
  session_id?: string;
  user_id?: string;
  seq: number;
  detail: Record<string, unknown>;
}

interface ActionPage {
  actions: ActionJson[];
  next_cursor: string | null;
}

const CELL_CHARS = 60;

/** Adds `actions`. */
export function actionsCommand(program: Command): void {
  withBackend(
    program
      .command('actions')
      .argument('[query...]', "such as 'type:session.read and session_id:s-17'")
      .description('what people and programs did here: read, searched, exported, judged, suspended, changed'),
  )
    .option('--tenant <tenant>')
    .option('--from <time>', 'RFC 3339')
    .option('--to <time>', 'RFC 3339')
    .option('--limit <n>', 'rows', '50')
    .option('--all', 'every page')
    .action(async (words: string[], flags: ActionFlags) => {
      const q = queryText(words);
      await withCaret(q, () => list(q, flags));
    });
}

async function list(q: string | undefined, flags: ActionFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const { tenant, from, to, limit } = flags;
    let cursor: string | undefined;
    let shown = 0;
    do {
      const path = `/v1/actions${queryOf({ tenant, q, from, to, limit, cursor })}`;
      const page = await backend.json<ActionPage>('GET', path);
      if (flags.json) for (const action of page.actions) printJson({ action });
      else if (page.actions.length > 0) print(table(HEAD, page.actions.map(cellsOf), CELL_CHARS));
      shown += page.actions.length;
      cursor = page.next_cursor ?? undefined;
    } while (flags.all && cursor !== undefined);
    if (shown === 0 && !flags.json) say('nobody did anything that matches');
    if (cursor !== undefined) say('more actions follow; --all lists them, --limit N up to 1000 a page');
  });
}

const HEAD = ['time', 'who', 'did', 'about', 'record'];

function cellsOf({ time, actor, actor_name, type, session_id, user_id, seq, detail }: ActionJson): string[] {
  const { subject, query, name, key_id } = detail as Record<string, string | undefined>;
  const about = query ?? subject ?? session_id ?? user_id ?? name ?? key_id ?? '';
  return [time, actor_name === '' ? actor : `${actor_name} (${actor})`, type, String(about), String(seq)];
}
