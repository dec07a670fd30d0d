/** `tracewarden ingest FILE... | -`: JSON lines, gzip or not, into the log; goes on where an earlier run was cut off. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { LIMITS } from '../../core/limits.ts';
import { type Intake, isPlaced, type Taken } from '../../ingest/intake.ts';
import { type Backend, queryOf } from '../backend.ts';
import { type CommonFlags, failWith, useBackend, withBackend } from '../command.ts';
import { fileBytes, type IngestPosition, positionPath, readPosition, writePosition } from '../ingest_position.ts';
import { openLines } from '../line_source.ts';
import { inert, print, printJson, say } from '../output.ts';
import { startProgress } from '../progress.ts';

interface IngestFlags extends CommonFlags {
  tenant?: string;
  again?: boolean;
}

interface Totals {
  records: number;
  accepted: number;
  duplicate: number;
  conflict: number;
  queued: number;
  rejected: number;
  overlong: number;
  skipped: number;
}

const BATCH_LINES = 2_000;
const BATCH_BYTES = 8_388_608;
const IN_FLIGHT_BATCHES = 8; // handed to the log of this process before the oldest is waited for
const IN_FLIGHT_BYTES = 67_108_864; // the log's queue has room for twice as much
const RETRIES_MAX = 8;
const REJECTIONS_TOLD = 5;

export function ingestCommand(program: Command): void {
  withBackend(program.command('ingest'))
    .argument('<file...>', 'JSON lines (.jsonl), the same packed (.gz), or - for standard input')
    .description('take events from files into the log')
    .option(
      '--tenant <tenant>',
      'take events of this tenant only (default: the tenant that each names, else "default")',
    )
    .option('--again', 'do not go on where an earlier run of the same file ended')
    .action((files: string[], flags: IngestFlags) =>
      useBackend(flags, async (backend) => {
        for (const file of files) await ingestFile(backend, file, flags);
      }),
    );
}

async function ingestFile(backend: Backend, file: string, flags: IngestFlags): Promise<void> {
  const started_ms = performance.now();
  const totals: Totals = {
    records: 0,
    accepted: 0,
    duplicate: 0,
    conflict: 0,
    queued: 0,
    rejected: 0,
    overlong: 0,
    skipped: 0,
  };
  const keep = file === '-' || backend.data === undefined ? undefined : positionPath(backend.data, file);
  const before: IngestPosition = keep === undefined || flags.again ? { lines: 0, done: false } : readPosition(keep);
  if (before.lines > 0) say(`${file}: ${before.lines} lines are in the log already, going on after them`);
  const progress = startProgress(file, 'bytes');
  const total_bytes = file === '-' ? 0 : fileBytes(file);
  const sender = senderOf(backend, flags.tenant, totals, (lines) => {
    if (keep !== undefined) writePosition(keep, { lines, done: false });
  });
  const source = openLines(file, (bytes) => {
    totals.overlong++;
    say(`a line of ${bytes} bytes is left out: a record has at most ${LIMITS.record_bytes_max}`);
  });
  let line = 0;
  try {
    for await (const batch of batches(source.lines)) {
      const skip = Math.min(batch.length, Math.max(0, before.lines - line));
      totals.skipped += skip;
      line += batch.length;
      if (skip < batch.length) await sender.send(batch.slice(skip), line);
      progress.update(source.read_bytes, total_bytes, `${totals.records} records`);
    }
    await sender.finish();
    progress.update(source.read_bytes, total_bytes, `${totals.records} records`);
  } catch (error) {
    await sender.finish();
    throw error;
  } finally {
    progress.stop();
  }
  if (keep !== undefined) writePosition(keep, { lines: line, done: true });
  await backend.local?.settled();
  await backend.local?.checkpoint();
  report(file, totals, (performance.now() - started_ms) / 1000, flags);
}

/** Lines in batches that fit into one body. What was read before a fault comes before the fault. */
async function* batches(lines: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  let fault: unknown;
  try {
    for await (const line of lines) {
      batch.push(line);
      bytes += line.length;
      if (batch.length < BATCH_LINES && bytes < BATCH_BYTES) continue;
      yield batch;
      batch = [];
      bytes = 0;
    }
  } catch (error) {
    fault = error;
  }
  if (batch.length > 0) yield batch;
  if (fault !== undefined) throw fault;
}

interface Sender {
  /** Sends lines; `line` is the number of the last one in the file. */
  send(lines: Buffer[], line: number): Promise<void>;
  finish(): Promise<void>;
}

function senderOf(
  backend: Backend,
  tenant: string | undefined,
  totals: Totals,
  onStored: (line: number) => void,
): Sender {
  const { local } = backend;
  const done = (receipts: readonly Taken[], line: number) => {
    for (const receipt of receipts) count(totals, receipt);
    onStored(line);
  };
  if (local === undefined) {
    return {
      send: async (lines, line) => done(await post(backend, lines, tenant), line),
      finish: () => Promise.resolve(),
    };
  }
  const waiting: { receipts: Promise<Taken[]>; line: number; bytes: number }[] = [];
  let waiting_bytes = 0;
  const settleOne = async () => {
    const oldest = waiting.shift();
    if (oldest === undefined) return;
    waiting_bytes -= oldest.bytes;
    done(await oldest.receipts, oldest.line);
  };
  return {
    async send(lines, line) {
      const bytes = lines.reduce((sum, each) => sum + each.length, 0);
      while (waiting.length >= IN_FLIGHT_BATCHES || (waiting.length > 0 && waiting_bytes + bytes > IN_FLIGHT_BYTES)) {
        await settleOne();
      }
      const receipts = (local.context.intake as Intake).take(lines, tenant ?? '*', 'file');
      receipts.catch(() => undefined); // told when its turn comes
      waiting.push({ receipts, line, bytes });
      waiting_bytes += bytes;
    },
    async finish() {
      while (waiting.length > 0) await settleOne();
    },
  };
}

/** Posts lines to a service and waits as long as it asks when it is full. */
async function post(backend: Backend, lines: Buffer[], tenant: string | undefined): Promise<Taken[]> {
  const body = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
  for (let attempt = 1; ; attempt++) {
    try {
      const path = `/v1/events${queryOf({ tenant })}`;
      return (await backend.json<{ records: Taken[] }>('POST', path, body)).records;
    } catch (error) {
      const wait_s = (error as { cause?: { retry_after_s?: number } }).cause?.retry_after_s;
      if (wait_s === undefined || attempt > RETRIES_MAX) throw error;
      await sleep(wait_s * 1000 * attempt);
    }
  }
}

function count(totals: Totals, receipt: Taken): void {
  totals.records++;
  totals[receipt.outcome]++;
  const told = totals.rejected + totals.conflict;
  if ((receipt.outcome !== 'rejected' && receipt.outcome !== 'conflict') || told > REJECTIONS_TOLD) return;
  const place = isPlaced(receipt) ? `${receipt.partition}/${receipt.offset}` : receipt.seq;
  say(inert(`record ${place} ${receipt.outcome}: ${receipt.reason}: ${receipt.message}`));
  if (told === REJECTIONS_TOLD) say('more are listed by: tracewarden rejected');
}

function report(file: string, totals: Totals, seconds: number, flags: IngestFlags): void {
  const per_second = Math.round(totals.records / Math.max(seconds, 0.001));
  if (flags.json) printJson({ file, ...totals, seconds: Number(seconds.toFixed(3)), records_per_second: per_second });
  else {
    const parts = Object.entries(totals).filter(([name, n]) => n > 0 && name !== 'records');
    const words = parts.map(([name, n]) => `${n} ${name}`).join(', ');
    print(
      `${inert(file)}: ${totals.records} records in ${seconds.toFixed(1)} s (${per_second}/s): ${words || 'nothing new'}`,
    );
  }
  if (totals.overlong > 0) failWith(1);
}
