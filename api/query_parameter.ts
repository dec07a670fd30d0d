/** The parameter `q` of lists: a query in the query language, as the condition that the list's rows have to meet. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { type Condition, compileQuery } from '../core/query/compile.ts';
import { parseQuery } from '../core/query/parse.ts';
import type { Subject } from '../core/query/subject.ts';
import { mayDo } from './auth/roles.ts';
import type { ApiEnv } from './context.ts';

/** Its length is checked with the query itself, whose error says more. */
export const QueryText = z.string().optional().openapi({
  description: 'a query, such as `user_id:alice and not tool:send_*`; docs/query-language.md',
});

/** The condition for a query of the one who asks, or undefined without one. Throws `query_invalid`, `forbidden`. */
export function conditionOf(
  c: Context<ApiEnv>,
  subject: Subject,
  text: string | undefined,
  now_ms: number,
): Condition | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const with_content = mayDo(c.var.principal.role, 'content:read');
  return compileQuery(parseQuery(text, subject), subject, { now_ms, with_content });
}
