/** Puts the evidence of a session together: its records with proofs against one checkpoint, its alerts and edges. */
import { Buffer } from 'node:buffer';
import { BLOCK_LEAVES } from '../core/bundle/block.ts';
import { GROUPS } from '../core/core_record.ts';
import { AppError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { type CheckpointRow, readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import { listEdges } from '../core/store/queries/edges.ts';
import { readSessionRecords } from '../core/store/queries/session_records.ts';
import { readSessionLog, readSessionStory } from '../core/store/queries/sessions.ts';
import { toBase64 } from '../core/tlog/bytes.ts';
import { type BundlePart, writeBundle } from '../ingest/evidence/bundle.ts';
import { blockLines, recordLine } from '../ingest/evidence/record_lines.ts';
import { alertView } from './alert_view.ts';
import { verifyPage } from './compliance/verify_page.ts';
import type { ApiContext } from './context.ts';
import { evidenceReport } from './evidence_report.ts';
import { knownLog, vkeyOf } from './known_log.ts';
import { edgeView } from './lineage_view.ts';

const FROM_START = { to_seq: 0, seen: 0 };

const ABOUT = `Evidence of one session, for somebody who trusts nobody here.

report.html     to read; needs no program
records.ndjson  each record of the session: its core (what the log commits to), the parts that it commits to, and a salt
                for each part that opens its commitment
proofs.ndjson   the leaf hashes around the records, and what leads from them to the root of the checkpoint
checkpoint.txt  the signed checkpoint (C2SP tlog-checkpoint)
key.txt         the public key of the log (C2SP vkey). Compare it with one that you got on another way
alerts.json     alerts of the session; their records are in records.ndjson
edges.json      which value of which result went into which call; derived, not covered by the log
verify.html     checks this zip in a browser, offline. Whoever forges the rest can forge it too: take it from elsewhere
manifest.json   digests of all files; manifest.sig is its signature with the log's key (C2SP signed-note)

Check it:  tracewarden verify evidence.zip --vkey "KEY THAT YOU TRUST"
`;

/** The zip of a session's evidence. Throws `not_found`, and `evidence_too_large` beyond `evidence_records_max`. */
export async function evidenceOf(context: ApiContext, tenant: string, session_id: string): Promise<Uint8Array> {
  const { store, now } = context;
  const story = await readSessionStory(store, tenant, session_id, LIMITS.alerts_per_session_max);
  const limit = LIMITS.evidence_records_max + 1;
  const known = knownLog(context, await readSessionLog(store, tenant, session_id));
  const { log } = known;
  const records = await readSessionRecords(store, { tenant, session_id, log, limit });
  if (story === undefined || records.length === 0) {
    throw new AppError('not_found', 'there is no such session in this tenant');
  }
  if (records.length === limit) {
    const message = `a bundle has at most ${LIMITS.evidence_records_max} records, this session has more`;
    throw new AppError('evidence_too_large', message);
  }
  const { signManifest } = known;
  if (signManifest === undefined) {
    throw new AppError('signer_elsewhere', `${log} is signed by another process, which alone can sign a bundle of it`);
  }
  const checkpoint = await checkpointOver(context, log, records.at(-1)?.seq ?? 0);
  const { size, note, root } = checkpoint;
  const edges = await listEdges(store, { tenant, session_id, after: FROM_START, limit: LIMITS.page_rows_max });
  const made_at = new Date(now()).toISOString();
  const blocks = [...new Set(records.map(({ seq }) => Math.floor(seq / BLOCK_LEAVES)))];
  const stored = records.map((record) => ({ ...record, salt: Buffer.from(record.salt, 'hex') }));
  const report = evidenceReport({ tenant, session_id, log, size, made_at, records, alerts: story.alerts, edges });
  const parts: BundlePart[] = [
    { name: 'README.txt', chunks: [ABOUT] },
    { name: 'report.html', chunks: [report] },
    ...verifyPage(),
    { name: 'checkpoint.txt', chunks: [note] },
    { name: 'key.txt', chunks: [`${vkeyOf(known)}\n`] },
    { name: 'proofs.ndjson', chunks: blockLines(store, log, size, blocks) },
    { name: 'records.ndjson', chunks: stored.map((record) => recordLine(record, GROUPS)) },
    { name: 'alerts.json', chunks: [pretty(story.alerts.map((alert) => alertView(alert, true)))] },
    { name: 'edges.json', chunks: [pretty(edges.map((edge) => edgeView(edge, true)))] },
  ];
  const facts = () => ({
    kind: 'session' as const,
    tenant,
    session_id,
    log,
    heads: [{ log, size, root: toBase64(root) }],
    records: records.length,
    parts: [...GROUPS],
    made_at,
    made_by: `tracewarden ${context.version}`,
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of writeBundle(parts, facts, signManifest)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A signed checkpoint over a record. Throws `not_checkpointed` where there is none yet. */
export async function checkpointOver(context: ApiContext, log: string, seq: number): Promise<CheckpointRow> {
  const { store } = context;
  const before = await readLastCheckpoint(store, log);
  if (before !== undefined && before.size > seq) return before;
  await knownLog(context, log).publishCheckpoint?.();
  const after = await readLastCheckpoint(store, log);
  if (after !== undefined && after.size > seq) return after;
  throw new AppError(
    'not_checkpointed',
    'the session is not under a signed checkpoint yet; ask again in a few seconds',
  );
}
