/** One line of the Common Event Format. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { type Message, plain, severityOf } from '../message.ts';

const SEVERITY: Record<Severity, number> = { info: 1, low: 3, medium: 5, high: 8, critical: 10 };

const header = (text: string) => plain(text).replace(/[\\|]/g, '\\$&');
const extension = (text: string) => plain(text).replace(/[\\=]/g, '\\$&');

/** The line, in which no text can end a field or the line. */
export function cefLine({ alert, type }: Message): string {
  const fields = ['CEF:0', 'Tracewarden', 'Tracewarden', '1', header(alert.rule_id), header(alert.title)];
  const more: Record<string, string | number> = {
    externalId: alert.alert_id,
    cat: type,
    rt: alert.raised_at_ms,
    start: alert.time_ms,
    suser: alert.user_id,
    msg: alert.reason,
    cs1Label: 'session',
    cs1: alert.session_id,
    cs2Label: 'agent',
    cs2: alert.agent,
    cs3Label: 'tenant',
    cs3: alert.tenant,
    cs4Label: 'tags',
    cs4: alert.tags.join(' '),
    cn1Label: 'risk',
    cn1: alert.risk,
  };
  const pairs = Object.entries(more).map(([name, value]) => `${name}=${extension(String(value))}`);
  return [...fields, SEVERITY[severityOf(alert)], pairs.join(' ')].join('|');
}

export default defineFormat({
  name: 'cef',
  content_type: 'text/plain; charset=utf-8',
  body: (message) => cefLine(message),
});
