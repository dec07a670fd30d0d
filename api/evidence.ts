/** Puts the evidence of a session together: its records with proofs against one checkpoint, its alerts and edges. */
import { AppError } from '../core/errors.ts';
import { LIMITS } from '../core/limits.ts';
import { readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import { listEdges } from '../core/store/queries/edges.ts';
import { readSessionRecords } from '../core/store/queries/session_records.ts';
import { readSessionStory } from '../core/store/queries/sessions.ts';
import { readProof } from '../core/store/queries/tree.ts';
import { toBase64 } from '../core/tlog/bytes.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { inclusionCoordinates } from '../core/tlog/proof.ts';
import { type BundleRecord, writeBundle } from '../ingest/evidence/bundle.ts';
import { alertView } from './alert_view.ts';
import type { ApiContext } from './context.ts';
import { edgeView } from './lineage_view.ts';

const FROM_START = { to_seq: 0, seen: 0 };

/** The zip of a session's evidence. Throws `not_found`, and `evidence_too_large` beyond `evidence_records_max`. */
export async function evidenceOf(context: ApiContext, tenant: string, session_id: string): Promise<Uint8Array> {
  const { store, log, vkey, now } = context;
  const story = await readSessionStory(store, tenant, session_id, LIMITS.alerts_per_session_max);
  const limit = LIMITS.evidence_records_max + 1;
  const records = await readSessionRecords(store, { tenant, session_id, log, limit });
  if (story === undefined || records.length === 0) {
    throw new AppError('not_found', 'there is no such session in this tenant');
  }
  if (records.length === limit) {
    const message = `a bundle has at most ${LIMITS.evidence_records_max} records, this session has more`;
    throw new AppError('evidence_too_large', message);
  }
  const checkpoint = await checkpointOver(context, records.at(-1)?.seq ?? 0);
  const proven: BundleRecord[] = [];
  for (const record of records) {
    const hashes = await readProof(store, log, nodeHasher, inclusionCoordinates(record.seq, checkpoint.size));
    proven.push({ ...record, proof: hashes.map(toBase64) });
  }
  const edges = await listEdges(store, { tenant, session_id, after: FROM_START, limit: LIMITS.page_rows_max });
  return writeBundle({
    tenant,
    session_id,
    log,
    vkey,
    checkpoint: checkpoint.note,
    checkpoint_size: checkpoint.size,
    records: proven,
    alerts: story.alerts.map((alert) => alertView(alert, true)),
    edges: edges.map((edge) => edgeView(edge, true)),
    made_at: new Date(now()).toISOString(),
  });
}

async function checkpointOver(context: ApiContext, seq: number) {
  const { store, log } = context;
  const before = await readLastCheckpoint(store, log);
  if (before !== undefined && before.size > seq) return before;
  await context.publishCheckpoint?.();
  const after = await readLastCheckpoint(store, log);
  if (after !== undefined && after.size > seq) return after;
  throw new AppError(
    'not_checkpointed',
    'the session is not under a signed checkpoint yet; ask again in a few seconds',
  );
}
