/** An incident of Cortex XSOAR 8, for `POST /xsoar/public/v1/incident`. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { plain, severityOf } from '../message.ts';

const SEVERITY: Record<Severity, number> = { info: 0.5, low: 1, medium: 2, high: 3, critical: 4 };

export default defineFormat({
  name: 'xsoar',
  content_type: 'application/json',
  body({ alert, data }) {
    const labels = [
      ['alert_id', alert.alert_id],
      ['rule_id', alert.rule_id],
      ['session_id', alert.session_id],
      ['user_id', alert.user_id],
      ['agent', alert.agent],
      ['tenant', alert.tenant],
      ...alert.tags.map((tag) => ['tag', tag]),
    ].map(([type = '', value = '']) => ({ type, value: plain(value) }));
    return JSON.stringify({
      name: plain(alert.title),
      type: 'Unclassified',
      severity: SEVERITY[severityOf(alert)],
      details: plain(alert.reason),
      labels,
      rawJSON: JSON.stringify(data),
      createInvestigation: true,
    });
  },
});
