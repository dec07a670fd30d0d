/** Proofs that a record is in the log, in the C2SP tlog-proof format, against the newest signed checkpoint. */
import { AppError } from '../core/errors.ts';
import { readLastCheckpoint } from '../core/store/queries/checkpoints.ts';
import { readProof } from '../core/store/queries/tree.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { inclusionCoordinates } from '../core/tlog/proof.ts';
import { formatTlogProof } from '../core/tlog/tlog_proof.ts';
import type { ApiContext } from './context.ts';
import { knownLog } from './known_log.ts';

/** The tlog-proof of a record. Has the head signed first when no checkpoint covers it yet. */
export async function proofOf(context: ApiContext, log: string, seq: number): Promise<string> {
  const { store } = context;
  let checkpoint = await readLastCheckpoint(store, log);
  if (checkpoint === undefined || checkpoint.size <= seq) {
    await knownLog(context, log).publishCheckpoint?.();
    checkpoint = await readLastCheckpoint(store, log);
  }
  if (checkpoint === undefined || checkpoint.size <= seq) {
    throw new AppError(
      'not_checkpointed',
      `record ${seq} is not under a signed checkpoint yet; ask again in a few seconds`,
    );
  }
  const hashes = await readProof(store, log, nodeHasher, inclusionCoordinates(seq, checkpoint.size));
  return formatTlogProof({ index: seq, hashes, checkpoint: checkpoint.note });
}
