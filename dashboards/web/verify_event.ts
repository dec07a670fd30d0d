/**
 * Checks in this browser that an event is in the log: the leaf is hashed from the event's own core, folded up the proof
 * to the root of a checkpoint, and the checkpoint's signature is checked with the key of the log. The key comes from
 * the service, so this finds a store that was changed, not a service that lies about its key: keep the key elsewhere
 * and compare.
 */
import { nobleHasher, parseTlogProof, trustKey, verifyTlogProof } from '../../core/tlog/verifier.ts';
import { apiAddress, getJson, getText } from './api.ts';
import type { LogState } from './api_types.ts';

export interface Checked {
  ok: boolean;
  /** What was checked, or what failed. */
  says: string;
}

export async function verifyEvent(event_id: string, pinned_key = ''): Promise<Checked> {
  const path = `/v1/events/${encodeURIComponent(event_id)}`;
  try {
    const [{ core }, text, { vkey, log }] = await Promise.all([
      getJson<{ core: string }>(apiAddress(path)),
      getText(apiAddress(`${path}/proof`)),
      getJson<LogState>(apiAddress('/v1/log')),
    ]);
    const proof = parseTlogProof(text);
    const leaf = nobleHasher.leaf(new TextEncoder().encode(core));
    const claim = { leaf_hash: leaf, origin: log, verifiers: [trustKey(pinned_key || vkey)] };
    const { size } = verifyTlogProof(nobleHasher, proof, claim);
    return { ok: true, says: `record ${proof.index} is under the signed checkpoint of ${size} records` };
  } catch (error) {
    return { ok: false, says: error instanceof Error ? error.message : String(error) };
  }
}
