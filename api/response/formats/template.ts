/**
 * A body of the user's own, as a Mustache template without logic: values, sections and lists of the message, and
 * nothing that runs. `{{name}}` writes a value so that it can stand in a JSON string.
 */
import mustache from 'mustache';
import { AppError } from '../../../core/errors.ts';
import { LIMITS } from '../../../core/limits.ts';
import { defineFormat } from '../format.ts';
import type { Message } from '../message.ts';

const { Context, Writer } = mustache;
type Token = [string, string, number, number, unknown?, ...unknown[]];

const failed = (why: string) => new AppError('template_failed', `template: ${why}`);
const SECTIONS_DEEP_MAX = 3;

/** The inside of a JSON string. */
const escaped = (value: unknown) =>
  JSON.stringify(typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(1, -1);

/** Checks a template without filling it. Throws `template_failed`. */
export function checkTemplate(template: string): void {
  parsed(template);
}

function parsed(template: string): Token[] {
  const { webhook_template_chars_max, webhook_template_tags_max } = LIMITS;
  if (template.length > webhook_template_chars_max)
    throw failed(`has at most ${webhook_template_chars_max} characters`);
  if (/\{\{\s*=/.test(template)) throw failed('must not change its delimiters');
  if (/\{\{\s*>/.test(template)) throw failed('must not take in other templates');
  let tokens: Token[];
  try {
    tokens = mustache.parse(template) as Token[];
  } catch {
    // The parser's own words repeat the template.
    throw failed('a section is not closed, or a tag is not');
  }
  const count = (list: Token[], depth: number): number => {
    if (depth > SECTIONS_DEEP_MAX) throw failed(`sections stand at most ${SECTIONS_DEEP_MAX} deep in one another`);
    return list.reduce((sum, token) => {
      const inside = Array.isArray(token[4]) ? count(token[4] as Token[], depth + 1) : 0;
      if (token[0] === '&') throw failed('must write values as {{name}}, so that they stay inside of a JSON string');
      return sum + (token[0] === 'text' ? 0 : 1) + inside;
    }, 0);
  };
  if (count(tokens, 0) > webhook_template_tags_max) throw failed(`has at most ${webhook_template_tags_max} tags`);
  return tokens;
}

/** Stops while it writes, since sections over lists multiply. */
class BoundedWriter extends Writer {
  private written = 0;

  override renderTokens(...args: Parameters<InstanceType<typeof Writer>['renderTokens']>): string {
    const text = super.renderTokens(...args);
    this.written += text.length;
    if (this.written > LIMITS.webhook_body_bytes_max) throw failed('its body becomes too long');
    return text;
  }
}

/** What a template sees: plain values without a prototype, so that no name leads to a function. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return Object.setPrototypeOf(value.map(bare), null);
  if (typeof value !== 'object' || value === null) return value;
  return Object.assign(Object.create(null), Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bare(v)])));
}

function render(message: Message, template: string): string {
  parsed(template);
  const { type, time_ms, data } = message;
  const view = bare({ type, timestamp: new Date(time_ms).toISOString(), data, ...data });
  return new BoundedWriter().render(template, new Context(view), undefined, { escape: escaped });
}

export default defineFormat({ name: 'template', content_type: 'application/json', body: render });
