/** Reads folders of YAML rules: those that come with the program, and a user's own. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RuleError } from './sigma/issues.ts';
import { type LinkedRules, linkRules } from './sigma/link.ts';
import { type ParsedRule, parseRuleFile } from './sigma/rule_file.ts';

const SHIPPED = fileURLToPath(new URL('./rules/', import.meta.url));
const FILES_MAX = 1_000;
const FILE_BYTES_MAX = 1_048_576;

export interface LoadedRules extends LinkedRules {
  /** Files that were read. */
  files: string[];
}

export interface RuleOptions {
  /** A folder of rules beside the shipped ones. */
  folder?: string | undefined;
  /** Ids of the signals that detectors emit. */
  signals: ReadonlySet<string>;
}

/** Whether a rule's file comes with the program. */
export function isShipped(file: string): boolean {
  return file.startsWith(SHIPPED);
}

/** All rules of the shipped folder and of the user's, joined. Throws only when a folder cannot be read. */
export async function loadRules(options: RuleOptions): Promise<LoadedRules> {
  const { parsed, errors, files } = await parseAll(options);
  const linked = linkRules(parsed, options);
  return { ...linked, errors: [...errors, ...linked.errors], files };
}

/**
 * The same with the rules of a text in the place of those with the same ids, for trying them. `own` are the ids of the
 * text's rules that can be told; the errors are those of the text alone. Throws only when a folder cannot be read.
 */
export async function loadRulesWith(text: string, options: RuleOptions): Promise<LoadedRules & { own: string[] }> {
  const { parsed, files } = await parseAll(options);
  const tried = parseRuleFile(text, TRIED);
  const ids = new Set(tried.rules.map(idOf));
  const linked = linkRules([...parsed.filter((rule) => !ids.has(idOf(rule))), ...tried.rules], options);
  const errors = [...tried.errors, ...linked.errors].filter(({ file }) => file === TRIED);
  const own = linked.set.rules
    .filter(({ source, emit }) => source.file === TRIED && emit)
    .map(({ rule_id }) => rule_id);
  return { ...linked, errors, files, own };
}

/** What a text that is tried is called in errors. */
const TRIED = 'rule.yaml';
const idOf = (rule: ParsedRule) => (rule.kind === 'base' ? rule.rule : rule.meta).rule_id;

async function parseAll({
  folder,
}: RuleOptions): Promise<{ parsed: ParsedRule[]; errors: RuleError[]; files: string[] }> {
  const files = [...(await ruleFiles(SHIPPED)), ...(folder === undefined ? [] : await ruleFiles(folder))];
  const parsed: ParsedRule[] = [];
  const errors: RuleError[] = [];
  for (const file of files) {
    const { rules, errors: own } = await parseFile(file);
    parsed.push(...rules);
    errors.push(...own);
  }
  return { parsed, errors, files };
}

async function parseFile(file: string): Promise<{ rules: ParsedRule[]; errors: RuleError[] }> {
  const { size } = await stat(file);
  if (size > FILE_BYTES_MAX) {
    const problem = `a rule file has at most ${FILE_BYTES_MAX} bytes, this one ${size}`;
    return { rules: [], errors: [{ file, line: 1, column: 1, path: '', value: '', problem }] };
  }
  return parseRuleFile(await readFile(file, 'utf8'), file);
}

/** The YAML files of a folder, by name. */
async function ruleFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return names.slice(0, FILES_MAX).map((name) => join(folder, name));
}

/** A text that changes when a rule of the folder does: names, sizes and times of change. */
export async function folderState(folder: string): Promise<string> {
  const parts: string[] = [];
  for (const file of await ruleFiles(folder)) {
    const { size, mtimeMs } = await stat(file);
    parts.push(`${file} ${size} ${mtimeMs}`);
  }
  return parts.join('\n');
}
