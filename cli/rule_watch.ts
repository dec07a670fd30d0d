/** Keeps the rules in operation as the operator's folder has them: read at start, and again when a file changes. */
import { AppError, messageOf } from '../core/errors.ts';
import type { Engine } from '../detectors/engine.ts';
import { folderState, type LoadedRules, loadRules } from '../detectors/load_rules.ts';
import { IR_VERSION } from '../detectors/sigma/ir.ts';
import { formatRuleError, type RuleError } from '../detectors/sigma/issues.ts';

const LOOK_MS = 5_000;
const ERRORS_TOLD_MAX = 20;
const NO_RULES: LoadedRules = {
  set: { ir_version: IR_VERSION, rules: [] },
  examples: new Map(),
  errors: [],
  files: [],
};

export interface RuleWatch {
  /** Looks now whether a file changed. Resolves when the rules in operation are those of the folder, or were kept. */
  look(): Promise<void>;
  /** The rules in operation. */
  current(): LoadedRules;
  /** What is wrong with the folder's files, as they were last read. */
  refused(): readonly RuleError[];
  close(): void;
}

export interface RuleWatchOptions {
  /** A folder of the operator's own rules; without it only the shipped ones run. */
  folder?: string | undefined;
  /** Ids of detectors and rules that find nothing. */
  off: ReadonlySet<string>;
  engine: Engine;
  signals: ReadonlySet<string>;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

/**
 * Puts the rules into operation. A faulty file of the folder is refused with line and reason: at the start the sound
 * rules run without it, later the rules that ran before go on. Throws `rules_unreadable` when the folder cannot be read
 * at the start.
 */
export async function watchRules(options: RuleWatchOptions): Promise<RuleWatch> {
  const { folder, off, engine, signals, onNotice } = options;
  let state = '';
  let current: LoadedRules = NO_RULES;
  let refused: readonly RuleError[] = [];
  const read = async (): Promise<LoadedRules> => {
    if (folder !== undefined) state = await folderState(folder);
    return silenced(await loadRules({ folder, signals }), off);
  };
  const tell = (rules: LoadedRules) => {
    for (const error of rules.errors.slice(0, ERRORS_TOLD_MAX)) {
      onNotice('rule_refused', { error: formatRuleError(error) });
    }
  };
  const look = async (): Promise<void> => {
    if (folder === undefined) return;
    try {
      if ((await folderState(folder)) === state) return;
      const rules = await read();
      tell(rules);
      refused = rules.errors;
      if (rules.errors.length > 0) return;
      engine.useRules(rules.set);
      current = rules;
      onNotice('rules_loaded', { rules: rules.set.rules.length });
    } catch (error) {
      onNotice('rules_unreadable', { error: messageOf(error) });
    }
  };
  const first = await read().catch((cause: unknown) => {
    throw new AppError('rules_unreadable', `the folder of rules "${folder}" cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  });
  checkKnown(first, options);
  tell(first);
  current = first;
  refused = first.errors;
  engine.useRules(first.set);
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return { look, current: () => current, refused: () => refused, close: () => clearInterval(timer) };
}

/** Rules that are off are still there for others that refer to them; they tell nothing themselves. */
function silenced(rules: LoadedRules, off: ReadonlySet<string>): LoadedRules {
  const of = rules.set.rules.map((rule) => (off.has(rule.rule_id) ? { ...rule, emit: false } : rule));
  return { ...rules, set: { ...rules.set, rules: of } };
}

/** Who switches off what is not there has mistyped it, and believes that something is off. */
function checkKnown({ set }: LoadedRules, { off, signals }: RuleWatchOptions): void {
  const known = new Set([...signals, ...set.rules.map(({ rule_id }) => rule_id)]);
  const unknown = [...off].find((id) => !known.has(id));
  if (unknown === undefined) return;
  throw new AppError(
    'config_invalid',
    `rules_off: there is no detector or rule ${JSON.stringify(unknown).slice(0, 80)}`,
  );
}
