/** What may be asked of an alert, as a request says it. */
import { z } from '@hono/zod-openapi';
import { VERDICTS } from '../core/alert_action.ts';
import { LIMITS } from '../core/limits.ts';
import type { WantedAction } from './alert_desk.ts';
import { Scope } from './alert_view.ts';
import { TimeParameter } from './paging.ts';

/** Line breaks may stand in it, and the joiners that some scripts and emoji need; nothing else that is not seen. */
const INERT = /^(?:[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|[\n\u200c\u200d])*$/u;

const prose = z
  .string()
  .max(LIMITS.note_chars_max)
  .regex(/\S/, 'must not be blank')
  .regex(INERT, 'must not hold control or format characters')
  .openapi({ description: 'plain text; no secrets, since records cannot be changed' });

const request_id = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters')
  .optional()
  .openapi({ description: 'who asks again with the same one acts once' });

/** An id of an alert, in an address or a body. */
export const AlertId = z.string().min(1).max(LIMITS.id_chars_max);

const Version = z
  .int()
  .min(0)
  .openapi({ description: 'the `version` of the alert as you saw it; when it has another by now, the answer is 409' });

/** Letters of any script, digits and a few marks: nothing that a page, a shell or a query would read as its own. */
const tag = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{M}\p{N}_.:/@#+-]*$/u,
    'must be letters, digits and _ . : / @ # + - and begin with a letter or digit',
  )
  .max(LIMITS.tag_chars_max)
  .refine((text) => text === text.normalize('NFC'), 'must be in Unicode normalization form C');
const tags = z.array(tag).min(1).max(LIMITS.tags_per_alert_max).optional();

const asked = { request_id, expected_version: Version.optional() };
const common = { ...asked, note: prose.optional() };

const Close = z
  .strictObject({
    action: z.literal('close'),
    ...common,
    verdict: z.enum(VERDICTS),
    duplicate_of: AlertId.optional().openapi({ description: 'alert_id of the other one; with the verdict duplicate' }),
    suppress: z
      .strictObject({
        scope: Scope.optional().openapi({ description: 'absent: the rule, for the user and the agent of the alert' }),
        reason: prose,
        expires_at: TimeParameter.unwrap(),
      })
      .optional()
      .openapi({ description: 'with the verdict benign: the like is held back until then' }),
  })
  .refine(({ verdict, suppress }) => suppress === undefined || verdict === 'benign', {
    path: ['suppress'],
    message: 'goes with the verdict benign alone',
  })
  .refine(({ verdict, duplicate_of }) => (verdict === 'duplicate') === (duplicate_of !== undefined), {
    path: ['duplicate_of'],
    message: 'goes with the verdict duplicate, and with no other',
  });

const Tag = z
  .strictObject({ action: z.literal('tag'), ...common, add: tags, remove: tags })
  .refine(({ add, remove }) => add !== undefined || remove !== undefined, {
    path: ['add'],
    message: 'or remove is needed',
  })
  .refine(({ add = [], remove = [] }) => !add.some((each) => remove.includes(each)), {
    path: ['remove'],
    message: 'must not name what add names',
  });

const owner = z.string().min(1).max(LIMITS.name_chars_max).optional().openapi({
  description: 'key_id of a key that may act on alerts, or its name where one key alone has it; absent: you',
});

/** What can be done with one alert or with several at once. */
export const SharedAction = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('acknowledge'), ...common }),
  Close,
  z.strictObject({ action: z.literal('reopen'), ...common }),
  z.strictObject({ action: z.literal('note'), ...asked, note: prose }),
  z.strictObject({ action: z.literal('assign'), ...common, owner }),
  z.strictObject({ action: z.literal('unassign'), ...common }),
  Tag,
]);

const Suppress = z.strictObject({
  action: z.literal('suppress'),
  ...asked,
  scope: Scope,
  reason: prose,
  expires_at: TimeParameter.unwrap(),
});

/** What can be done with one alert. Of a suppression the scope must be the alert's own. */
export const OneAction = z.discriminatedUnion('action', [...SharedAction.options, Suppress]);

/** What the desk is to do. */
export function wantedOf(body: z.infer<typeof OneAction>): WantedAction {
  if (body.action === 'suppress') return { ...body, expires_at_ms: Date.parse(body.expires_at) };
  if (body.action !== 'close') return body;
  const { suppress, ...close } = body;
  return suppress === undefined
    ? close
    : { ...close, suppress: { ...suppress, expires_at_ms: Date.parse(suppress.expires_at) } };
}
