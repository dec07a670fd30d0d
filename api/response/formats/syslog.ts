/** The CEF line in a syslog message of RFC 5424, for collectors that take syslog over HTTP. */
import type { Severity } from '../../../core/alert.ts';
import { defineFormat } from '../format.ts';
import { severityOf } from '../message.ts';
import { cefLine } from './cef.ts';

const FACILITY_SECURITY = 13; // log audit
const LEVEL: Record<Severity, number> = { info: 6, low: 5, medium: 4, high: 3, critical: 2 };

export default defineFormat({
  name: 'syslog',
  content_type: 'text/plain; charset=utf-8',
  body(message) {
    const priority = FACILITY_SECURITY * 8 + LEVEL[severityOf(message.alert)];
    const time = new Date(message.time_ms).toISOString();
    return `<${priority}>1 ${time} - tracewarden - ${message.type} - ${cefLine(message)}`;
  },
});
