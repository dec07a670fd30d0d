/** `tracewarden retention`: what will go because of its age, and letting it go now. */
import type { Command } from 'commander';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { print, printJson, say, table } from '../output.ts';

interface RetentionJson {
  content: { tenant: string; type: string; days: number; records: number; held: number; oldest: string }[];
  summaries: { tenant: string; days: number; rows: Record<string, number> }[];
  more: boolean;
  stays: string;
}

/** Adds `retention`. */
export function retentionCommand(program: Command): void {
  const retention = program.command('retention').description('how long what is stored stays');
  withBackend(retention.command('report', { isDefault: true }).description('what a run would remove now')).action(
    (flags: CommonFlags) => ask('GET', '/v1/retention', flags),
  );
  withBackend(retention.command('run').description('remove what is older than it may become')).action(
    (flags: CommonFlags) => ask('POST', '/v1/retention/run', flags),
  );
}

async function ask(method: string, path: string, flags: CommonFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const answer = await backend.json<RetentionJson>(method, path);
    if (flags.json) printJson({ ...answer });
    else show(answer, method === 'GET');
  });
}

function show({ content, summaries, more, stays }: RetentionJson, planned: boolean): void {
  const rows = [
    ...content.map((row) => [row.tenant, row.type, row.days, row.records, row.held, row.oldest]),
    ...summaries.flatMap(({ tenant, days, rows: by_table }) =>
      Object.entries(by_table).map(([name, count]) => [tenant, `${name} (rows)`, days, count, '', '']),
    ),
  ].map((cells) => cells.map(String));
  if (rows.length === 0) say(planned ? 'nothing is older than it may become' : 'nothing was removed');
  else print(table(['tenant', 'of', 'days', planned ? 'will go' : 'went', 'held', 'oldest'], rows));
  if (more) say('there is more: run it again');
  say(stays);
}
