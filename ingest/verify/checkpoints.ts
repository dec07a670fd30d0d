/** Opens every stored checkpoint with the log's public key and collects the roots that were signed. */
import { messageOf } from '../../core/errors.ts';
import { type CheckpointRow, readCheckpointPage } from '../../core/store/queries/checkpoints.ts';
import type { Store } from '../../core/store/store.ts';
import { equalBytes } from '../../core/tlog/bytes.ts';
import { openCheckpoint } from '../../core/tlog/checkpoint.ts';
import type { NoteVerifier } from '../../core/tlog/note_key.ts';
import type { ClaimedRoot } from './leaves.ts';
import type { Findings } from './report.ts';

const PAGE = 5_000;

/** The signed roots of a log. A copy that does not open, or says other than its columns, is a finding. */
export async function verifyCheckpoints(
  store: Store,
  log: string,
  verifier: NoteVerifier,
  findings: Findings,
  onProgress: (done: number) => void,
): Promise<ClaimedRoot[]> {
  const claims: ClaimedRoot[] = [];
  const roots = new Map<number, Uint8Array>();
  for (let after = 0; ; ) {
    const page = await wholeSizes(store, log, after);
    for (const row of page) {
      const claim = openRow(log, row, verifier, findings);
      if (claim === undefined) continue;
      const before = roots.get(claim.size);
      if (before !== undefined && !equalBytes(before, claim.root)) {
        const message = `two different roots were signed for size ${claim.size}`;
        findings.add({ code: 'fork', table: 'checkpoints', message });
      }
      // An idle log signs the same head again.
      else if (before !== undefined) continue;
      roots.set(claim.size, claim.root);
      claims.push(claim);
    }
    onProgress(claims.length);
    const last = page.at(-1);
    if (last === undefined) return claims;
    after = last.size;
  }
}

/** The next checkpoints, without those of a size of which a page may hold only some. */
async function wholeSizes(store: Store, log: string, after: number): Promise<CheckpointRow[]> {
  for (let rows_max = PAGE; ; rows_max *= 2) {
    const page = await readCheckpointPage(store, log, after, rows_max);
    if (page.length < rows_max) return page;
    const last_size = page.at(-1)?.size;
    const whole = page.filter((row) => row.size !== last_size);
    if (whole.length > 0) return whole;
  }
}

function openRow(
  log: string,
  row: { size: number; root: Uint8Array; note: string },
  verifier: NoteVerifier,
  findings: Findings,
): ClaimedRoot | undefined {
  try {
    const checkpoint = openCheckpoint(row.note, log, [verifier]);
    if (checkpoint.size !== row.size || !equalBytes(checkpoint.root, row.root)) {
      const message = `the columns of the checkpoint of size ${checkpoint.size} are not what was signed`;
      findings.add({ code: 'column_changed', table: 'checkpoints', column: 'size, root', message });
    }
    return {
      size: checkpoint.size,
      root: checkpoint.root,
      source: `the checkpoint of size ${checkpoint.size}`,
      table: 'leaves',
    };
  } catch (error) {
    const message = `the checkpoint of size ${row.size} does not open: ${messageOf(error)}`;
    findings.add({ code: 'checkpoint_invalid', table: 'checkpoints', column: 'note', message });
    return undefined;
  }
}
