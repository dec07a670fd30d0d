/** `tracewarden proof EVENT_ID`, `tracewarden checkpoint`, `tracewarden rejected`, `tracewarden search WORDS`. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say } from '../output.ts';

interface LogFlags extends CommonFlags {
  tenant?: string;
  limit?: string;
}

export function logCommands(program: Command): void {
  withBackend(program.command('proof'))
    .argument('<event_id>')
    .description('proof that an event is in the log (C2SP tlog-proof) on standard output')
    .option('--tenant <tenant>')
    .action(proof);
  withBackend(program.command('checkpoint'))
    .description('the newest signed checkpoint on standard output; keep it elsewhere for verify --against')
    .action(checkpoint);
  withBackend(program.command('rejected'))
    .description('records that were not taken as events, with the reason')
    .option('--tenant <tenant>')
    .option('--limit <n>', 'rows', '50')
    .action(rejected);
  withBackend(program.command('search'))
    .argument('<words...>')
    .description('events by words in their content, newest first')
    .option('--tenant <tenant>')
    .option('--limit <n>', 'rows', '20')
    .action(search);
}

async function proof(event_id: string, flags: LogFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/events/${encodeURIComponent(event_id)}/proof${queryOf({ tenant: flags.tenant })}`;
    const text = await (await backend.call('GET', path)).text();
    if (flags.json) printJson({ event_id, proof: text });
    else process.stdout.write(text);
  });
}

async function checkpoint(flags: LogFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const text = await (await backend.call('GET', '/v1/log/checkpoint')).text();
    if (flags.json) printJson({ checkpoint: text });
    else process.stdout.write(text);
  });
}

interface RejectedJson {
  seq: number;
  kind: string;
  reason: string;
  message?: string;
  received_at: string;
}

async function rejected(flags: LogFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/rejected${queryOf({ tenant: flags.tenant, limit: flags.limit })}`;
    const page = await backend.json<{ rejected: RejectedJson[] }>('GET', path);
    for (const row of page.rejected) {
      if (flags.json) printJson({ ...row });
      else
        print(`${String(row.seq).padStart(7)} ${row.received_at} ${pc.bold(row.reason)} ${inert(row.message ?? '')}`);
    }
    if (page.rejected.length === 0 && !flags.json) say('nothing was rejected');
  });
}

interface HitJson {
  seq: number;
  session_id: string;
  type: string;
  server: string;
  tool: string;
  snippet: string;
}

async function search(words: string[], flags: LogFlags): Promise<void> {
  await useLog(flags, async (backend) => {
    const path = `/v1/search${queryOf({ q: words.join(' '), tenant: flags.tenant, limit: flags.limit })}`;
    const page = await backend.json<{ hits: HitJson[] }>('GET', path);
    for (const hit of page.hits) {
      if (flags.json) printJson({ ...hit });
      else {
        const where = [hit.server, hit.tool].filter(Boolean).join('/');
        print(
          `${String(hit.seq).padStart(7)} ${inert(hit.session_id)} ${pc.bold(hit.type)} ${inert(where)} ${pc.dim(inert(hit.snippet))}`,
        );
      }
    }
    if (page.hits.length === 0 && !flags.json) say('no event holds all these words');
  });
}
