/** An operator's patterns for redaction, on an engine whose time is linear in the text. */
import { RE2JS } from 're2js';
import { AppError, messageOf } from '../../core/errors.ts';
import type { PatternMatcher } from '../../ingest/redaction/redactor.ts';

/** Throws `config_invalid` for what is no expression, or one that matches nothing at all. */
export function compilePattern(source: string): PatternMatcher {
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(source);
  } catch (cause) {
    throw new AppError('config_invalid', `redact.patterns: ${messageOf(cause)}`, { cause });
  }
  return function* (text) {
    const matcher = pattern.matcher(text);
    while (matcher.find()) yield { start: matcher.start(), end: matcher.end() };
  };
}
