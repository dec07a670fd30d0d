/** Short ways to rules and records for tests. */
import { expect } from 'vitest';
import { type CompiledRules, type CompileOptions, compileRules } from '../detectors/sigma/compile.ts';
import type { RuleSet } from '../detectors/sigma/ir.ts';
import { formatRuleError } from '../detectors/sigma/issues.ts';
import { type LinkOptions, linkRules } from '../detectors/sigma/link.ts';
import type { RuleRecord } from '../detectors/sigma/record.ts';
import type { RuleMatch } from '../detectors/sigma/rows.ts';
import { parseRuleFile } from '../detectors/sigma/rule_file.ts';

/** The set of a file without errors. */
export function setOf(text: string, options: LinkOptions = {}): RuleSet {
  expect(errorsOf(text, options)).toEqual([]);
  return linkRules(parseRuleFile(text, 'rules.yml').rules, options).set;
}

/** All errors of a file that stands alone, one line each. */
export function errorsOf(text: string, options: LinkOptions = {}): string[] {
  const parsed = parseRuleFile(text, 'rules.yml');
  const linked = parsed.errors.length === 0 ? linkRules(parsed.rules, options) : undefined;
  return [...parsed.errors, ...(linked?.errors ?? [])].map(formatRuleError);
}

export function rulesOf(text: string, options: CompileOptions = {}): CompiledRules {
  return compileRules(setOf(text), options);
}

export interface RecordFields extends Record<string, unknown> {
  seq: number;
}

/** A record with the fields that are given, a second after the one with the number before. */
export function record(fields: RecordFields): RuleRecord {
  const text = (value: unknown, otherwise: string) => (typeof value === 'string' ? value : otherwise);
  const number = (value: unknown, otherwise: number) => (typeof value === 'number' ? value : otherwise);
  const point = {
    tenant: text(fields.tenant, 'default'),
    log: text(fields.log, 'log'),
    seq: fields.seq,
    event_id: `e${fields.seq}`,
    time_ms: number(fields.time_ms, fields.seq * 1_000),
    session_id: text(fields.session_id, 's'),
    session_seq: number(fields.session_seq, fields.seq),
    type: text(fields.type, 'tool.call'),
    server: text(fields.server, ''),
    tool: text(fields.tool, ''),
    call_id: text(fields.call_id, ''),
  };
  const all: Record<string, unknown> = { ...point, ...fields };
  const get = (field: string): unknown =>
    field in all
      ? all[field]
      : field.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], all);
  return { ...point, get };
}

/** Runs events through rules; each match as `rule: events`, in the order of telling. */
export function run(rules: CompiledRules, records: readonly RuleRecord[]): string[] {
  return records.flatMap((each) => rules.observe(each)).map(shown);
}

export function shown(match: RuleMatch): string {
  return `${match.rule_id}: ${match.events.map(({ point }) => point.event_id).join(' ')}`;
}

/** Base rules named after the tools that they match. */
export function toolRules(...tools: string[]): string {
  return tools
    .map(
      (tool) => `title: ${tool}
name: ${tool}
logsource: { product: tracewarden }
detection:
  is: { tool: ${tool} }
  condition: is
---
`,
    )
    .join('');
}
