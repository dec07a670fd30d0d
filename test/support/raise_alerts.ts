/** Alerts as detection would raise them, for tests of what comes after. */
import type { Finding } from '../../core/alert.ts';
import type { LogWriter } from '../../ingest/log_writer.ts';

let raised = 0;

/** A finding of a made-up rule; every one has an id of its own. */
export function findingOf(more: Partial<Finding> = {}): Finding {
  const at = raised++;
  return {
    finding_id: at.toString(16).padStart(64, '0'),
    rule_id: 'secret_to_other_tool',
    rule_version: 1,
    severity: 'high',
    title: 'A secret went to another tool',
    reason: 'The tool was given “a value of a secret”.',
    tenant: 'default',
    session_id: `session-${at}`,
    user_id: 'ana@example.com',
    agent: 'assistant',
    time_ms: Date.UTC(2026, 0, 15) + at,
    tags: ['LLM01'],
    evidence: [{ log: 'test.example.com/log', seq: 0, event_id: 'e-0', role: 'read the secret' }],
    server: '',
    tool: '',
    sink_digest: '',
    risk: 75,
    late: false,
    ...more,
  };
}

/** Raises alerts and gives their ids. */
export async function raiseAlerts(writer: LogWriter, findings: readonly Finding[]): Promise<string[]> {
  const records = findings.map(({ finding_id, tenant, session_id, user_id, time_ms, ...finding }) => {
    const { risk: _, late: __, server: ___, tool: ____, sink_digest: _____, ...said } = finding;
    const detail = { ...said, session_id, user_id };
    const place = { event_id: finding_id, tenant, session_id, user_id, time_ms };
    return writer.stamp({ kind: 'alert', type: 'alert.raised', actor: 'tracewarden', ...place, detail });
  });
  await writer.submitInternal(records);
  return findings.map((finding) => finding.finding_id);
}
