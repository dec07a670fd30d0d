/** Rows for the Logs Ingestion API of Azure Monitor: an array of objects, one column a member. */
import { defineFormat } from '../format.ts';
import { alertData, plain } from '../message.ts';

export default defineFormat({
  name: 'sentinel',
  content_type: 'application/json',
  body({ alert, type, time_ms }) {
    const { evidence, title, reason } = alertData(alert);
    return JSON.stringify([
      {
        TimeGenerated: new Date(time_ms).toISOString(),
        Type_s: type,
        AlertId: alert.alert_id,
        Tenant: alert.tenant,
        Severity: alert.severity,
        Risk: alert.risk,
        RuleId: alert.rule_id,
        RuleVersion: alert.rule_version,
        Title: title,
        Reason: reason,
        SessionId: plain(alert.session_id),
        UserId: plain(alert.user_id),
        Agent: plain(alert.agent),
        EventTime: new Date(alert.time_ms).toISOString(),
        Tags: alert.tags.map(plain),
        Evidence: evidence,
      },
    ]);
  },
});
