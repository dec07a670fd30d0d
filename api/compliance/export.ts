/** The evidence of a period for a framework as one bundle: every record of it, proven, and what was counted from them. */
import { hash } from 'node:crypto';
import { BLOCK_LEAVES } from '../../core/bundle/block.ts';
import type { Group } from '../../core/core_record.ts';
import { AppError } from '../../core/errors.ts';
import { MEASURE_QUERIES } from '../../core/store/queries/measures.ts';
import { readPeriodBlocks } from '../../core/store/queries/period_blocks.ts';
import { toBase64 } from '../../core/tlog/bytes.ts';
import { type BundlePart, writeBundle } from '../../ingest/evidence/bundle.ts';
import { type PeriodScope, recordFacts, storedRecords } from '../../ingest/evidence/period_records.ts';
import { blockLines, recordLine } from '../../ingest/evidence/record_lines.ts';
import type { ApiContext } from '../context.ts';
import { checkpointOver } from '../evidence.ts';
import type { Assessment } from './assessment.ts';
import { reportPage } from './report.ts';
import { verifyPage } from './verify_page.ts';

/** Parameters and content stay behind: an export shows that records stand in the log, not what was said. */
const PARTS: readonly Group[] = ['who', 'what', 'detail'];

const ABOUT = `Evidence of a period for the controls of a framework, for somebody who trusts nobody here.

report.html     to read and to print
controls.json   the same as data: what limits the picture, indicators, controls with what was observed
inventory.json  agents, servers and tools of the period
records.ndjson  every record of the tenant that arrived in the period, alerts and actions of people among them: its core
                (what the log commits to), and the parts who, what and detail with a salt for each that opens it.
                Parameters and content are withheld. Nothing is a sample
records.csv     the same records as a table
proofs.ndjson   the leaf hashes around the records, and what leads from them to the root of the checkpoint
checkpoint.txt  the signed checkpoint (C2SP tlog-checkpoint)
key.txt         the public key of the log (C2SP vkey). Compare it with one that you got on another way
verify.html     checks this zip in a browser, offline. Whoever forges the rest can forge it too: take it from elsewhere
manifest.json   digests of all files and of the queries that were counted with; manifest.sig is its signature

Check it:  tracewarden verify export.zip --vkey "KEY THAT YOU TRUST"

Proven: these records stood in the log when the checkpoint was signed, and are what they were. Not proven: that the
figures were counted right. Count again over records.csv, or over a copy of the log.
`;

/** The pieces of the zip. Throws `not_found` for a period without records, `export_too_large`. */
export async function exportOf(context: ApiContext, assessment: Assessment): Promise<AsyncGenerator<Uint8Array>> {
  const { store, log, vkey, now, version } = context;
  const { tenant, framework, from, to } = assessment;
  const period = { tenant, log, from_ms: Date.parse(from), to_ms: Date.parse(to) };
  const { blocks, records, last_seq } = await readPeriodBlocks(store, { ...period, block_leaves: BLOCK_LEAVES });
  if (records === 0) throw new AppError('not_found', 'no record of this tenant arrived in this period');
  const { size, note, root } = await checkpointOver(context, log, last_seq);
  const scope: PeriodScope = { ...period, size };
  let written = 0;
  const { inventory, ...controls } = assessment;
  const parts: BundlePart[] = [
    { name: 'README.txt', chunks: [ABOUT] },
    { name: 'report.html', chunks: [await reportPage(assessment)] },
    ...verifyPage(),
    { name: 'checkpoint.txt', chunks: [note] },
    { name: 'key.txt', chunks: [`${vkey}\n`] },
    { name: 'controls.json', chunks: [`${JSON.stringify(controls, null, 2)}\n`] },
    { name: 'inventory.json', chunks: [`${JSON.stringify(inventory, null, 2)}\n`] },
    { name: 'proofs.ndjson', chunks: blockLines(store, log, size, blocks) },
    { name: 'records.ndjson', chunks: lines(context, scope, () => written++) },
    { name: 'records.csv', chunks: table(context, scope) },
  ];
  const queries = Object.fromEntries(Object.entries(MEASURE_QUERIES).map(([name, sql]) => [name, hash('sha256', sql)]));
  const facts = () => ({
    kind: 'export' as const,
    tenant,
    log,
    framework: framework.id,
    period: { from, to },
    queries,
    heads: [{ log, size, root: toBase64(root) }],
    records: written,
    parts: [...PARTS],
    made_at: new Date(now()).toISOString(),
    made_by: `tracewarden ${version}`,
  });
  return writeBundle(parts, facts, context.signManifest);
}

async function* lines({ store }: ApiContext, scope: PeriodScope, wrote: () => void): AsyncGenerator<string> {
  for await (const record of storedRecords(store, scope)) {
    wrote();
    yield recordLine(record, PARTS);
  }
}

const COLUMNS = [
  'seq',
  'kind',
  'type',
  'received_at',
  'time',
  'event_id',
  'session_id',
  'user_id',
  'agent',
  'server',
  'tool',
];

async function* table({ store }: ApiContext, scope: PeriodScope): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const { seq, kind, type, received_at_ms, time_ms, ...of } of recordFacts(store, scope)) {
    const times = [received_at_ms, time_ms].map((ms) => new Date(ms).toISOString());
    const texts = [of.event_id, of.session_id, of.user_id, of.agent, of.server, of.tool].map(cell);
    yield `${[seq, kind, type, ...times, ...texts].join(',')}\r\n`;
  }
}

/** RFC 4180. A text that a spreadsheet would take for a formula begins with an apostrophe. */
function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
