/** The record of a finding that a suppression held back: it stands in the log where the alert would have stood. */
import type { Finding } from '../core/alert.ts';
import { SUPPRESSED_FINDING } from '../core/suppression.ts';
import type { InternalRecord } from './record.ts';

/**
 * Its id is that of the finding, so that a replay records it once, whether as this or as an alert. What the finding
 * says in words stays with its signal, where an erasure reaches it.
 */
export function suppressedFinding(
  finding: Finding,
  suppression_id: string,
): Omit<InternalRecord, 'received_at_ms' | 'salt'> {
  const { finding_id, tenant, session_id, user_id, time_ms, rule_id, rule_version, severity, evidence } = finding;
  return {
    kind: 'action',
    type: SUPPRESSED_FINDING,
    event_id: finding_id,
    tenant,
    session_id,
    user_id,
    actor: 'tracewarden',
    time_ms,
    detail: { suppression_id, rule_id, rule_version, severity, session_id, evidence },
  };
}
