/** An alert of TheHive 5, for `POST /api/v1/alert`. Its type, source and sourceRef together are unique there. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { plain, severityOf } from '../message.ts';

const SEVERITY: Record<Severity, number> = { info: 1, low: 1, medium: 2, high: 3, critical: 4 };
const AMBER = 2;
const DESCRIPTION_CHARS_MAX = 4_000;

/** Markdown is read there: what is quoted must not become a link, an image or markup. */
const inert = (text: string) => plain(text).replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');

export default defineFormat({
  name: 'thehive',
  content_type: 'application/json',
  body({ alert, type }) {
    const observables = [
      { dataType: 'other', data: plain(alert.session_id), tags: ['session'] },
      { dataType: 'other', data: plain(alert.user_id), tags: ['user'] },
      { dataType: 'other', data: plain(alert.agent), tags: ['agent'] },
    ].filter(({ data }) => data.trim() !== '');
    return JSON.stringify({
      type,
      source: 'tracewarden',
      sourceRef: alert.alert_id,
      title: plain(alert.title),
      description: inert(alert.reason).slice(0, DESCRIPTION_CHARS_MAX),
      severity: SEVERITY[severityOf(alert)],
      date: alert.time_ms,
      tags: [`rule:${alert.rule_id}`, ...alert.tags.map(plain)],
      tlp: AMBER,
      pap: AMBER,
      observables,
    });
  },
});
