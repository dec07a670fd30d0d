/** `tracewarden rules list | check | test`: the YAML rules, without a store. What runs them is in rules_backtest.ts. */
import type { Command } from 'commander';
import type { Severity } from '../../core/alert.ts';
import { SCHEMA_VERSION } from '../../core/event.ts';
import { runExamples } from '../../detectors/run_examples.ts';
import { runRulesExamples } from '../../detectors/run_rule_examples.ts';
import { formatRuleError } from '../../detectors/sigma/issues.ts';
import { failWith } from '../command.ts';
import { EXIT } from '../exit_codes.ts';
import { inert, print, printJson } from '../output.ts';
import { loadRuleFiles, tellRuleErrors } from '../rule_files.ts';
import { backtestCommand } from './rules_backtest.ts';

interface RuleFlags {
  rules?: string;
  json?: boolean;
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
  backtestCommand(sub('backtest', 'run the rules over a file of events, or over a log, and count what they find'));
}

async function list(flags: RuleFlags): Promise<void> {
  const { detectors, rules } = await loadRuleFiles(flags.rules);
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
  tellRuleErrors(rules);
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
  const { rules } = await loadRuleFiles(flags.rules);
  if (flags.json) {
    for (const error of rules.errors) printJson({ schema_version: SCHEMA_VERSION, ...error });
  } else {
    for (const error of rules.errors) print(inert(formatRuleError(error)));
    print(`${rules.files.length} files, ${rules.set.rules.length} rules in order, ${rules.errors.length} errors`);
  }
  if (rules.errors.length > 0) failWith(EXIT.failed);
}

async function test(flags: RuleFlags): Promise<void> {
  const { detectors, rules } = await loadRuleFiles(flags.rules);
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
  tellRuleErrors(rules);
  if (wrong.length > 0 || rules.errors.length > 0) failWith(EXIT.failed);
}
