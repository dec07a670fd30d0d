/** Edges and signals as the API shows them. */
import { z } from '@hono/zod-openapi';
import { SEVERITIES, type Severity } from '../core/alert.ts';
import type { StoredEdge } from '../core/store/queries/edges.ts';
import type { StoredSignal } from '../core/store/queries/signals.ts';

const End = z.object({ seq: z.int(), event_id: z.string(), server: z.string(), tool: z.string() });
const share = (description: string) => z.number().min(0).max(1).openapi({ description });

export const EdgeView = z
  .object({
    from: End.openapi({ description: 'the result, or another event, in which the value stood' }),
    to: End.openapi({ description: 'the call in which it arrived' }),
    path: z.string().openapi({ description: 'the parameter' }),
    destination: z
      .boolean()
      .openapi({ description: 'whether the name of the parameter says that it names a destination' }),
    kind: z.string().openapi({ description: 'email, host, secret, identifier, text ...' }),
    digest: z.string().nullable().openapi({ description: 'the same for the same value; null without content:read' }),
    preview: z.string().nullable().openapi({ description: 'the value, secrets masked; null without content:read' }),
    sentence: z.string().nullable().openapi({ description: 'in which it stood; null without content:read' }),
    field: z.string().nullable().openapi({
      description: 'of the result; empty in running text, null without content:read',
    }),
    occurrence: z.string().openapi({ description: 'how it stood there' }),
    in_prompt: z.boolean().openapi({ description: 'whether the user had named it' }),
    encodings: z.array(z.string()).openapi({ description: 'how it was wrapped, outermost first' }),
    strength: share('how surely the value came from there'),
    chars: z.int(),
    source_share: share('of the string in the result'),
    parameter_share: share('of the parameter'),
    untrusted: z.boolean().openapi({ description: 'whether others may have written what it stood in' }),
    sensitivity: z.string().openapi({ description: 'of the source' }),
    memory_store: z.string().nullable(),
    split: z
      .object({ calls: z.int(), chars: z.int(), coverage: share('of the source') })
      .nullable()
      .openapi({ description: 'of a value that went out in pieces' }),
  })
  .openapi('Edge');

export const SignalView = z
  .object({
    finding_id: z.string(),
    rule_id: z.string(),
    rule_version: z.int(),
    severity: z.enum(SEVERITIES),
    risk: z.int().openapi({ description: 'what it adds to the risk of the session, 0 to 100' }),
    title: z.string(),
    reason: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    agent: z.string(),
    time: z.string(),
    tags: z.array(z.string()).openapi({ description: 'MITRE ATLAS and OWASP ids' }),
    evidence: z.array(z.object({ log: z.string(), seq: z.int(), event_id: z.string(), role: z.string() })),
    late: z
      .boolean()
      .openapi({ description: 'found only when an event came that was older than what had been looked at' }),
  })
  .openapi('Signal');

/** The view of one edge. What came out of content is withheld without the right to read it. */
export function edgeView(edge: StoredEdge, with_content: boolean): z.infer<typeof EdgeView> {
  const content = (text: string) => (with_content ? text : null);
  const { path, kind, occurrence, encodings, sensitivity, chars, split_calls, split_chars } = edge;
  return {
    from: { seq: edge.from_seq, event_id: edge.from_event_id, server: edge.from_server, tool: edge.from_tool },
    to: { seq: edge.to_seq, event_id: edge.to_event_id, server: edge.to_server, tool: edge.to_tool },
    path,
    destination: edge.destination === 1,
    kind,
    digest: content(edge.digest),
    preview: content(edge.preview),
    sentence: content(edge.sentence),
    field: content(edge.field),
    occurrence,
    in_prompt: edge.in_prompt === 1,
    encodings,
    strength: edge.strength_permille / 1_000,
    chars,
    source_share: edge.source_permille / 1_000,
    parameter_share: edge.parameter_permille / 1_000,
    untrusted: edge.untrusted === 1,
    sensitivity,
    memory_store: edge.memory_store === '' ? null : edge.memory_store,
    split: split_calls === 0 ? null : { calls: split_calls, chars: split_chars, coverage: edge.split_permille / 1_000 },
  };
}

/** What an explanation quotes from content stands between these marks. */
const QUOTED = /“[^”]*”/g;

/** The view of one signal. Quotations from content are withheld without the right to read it. */
export function signalView(
  { log: _, seq: __, time_ms, severity, evidence, late, ...row }: StoredSignal,
  with_content: boolean,
): z.infer<typeof SignalView> {
  const withheld = (text: string) => (with_content ? text : text.replace(QUOTED, '“(withheld)”'));
  return {
    ...row,
    title: withheld(row.title),
    reason: withheld(row.reason),
    severity: severity as Severity,
    time: new Date(time_ms).toISOString(),
    evidence: JSON.parse(evidence) as z.infer<typeof SignalView>['evidence'],
    late: late === 1,
  };
}
