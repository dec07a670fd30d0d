/** Alerts, what was done with them, and suppressions, as the API shows them. */
import { z } from '@hono/zod-openapi';
import { SEVERITIES, type Severity } from '../core/alert.ts';
import { ALERT_STATUSES, type AlertActionRow, VERDICTS, type Verdict } from '../core/alert_action.ts';
import { LIMITS } from '../core/limits.ts';
import type { AlertRow } from '../core/store/queries/alerts.ts';
import type { SuppressionRow } from '../core/store/queries/suppressions.ts';

/** Who acted: the key, and the name that it had then. */
export const Actor = z.object({ key_id: z.string(), name: z.string() }).openapi('Actor');

const scopeName = z.string().min(1).max(LIMITS.name_chars_max);

/** What a suppression covers: one rule, and of its findings those that agree with every member that is given. */
export const Scope = z
  .strictObject({
    rule_id: scopeName,
    user_id: scopeName.optional(),
    agent: scopeName.optional(),
    server: scopeName.optional(),
    tool: scopeName.optional(),
    sink_digest: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
      .optional(),
  })
  .openapi('SuppressionScope');

/** The scope of a suppression as it was made: it ends where findings are graver than its alert. */
const MadeScope = Scope.extend({
  severity_max: z
    .enum(SEVERITIES)
    .optional()
    .openapi({ description: 'the severity of its alert: graver findings are raised nevertheless' }),
}).openapi('MadeSuppressionScope');

export const AlertView = z
  .object({
    alert_id: z.string(),
    seq: z.int(),
    rule_id: z.string(),
    rule_version: z.int(),
    severity: z.enum(SEVERITIES),
    risk: z.int(),
    status: z.enum(ALERT_STATUSES),
    status_since: z.string().nullable().openapi({ description: 'null while nothing was done' }),
    verdict: z.enum(VERDICTS).nullable(),
    duplicate_of: z.string().nullable(),
    owner: Actor.nullable().openapi({ description: 'whose it is: assigned, or who brought it to its status' }),
    version: z
      .int()
      .openapi({ description: 'record number of the last action, 0 before the first; see expected_version' }),
    changed_at: z.string().nullable().openapi({ description: 'when that action was taken' }),
    changed_by: Actor.nullable(),
    last_note: z.string().nullable(),
    title: z.string(),
    reason: z.string(),
    session_id: z.string(),
    user_id: z.string(),
    agent: z.string(),
    time: z.string(),
    raised_at: z.string(),
    containment: z
      .object({
        command_id: z.string(),
        action: z.enum(['suspend', 'release']),
        state: z.string(),
        confirmed: z.boolean(),
      })
      .optional()
      .openapi({ description: 'the newest command that it led to; unconfirmed until a gateway applied it' }),
    tags: z.array(z.string()).openapi({ description: 'MITRE ATLAS and OWASP ids' }),
    added_tags: z.array(z.string()).openapi({ description: 'what people added' }),
    evidence: z.array(z.object({ log: z.string(), seq: z.int(), event_id: z.string(), role: z.string() })),
  })
  .openapi('Alert');

/** What an explanation quotes from content stands between these marks. */
const QUOTED = /“[^”]*”/g;
const WITHHELD = '(withheld)';

const orNull = (text: string): string | null => (text === '' ? null : text);
const timeOf = (ms: number): string => new Date(ms).toISOString();
const timeOrNull = (ms: number): string | null => (ms === 0 ? null : timeOf(ms));
/** What people wrote may repeat content: without the right to read content it is withheld. */
const written = (text: string, with_content: boolean): string | null =>
  text === '' ? null : with_content ? text : WITHHELD;

/** What a detector wrote, without the quotations where its reader may not read content. */
export const unquoted = (text: string, with_content: boolean): string =>
  with_content ? text : text.replace(QUOTED, `“${WITHHELD}”`);

/** The view of one row. Without the right to read content, quotations from it and what people wrote are withheld. */
export function alertView(alert: AlertRow, with_content: boolean): z.infer<typeof AlertView> {
  const { log: _, time_ms, raised_at_ms, status_since_ms, owner_id, owner_name, ...rest } = alert;
  const { changed_ms, changed_by_id, changed_by_name, changed_type: __, ...row } = rest;
  return {
    ...row,
    title: unquoted(row.title, with_content),
    reason: unquoted(row.reason, with_content),
    severity: row.severity as Severity,
    status_since: timeOrNull(status_since_ms),
    verdict: orNull(row.verdict) as Verdict | null,
    duplicate_of: orNull(row.duplicate_of),
    owner: owner_id === '' ? null : { key_id: owner_id, name: owner_name },
    changed_at: timeOrNull(changed_ms),
    changed_by: changed_by_id === '' ? null : { key_id: changed_by_id, name: changed_by_name },
    last_note: written(row.last_note, with_content),
    time: timeOf(time_ms),
    raised_at: timeOf(raised_at_ms),
    evidence: JSON.parse(row.evidence) as z.infer<typeof AlertView>['evidence'],
  };
}

export const ActionView = z
  .object({
    action_id: z.string().openapi({ description: 'event_id of its record' }),
    seq: z.int(),
    type: z.string(),
    at: z.string(),
    actor: Actor,
    status: z.enum(ALERT_STATUSES).nullable().openapi({ description: 'from here on; null where it stays' }),
    verdict: z.enum(VERDICTS).nullable(),
    duplicate_of: z.string().nullable(),
    note: z.string().nullable(),
    scope: MadeScope.nullable().openapi({ description: 'of a suppression' }),
    reason: z.string().nullable(),
    expires_at: z.string().nullable(),
    owner: Actor.nullable().openapi({ description: 'of an assignment' }),
    tags_added: z.array(z.string()),
    tags_removed: z.array(z.string()),
  })
  .openapi('AlertAction');

/** The view of one action. */
export function actionView(row: AlertActionRow, with_content: boolean): z.infer<typeof ActionView> {
  return {
    action_id: row.action_id,
    seq: row.seq,
    type: row.type,
    at: timeOf(row.acted_at_ms),
    actor: { key_id: row.actor, name: row.actor_name },
    status: orNull(row.status) as z.infer<typeof ActionView>['status'],
    verdict: orNull(row.verdict) as Verdict | null,
    duplicate_of: orNull(row.duplicate_of),
    note: written(row.note, with_content),
    scope: row.scope === '' ? null : (JSON.parse(row.scope) as z.infer<typeof MadeScope>),
    reason: written(row.reason, with_content),
    expires_at: timeOrNull(row.expires_at_ms),
    owner: row.owner_id === '' ? null : { key_id: row.owner_id, name: row.owner_name },
    tags_added: [...row.tags_added],
    tags_removed: [...row.tags_removed],
  };
}

export const SuppressionView = z
  .object({
    suppression_id: z.string().openapi({ description: 'event_id of the record that made it' }),
    alert_id: z.string().openapi({ description: 'the alert that it was made from; reopening it ends the suppression' }),
    scope: MadeScope,
    reason: z.string(),
    owner: Actor,
    from: z.string(),
    expires_at: z.string(),
    ended_at: z.string().nullable().openapi({ description: 'when its alert was reopened' }),
    in_force: z.boolean(),
    hits: z.int().openapi({ description: 'findings that it held back' }),
    last_hit_at: z.string().nullable(),
  })
  .openapi('Suppression');

/** The view of one suppression as of a time. */
export function suppressionView(
  row: SuppressionRow,
  now_ms: number,
  with_content: boolean,
): z.infer<typeof SuppressionView> {
  const { expires_at_ms, ended_at_ms } = row;
  return {
    suppression_id: row.suppression_id,
    alert_id: row.alert_id,
    scope: JSON.parse(row.scope) as z.infer<typeof MadeScope>,
    reason: written(row.reason, with_content) ?? '',
    owner: { key_id: row.owner_id, name: row.owner_name },
    from: timeOf(row.from_ms),
    expires_at: timeOf(expires_at_ms),
    ended_at: timeOrNull(ended_at_ms),
    in_force: expires_at_ms > now_ms && (ended_at_ms === 0 || ended_at_ms > now_ms),
    hits: row.hits,
    last_hit_at: timeOrNull(row.last_hit_ms),
  };
}
