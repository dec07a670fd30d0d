/** An alert as the API shows it. */
import { z } from '@hono/zod-openapi';
import { SEVERITIES, type Severity } from '../core/alert.ts';
import type { AlertRow } from '../core/store/queries/alerts.ts';

export const AlertView = z
  .object({
    alert_id: z.string(),
    seq: z.int(),
    rule_id: z.string(),
    rule_version: z.int(),
    severity: z.enum(SEVERITIES),
    risk: z.int(),
    status: z.literal('new'),
    title: z.string(),
    reason: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    agent: z.string(),
    time: z.string(),
    raised_at: z.string(),
    tags: z.array(z.string()).openapi({ description: 'MITRE ATLAS and OWASP ids' }),
    evidence: z.array(z.object({ log: z.string(), seq: z.int(), event_id: z.string(), role: z.string() })),
  })
  .openapi('Alert');

/** What an explanation quotes from content stands between these marks. */
const QUOTED = /“[^”]*”/g;

/** The view of one row. Without the right to read content, quotations from it are withheld. */
export function alertView(
  { log: _, time_ms, raised_at_ms, severity, evidence, ...row }: AlertRow,
  with_content: boolean,
): z.infer<typeof AlertView> {
  const withheld = (text: string) => (with_content ? text : text.replace(QUOTED, '“(withheld)”'));
  return {
    ...row,
    title: withheld(row.title),
    reason: withheld(row.reason),
    severity: severity as Severity,
    status: 'new',
    time: new Date(time_ms).toISOString(),
    raised_at: new Date(raised_at_ms).toISOString(),
    evidence: JSON.parse(evidence) as z.infer<typeof AlertView>['evidence'],
  };
}
