/** `tracewarden rules list | check | test | backtest`: the YAML rules, without a store. */
import type { Command } from 'commander';
import type { Severity } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { SCHEMA_VERSION } from '../../core/event.ts';
import type { Detector } from '../../detectors/detector.ts';
import { createEngine } from '../../detectors/engine.ts';
import { loadDetectors } from '../../detectors/load.ts';
import { type LoadedRules, loadRules } from '../../detectors/load_rules.ts';
import { runExamples } from '../../detectors/run_examples.ts';
import { runRulesExamples } from '../../detectors/run_rule_examples.ts';
import { formatRuleError } from '../../detectors/sigma/issues.ts';
import { createEventReader } from '../../ingest/event_reader.ts';
import { failWith } from '../command.ts';
import { EXIT } from '../exit_codes.ts';
import { openLines } from '../line_source.ts';
import { inert, print, printJson, say } from '../output.ts';

interface RuleFlags {
  rules?: string;
  json?: boolean;
  events?: string;
}

export function rulesCommand(program: Command): void {
  const rules = program
    .command('rules')
    .description('the rules in YAML: what is there, whether it is sound, what it finds');
  const sub = (name: string, about: string) =>
    rules
      .command(name)
      .description(about)
      .option('--rules <folder>', 'a folder of rules of your own, beside those that come with the program')
      .option('--json', 'print JSON lines');
  sub('list', 'list detectors and rules').action(list);
  sub('check', 'read every rule file and say what is wrong with it, with line and reason').action(check);
  sub('test', 'run the examples of all detectors and rules through the engine').action(test);
  sub('backtest', 'run the rules over a file of events and count what they find')
    .requiredOption('--events <file>', 'JSON lines (.jsonl), the same packed (.gz), or - for standard input')
    .action(backtest);
}

async function load(flags: RuleFlags): Promise<{ detectors: Detector[]; rules: LoadedRules }> {
  const detectors = await loadDetectors();
  const signals = new Set(detectors.map(({ metadata }) => metadata.id));
  try {
    return { detectors, rules: await loadRules({ folder: flags.rules, signals }) };
  } catch (cause) {
    throw new AppError('rules_unreadable', `the folder of rules "${flags.rules ?? ''}" cannot be read`, { cause });
  }
}

async function list(flags: RuleFlags): Promise<void> {
  const { detectors, rules } = await load(flags);
  const rows = [
    ...detectors.map(({ metadata, group_by }) => ({ ...rowOf(metadata), kind: 'detector', group_by })),
    ...rules.set.rules
      .filter((rule) => rule.emit)
      .map((rule) => ({ ...rowOf({ ...rule, id: rule.rule_id }), kind: 'rule', group_by: '' })),
  ];
  for (const row of rows) {
    if (flags.json) printJson({ schema_version: SCHEMA_VERSION, ...row });
    else print(inert(`${row.severity.padEnd(8)} ${row.kind.padEnd(8)} ${row.rule_id.padEnd(28)} ${row.title}`));
  }
  tellErrors(rules);
}

function rowOf(of: {
  id: string;
  version: number;
  title: string;
  severity: Severity;
  status: string;
  tags: readonly string[];
}) {
  return {
    rule_id: of.id,
    version: of.version,
    title: of.title,
    severity: of.severity,
    status: of.status,
    tags: of.tags,
  };
}

async function check(flags: RuleFlags): Promise<void> {
  const { rules } = await load(flags);
  if (flags.json) {
    for (const error of rules.errors) printJson({ schema_version: SCHEMA_VERSION, ...error });
  } else {
    for (const error of rules.errors) print(inert(formatRuleError(error)));
    print(`${rules.files.length} files, ${rules.set.rules.length} rules in order, ${rules.errors.length} errors`);
  }
  if (rules.errors.length > 0) failWith(EXIT.failed);
}

async function test(flags: RuleFlags): Promise<void> {
  const { detectors, rules } = await load(flags);
  const outcomes = [
    ...runExamples(detectors).map(({ detector_id, example, fires, problem }) => ({
      rule_id: detector_id,
      example,
      fires,
      ...(problem && { problem }),
    })),
    ...runRulesExamples(rules, detectors),
  ];
  const wrong = outcomes.filter((outcome) => outcome.problem !== undefined);
  for (const outcome of outcomes) {
    if (flags.json) printJson({ schema_version: SCHEMA_VERSION, ...outcome });
    else if (outcome.problem !== undefined) print(inert(`${outcome.rule_id}: ${outcome.example}: ${outcome.problem}`));
  }
  if (!flags.json) print(`${outcomes.length - wrong.length} examples hold, ${wrong.length} do not`);
  tellErrors(rules);
  if (wrong.length > 0 || rules.errors.length > 0) failWith(EXIT.failed);
}

async function backtest(flags: RuleFlags & { events: string }): Promise<void> {
  const { detectors, rules } = await load(flags);
  const engine = createEngine({ detectors, rules: rules.set });
  const own = new Set(rules.set.rules.map((rule) => rule.rule_id));
  const found = new Map<string, { findings: number; sessions: Set<string>; severity: Severity }>();
  const reader = createEventReader(Date.now());
  let events = 0;
  const count = (detected: ReturnType<typeof engine.flush>) => {
    for (const { rule_id, severity, session_id } of detected.findings) {
      if (!own.has(rule_id)) continue;
      const entry = found.get(rule_id) ?? { findings: 0, sessions: new Set(), severity };
      entry.findings++;
      if (entry.sessions.size < SESSIONS_COUNTED_MAX) entry.sessions.add(session_id);
      found.set(rule_id, entry);
    }
  };
  const source = openLines(flags.events, (bytes) => say(`a line of ${bytes} bytes is left out`));
  for await (const line of source.lines) {
    const read = reader.read(line);
    if (!('event' in read)) continue;
    events++;
    count(engine.observe(read.event));
  }
  count(engine.flush());
  for (const rule_id of [...own].sort()) {
    const entry = found.get(rule_id);
    if (entry === undefined && !rules.set.rules.some((rule) => rule.rule_id === rule_id && rule.emit)) continue;
    const row = { rule_id, findings: entry?.findings ?? 0, sessions: entry?.sessions.size ?? 0 };
    if (flags.json) printJson({ schema_version: SCHEMA_VERSION, ...row });
    else print(inert(`${String(row.findings).padStart(8)} findings in ${row.sessions} sessions  ${rule_id}`));
  }
  if (!flags.json) print(`${events} events read`);
  tellErrors(rules);
}

const SESSIONS_COUNTED_MAX = 1_000_000;

function tellErrors(rules: LoadedRules): void {
  for (const error of rules.errors) say(inert(formatRuleError(error)));
}
