/** `tracewarden rules backtest`: what the rules find in a file of events, or in what is stored. */
import { type Command, Option } from 'commander';
import type { BacktestScope } from '../../api/backtest/rule_backtest.ts';
import { outcomeOfRule, type RuleOutcome } from '../../api/backtest/rule_outcome.ts';
import { readToolBook, readToolVariants } from '../../api/backtest/rule_tools.ts';
import type { Severity } from '../../core/alert.ts';
import { type Config, loadConfig } from '../../core/config.ts';
import { AppError } from '../../core/errors.ts';
import { openStoreOf } from '../../core/store/open.ts';
import type { Store } from '../../core/store/store.ts';
import { createCatalog } from '../../detectors/catalog/capabilities.ts';
import { type Detector, isCorrelator } from '../../detectors/detector.ts';
import { createEngine } from '../../detectors/engine.ts';
import type { LoadedRules } from '../../detectors/load_rules.ts';
import type { Refusal } from '../../detectors/sigma/sql/rule_query.ts';
import { createEventReader } from '../../ingest/event_reader.ts';
import { readVkey } from '../../ingest/keyring.ts';
import { openCatalogFiles } from '../catalog.ts';
import { failWith } from '../command.ts';
import { EXIT } from '../exit_codes.ts';
import { openLines } from '../line_source.ts';
import { inert, print, printJson, say } from '../output.ts';
import { loadRuleFiles, tellRuleErrors } from '../rule_files.ts';

interface BacktestFlags {
  rules?: string;
  json?: boolean;
  events?: string;
  data?: string;
  config?: string;
  since?: string;
  until?: string;
  tenant?: string;
  rule?: string;
}

const SESSIONS_COUNTED_MAX = 1_000_000;
/** Nothing is stored with a later time. */
const END_MS = 9_999_999_999_999;

/** Adds the options of `backtest` and what it does. */
export function backtestCommand(command: Command): void {
  command
    .option('--events <file>', 'JSON lines (.jsonl), the same packed (.gz), or - for standard input')
    .addOption(
      new Option('--data <dir>', 'folder of a log that no service holds open (default: data)').conflicts('events'),
    )
    .addOption(new Option('--config <file>', 'YAML file with settings').conflicts('events'))
    .addOption(new Option('--since <time>', 'RFC 3339; matches from then on').conflicts('events'))
    .addOption(new Option('--until <time>', 'RFC 3339; matches before then').conflicts('events'))
    .addOption(new Option('--tenant <tenant>', 'of this tenant (default: of all)').conflicts('events'))
    .addOption(new Option('--rule <rule_id>', 'this rule only').conflicts('events'))
    .action((flags: BacktestFlags) =>
      flags.events === undefined ? backtestStore(flags) : backtestFile(flags, flags.events),
    );
}

async function backtestFile(flags: BacktestFlags, file: string): Promise<void> {
  const { detectors, rules } = await loadRuleFiles(flags.rules);
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
  const source = openLines(file, (bytes) => say(`a line of ${bytes} bytes is left out`));
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
    if (flags.json) printJson(row);
    else print(inert(`${String(row.findings).padStart(8)} findings in ${row.sessions} sessions  ${rule_id}`));
  }
  if (!flags.json) print(`${events} events read`);
  tellRuleErrors(rules);
}

async function backtestStore(flags: BacktestFlags): Promise<void> {
  const since_ms = timeOf(flags.since, 'since') ?? 0;
  const until_ms = timeOf(flags.until, 'until') ?? END_MS;
  const config = loadConfig({ data: flags.data }, process.env, flags.config);
  const { detectors, rules } = await loadRuleFiles(flags.rules ?? config.rules_folder);
  const wanted = wantedRules(rules, flags.rule);
  const files = await openCatalogFiles(config.catalog_folder, (_notice, fields) => say(inert(String(fields.fault))));
  const catalog = createCatalog([], files);
  const store = await openStored(config);
  try {
    const tenant = flags.tenant ?? '';
    const tools = await readToolVariants(store, catalog, tenant);
    const book = await readToolBook(store);
    const now_ms = Date.now();
    const scope = { store, catalog, detectors: ofSessions(detectors), tools, book, tenant, since_ms, until_ms, now_ms };
    for (const rule_id of wanted) await backtestRule(rules, rule_id, scope, flags);
  } finally {
    await store.close();
  }
  tellRuleErrors(rules);
}

function timeOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  const time_ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time_ms)) throw new AppError('query_invalid', `--${flag} is not a time as RFC 3339 writes it`);
  return time_ms;
}

function wantedRules({ set }: LoadedRules, only: string | undefined): string[] {
  const told = set.rules.filter((rule) => (only === undefined ? rule.emit : rule.rule_id === only));
  if (told.length === 0 && only !== undefined) throw new AppError('not_found', `there is no rule "${only}"`);
  return told.map(({ rule_id }) => rule_id).sort();
}

/** What correlators find, rules do not see as signals. */
function ofSessions(detectors: readonly Detector[]): string[] {
  return detectors.filter((detector) => !isCorrelator(detector)).map(({ metadata }) => metadata.id);
}

/** Opens for reading only: nothing is repaired, nothing is taken over. */
async function openStored(config: Config): Promise<Store> {
  if (readVkey(config.data) === undefined) throw new AppError('no_log', `there is no log in ${config.data}`);
  return openStoreOf(config);
}

async function backtestRule(
  { set }: LoadedRules,
  rule_id: string,
  scope: BacktestScope,
  flags: BacktestFlags,
): Promise<void> {
  const outcome = await outcomeOfRule(set, rule_id, scope);
  if ('refused' in outcome) {
    tellRefused(outcome.refused, rule_id, flags);
    return;
  }
  if (flags.json) printJson({ rule_id, ...outcome });
  else printRule(rule_id, outcome);
}

function printRule(rule_id: string, outcome: RuleOutcome): void {
  const { findings, sessions, days, first_sessions, alerts, judged, false_positives } = outcome;
  print(inert(`${String(findings).padStart(8)} findings in ${sessions} sessions  ${rule_id}`));
  const more = (line: string) => print(inert(`${' '.repeat(10)}${line}`));
  for (const [day, number] of Object.entries(days)) more(`${day}  ${number}`);
  if (first_sessions.length > 0) {
    more(`first sessions: ${first_sessions.map(({ session_id }) => session_id).join(', ')}`);
  }
  if (alerts > 0) more(`${alerts} are alerts: ${judged} judged, ${false_positives} as false positives`);
  for (const [name, number] of Object.entries(outcome.limits)) more(`a limit was reached, ${name}: ${number}`);
  if (!outcome.filters)
    say(inert(`${rule_id}: SQL can tell nothing apart for it; all ${outcome.events} events were read`));
}

/** A rule that was not run is no rule without matches. */
function tellRefused(refused: readonly Refusal[], rule_id: string, flags: BacktestFlags): void {
  failWith(EXIT.failed);
  if (flags.json) printJson({ rule_id, refused });
  for (const each of refused) {
    say(
      inert(
        `${each.rule_id} (${each.file}:${each.line}) cannot be run over a store: ${each.construct} ${each.problem}`,
      ),
    );
  }
}
