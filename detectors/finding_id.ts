/** Digests of the detection part: the only file here that hashes, so that ids stay the same everywhere. */
import { hash } from 'node:crypto';

/** SHA-256 of a list of texts, in hex. Each text goes in with its length, so no two lists share their bytes. */
export function digestOf(parts: readonly string[]): string {
  return hash('sha256', parts.map((part) => `${part.length}:${part}`).join('\n'));
}

/** What makes a finding the same finding: nothing in here depends on when or how often the log was read. */
export interface FindingIdentity {
  rule_id: string;
  rule_version: number;
  tenant: string;
  session_id: string;
  event_ids: readonly string[];
  sink_digest: string;
}

/** The deterministic id of a finding. */
export function findingId(of: FindingIdentity): string {
  return digestOf([
    of.rule_id,
    String(of.rule_version),
    of.tenant,
    of.session_id,
    String(of.event_ids.length),
    ...of.event_ids,
    of.sink_digest,
  ]);
}
