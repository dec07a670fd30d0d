/** Detection Finding (class 2004) of the Open Cybersecurity Schema Framework 1.8.0. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { alertData, type Message, plain, severityOf } from '../message.ts';

const CLASS_UID = 2004;
const CREATE = 1;
const SEVERITY_ID: Record<Severity, number> = { info: 1, low: 2, medium: 3, high: 4, critical: 5 };
const ANALYTIC_RULE = 1;
const STATUS_NEW = 1;

/** An ATLAS technique, or a sub-technique under its technique. Ids of other frameworks stay tags. */
function attacksOf(tags: readonly string[]): unknown[] {
  return tags
    .filter((tag) => /^AML\.T\d{4}(\.\d{3})?$/.test(tag))
    .map((tag) => {
      const technique = { uid: tag.slice(0, 'AML.T0000'.length) };
      return { technique, ...(tag.length > 'AML.T0000'.length && { sub_technique: { uid: tag } }) };
    });
}

function finding({ alert, time_ms }: Message): Record<string, unknown> {
  const { title, reason, evidence } = alertData(alert) as { title: string; reason: string; evidence: unknown[] };
  const attacks = attacksOf(alert.tags);
  return {
    activity_id: CREATE,
    category_uid: Math.floor(CLASS_UID / 1000),
    class_uid: CLASS_UID,
    type_uid: CLASS_UID * 100 + CREATE,
    severity_id: SEVERITY_ID[severityOf(alert)],
    time: time_ms,
    status_id: STATUS_NEW,
    is_alert: true,
    risk_score: alert.risk,
    message: title,
    metadata: {
      version: '1.8.0',
      uid: alert.alert_id,
      sequence: alert.seq,
      log_name: alert.log,
      tenant_uid: alert.tenant,
      product: { name: 'Tracewarden', vendor_name: 'Tracewarden' },
    },
    finding_info: {
      uid: alert.alert_id,
      title,
      desc: reason,
      created_time: alert.raised_at_ms,
      first_seen_time: alert.time_ms,
      types: alert.tags.map(plain),
      analytic: {
        type_id: ANALYTIC_RULE,
        uid: alert.rule_id,
        name: alert.rule_id,
        version: String(alert.rule_version),
      },
      ...(attacks.length > 0 && { attacks }),
    },
    evidences: evidence.map((each) => ({ data: each })),
    resources: [
      ...(alert.session_id === '' ? [] : [{ uid: plain(alert.session_id), type: 'agent session' }]),
      ...(alert.agent === '' ? [] : [{ name: plain(alert.agent), type: 'agent' }]),
      ...(alert.user_id === '' ? [] : [{ name: plain(alert.user_id), type: 'user' }]),
    ],
  };
}

export default defineFormat({
  name: 'ocsf',
  content_type: 'application/json',
  body: (message) => JSON.stringify(finding(message)),
});
