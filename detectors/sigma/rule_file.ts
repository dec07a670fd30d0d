/** Reads a file of rules: YAML text in, rules or errors out. What rules refer to is decided by `link.ts`. */
import { parseBase } from './base_rule.ts';
import { type ParsedCorrelation, parseCorrelation } from './correlation_rule.ts';
import type { BaseRule } from './ir.ts';
import { Issues, member, type RuleError } from './issues.ts';
import { parseMeta, type RuleExample, type RuleMeta } from './rule_meta.ts';
import { readYaml, type Tree, type TreeMap } from './yaml_tree.ts';

interface ParsedParts {
  examples: RuleExample[];
  source: { file: string; line: number };
}

/** A rule as its file says it, before it is known what it refers to. */
export type ParsedRule =
  | (ParsedParts & { kind: 'base'; rule: BaseRule })
  | (ParsedParts & { kind: 'correlation'; meta: RuleMeta; correlation: ParsedCorrelation });

export interface ParsedFile {
  /** Those that are sound; a file with errors may still have some. */
  rules: ParsedRule[];
  errors: RuleError[];
}

/** The rules of one file. Bounded in time and memory whatever the text is; never throws for what the text holds. */
export function parseRuleFile(text: string, file: string): ParsedFile {
  const issues = new Issues(file);
  const { documents, problems } = readYaml(text.startsWith('\ufeff') ? text.slice(1) : text);
  for (const { place, problem } of problems) issues.add(place, '', problem);
  const rules = documents.flatMap((document) => parseRule(document, file, issues) ?? []);
  if (documents.length === 0 && problems.length === 0) issues.add({ line: 1, column: 1 }, '', 'holds no rule');
  return { rules, errors: issues.errors };
}

function parseRule(document: Tree, file: string, issues: Issues): ParsedRule | undefined {
  const map = issues.map(document, '');
  if (map === undefined) return undefined;
  const kind = kindOf(map, issues);
  const parsed = kind && parseMeta(map, kind, file, issues);
  if (kind === 'base') {
    const detected = parseBase(map, issues);
    if (!parsed || !detected) return undefined;
    const { meta, examples } = parsed;
    return { kind, rule: { kind, ...meta, ...detected }, examples, source: meta.source };
  }
  const correlation = kind && parseCorrelation(map, issues);
  if (!parsed || !correlation) return undefined;
  const { meta, examples } = parsed;
  return { kind: 'correlation', meta, correlation, examples, source: meta.source };
}

function kindOf(map: TreeMap, issues: Issues): 'base' | 'correlation' | undefined {
  const detection = member(map, 'detection') !== undefined;
  const correlation = member(map, 'correlation') !== undefined;
  if (detection !== correlation) return detection ? 'base' : 'correlation';
  return issues.at(map, '', 'needs `detection` or `correlation`, and not both');
}
