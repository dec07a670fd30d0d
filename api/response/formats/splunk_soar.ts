/** A container of Splunk SOAR with its artifacts in one request, for `POST /rest/container`. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { alertData, plain, severityOf } from '../message.ts';

const SEVERITY: Record<Severity, string> = {
  info: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  critical: 'high',
};

export default defineFormat({
  name: 'splunk_soar',
  content_type: 'application/json',
  body({ alert, type }) {
    const severity = SEVERITY[severityOf(alert)];
    const { evidence } = alertData(alert) as { evidence: { event_id?: string; role?: string; seq?: number }[] };
    const facts = {
      name: 'alert',
      label: 'event',
      severity,
      source_data_identifier: alert.alert_id,
      cef: {
        deviceEventClassId: alert.rule_id,
        duser: plain(alert.user_id),
        sessionId: plain(alert.session_id),
        agent: plain(alert.agent),
        message: plain(alert.reason),
      },
    };
    const events = evidence.map(({ event_id = '', role = '', seq = 0 }) => ({
      name: plain(role),
      label: 'event',
      severity,
      source_data_identifier: `${alert.alert_id}-${seq}`,
      cef: { externalId: plain(event_id), sequence: seq },
    }));
    // Automation starts by itself after the last artifact of a container that was made whole.
    return JSON.stringify({
      name: plain(alert.title),
      label: 'events',
      description: plain(alert.reason),
      severity,
      source_data_identifier: alert.alert_id,
      start_time: new Date(alert.time_ms).toISOString(),
      tags: [type, alert.rule_id, ...alert.tags.map(plain)],
      artifacts: [facts, ...events],
    });
  },
});
