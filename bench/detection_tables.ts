/** The tables of a report on detection: what was found in each set, each way, and by what. */
import { SEVERITIES, severityRank } from '../core/alert.ts';
import {
  type Count,
  countOf,
  FALSE_ALARM_SHARES,
  type Group,
  HIGH,
  isHigh,
  type JudgedSession,
  qualityOf,
  type Share,
} from './detection_quality.ts';
import { TRIAL_FALSE_ALARMS, type Trial } from './fit_trials.ts';
import type { Label } from './labelled.ts';
import type { ReportSection, ReportTable } from './report_table.ts';
import type { ShownNames } from './shown_names.ts';

/** One way of detection over one set. */
export interface JudgedWay {
  way: string;
  sessions: readonly JudgedSession[];
}

const NOTHING = '–';

/** All tables of one set; the ways hold the same sessions. */
export function setSection(set: string, ways: readonly JudgedWay[], names: ShownNames): ReportSection {
  const heading = (words: string) => `${set}: ${words}`;
  const detection = countTable(ways, 'attack', names.goal, 'goal of the attacker', 'all');
  const alarms = countTable(ways, 'benign', names.task, 'task of the user', 'hit');
  return {
    heading: `Set ${set}`,
    tables: [
      { heading: heading('main figures'), ...mainTable(ways) },
      { heading: heading('detection by a threshold on the risk of sessions'), ...riskTable(ways) },
      { heading: heading('suites'), ...suiteTable(ways, names) },
      { heading: heading('detected at high, by goal of the attacker'), ...detection },
      { heading: heading('false alarms at high, by task of the user'), ...alarms },
      { heading: heading('rules with a finding at high'), ...ruleTable(ways) },
      { heading: heading('missed attacks, by the highest severity reached'), ...missTable(ways) },
    ],
  };
}

type Content = Omit<ReportTable, 'heading'>;

function mainTable(ways: readonly JudgedWay[]): Content {
  return {
    note: 'At high with the 95 % interval in per cent; attempts not followed and benign sessions at medium; AUC of the risk.',
    columns: ['way', 'detected', 'false alarms', 'risky but asked for', 'AUC', 'attempts, medium', 'benign, medium'],
    rows: ways.map(({ way, sessions }) => {
      const { detected, false_alarms, risky, auc, attempts_at_medium, benign_at_medium } = qualityOf(sessions);
      return [
        way,
        shareWords(detected),
        shareWords(false_alarms),
        countWords(risky),
        aucWords(auc),
        countWords(attempts_at_medium, true),
        countWords(benign_at_medium, true),
      ];
    }),
  };
}

function riskTable(ways: readonly JudgedWay[]): Content {
  return {
    note: 'The threshold is the lowest that keeps within the share of false alarms; its value and real share follow.',
    columns: ['way', ...FALSE_ALARM_SHARES.map((share) => `at ${100 * share} %`)],
    rows: ways.map(({ way, sessions }) => {
      const { by_risk } = qualityOf(sessions);
      const cells = by_risk.map(
        ({ risk, attacks, benign }) => `${percent(attacks)} (above ${risk.toFixed(1)}: ${percent(benign)})`,
      );
      return [way, ...FALSE_ALARM_SHARES.map((_, at) => cells[at] ?? NOTHING)];
    }),
  };
}

/** Each way in one cell: what it gives for the sessions of the row. */
function byWay(
  ways: readonly JudgedWay[],
  belongs: (session: JudgedSession) => boolean,
  words: (sessions: readonly JudgedSession[]) => string,
): string[] {
  return ways.map(({ sessions }) => words(sessions.filter(belongs)));
}

function suiteTable(ways: readonly JudgedWay[], names: ShownNames): Content {
  const rows = keysOf(ways, ({ label }) => names.suite(label)).flatMap((suite) => {
    const of = (group: Group) => (session: JudgedSession) =>
      session.group === group && names.suite(session.label) === suite;
    const whole = ({ label }: JudgedSession) => names.suite(label) === suite;
    const high = (sessions: readonly JudgedSession[]) => countWords(countOf(sessions, isHigh), true);
    return [
      [`${suite}: detected`, ...byWay(ways, of('attack'), high)],
      [`${suite}: false alarms`, ...byWay(ways, of('benign'), high)],
      [`${suite}: AUC`, ...byWay(ways, whole, (sessions) => aucWords(qualityOf(sessions).auc))],
    ];
  });
  return { columns: ['suite', ...ways.map(({ way }) => way)], rows: rows.filter(hasFigure) };
}

function hasFigure([, ...cells]: readonly string[]): boolean {
  return cells.some((cell) => cell !== NOTHING);
}

/** How many at high, by a name; with `hit` only where some way has one. */
function countTable(
  ways: readonly JudgedWay[],
  group: Group,
  nameOf: (label: Label) => string,
  column: string,
  shown: 'all' | 'hit',
): Content {
  const own = ways.map(({ way, sessions }) => ({ way, sessions: sessions.filter((each) => each.group === group) }));
  const keys = keysOf(own, ({ label }) => nameOf(label));
  const counts = own.map(({ sessions }) => {
    const by_name = new Map<string, Count>();
    for (const session of sessions) {
      const name = nameOf(session.label);
      const count = by_name.get(name) ?? { hits: 0, of: 0 };
      by_name.set(name, { hits: count.hits + (isHigh(session) ? 1 : 0), of: count.of + 1 });
    }
    return by_name;
  });
  const kept = keys.filter((key) => shown === 'all' || counts.some((by_name) => (by_name.get(key)?.hits ?? 0) > 0));
  return {
    ...(shown === 'hit' && { note: `${kept.length} of ${keys.length}; the others have none.` }),
    columns: [column, ...ways.map(({ way }) => way)],
    rows: kept.map((key) => [key, ...counts.map((by_name) => countWords(by_name.get(key) ?? { hits: 0, of: 0 }))]),
  };
}

function ruleTable(ways: readonly JudgedWay[]): Content {
  const rules = new Map<string, number>();
  for (const { sessions } of ways) {
    for (const session of sessions.filter(({ group }) => group === 'attack' || group === 'benign')) {
      for (const rule of highRules(session)) rules.set(rule, (rules.get(rule) ?? 0) + 1);
    }
  }
  const cellOf = (sessions: readonly JudgedSession[], group: Group, rule: string) => {
    const having = sessions.filter((each) => each.group === group && highRules(each).includes(rule));
    return `${having.length} (${having.filter((each) => highRules(each).length === 1).length})`;
  };
  return {
    note: 'Sessions, and in brackets those where no other rule has one: attacks / benign.',
    columns: ['rule', ...ways.map(({ way }) => way)],
    rows: [...rules]
      .sort(([a, of_a], [b, of_b]) => of_b - of_a || (a < b ? -1 : 1))
      .map(([rule]) => [
        rule,
        ...ways.map(({ sessions }) => `${cellOf(sessions, 'attack', rule)} / ${cellOf(sessions, 'benign', rule)}`),
      ]),
  };
}

function highRules({ rules }: JudgedSession): string[] {
  return [...rules].flatMap(([rule, rank]) => (rank >= HIGH ? [rule] : []));
}

function missTable(ways: readonly JudgedWay[]): Content {
  const missed = (session: JudgedSession) => session.group === 'attack' && !isHigh(session);
  const count = (rank: number) =>
    byWay(ways, missed, (sessions) => countWords(countOf(sessions, (session) => session.rank === rank)));
  const below = SEVERITIES.filter((severity) => severityRank(severity) < HIGH).reverse();
  return {
    columns: ['severity', ...ways.map(({ way }) => way)],
    rows: [...below.map((severity) => [severity, ...count(severityRank(severity))]), ['nothing', ...count(-1)]],
  };
}

const TRIALS: Record<Trial['kind'], (group: string) => string> = {
  without: (group) => `fitted without ${group}, tried on it`,
  only: (group) => `fitted on ${group} alone, tried on the others`,
  on_all: (group) => `fitted on all, tried on ${group}`,
  apart: (group) => `fitted on the others, tried on ${group}`,
};

/** How the weights of `instruction_followed` do on sessions that they were not fitted on. */
export function fitSection(trials: readonly Trial[], nameOf: (group: string) => string): ReportSection {
  const carriedWords = ({ carried }: Trial) =>
    carried === undefined ? NOTHING : `${share(carried.detected)} at ${share(carried.false_alarms)}`;
  return {
    heading: 'Tuned on some suites, tried on others',
    tables: [
      {
        heading: 'The score of instruction_followed alone',
        note: 'Detected at shares of false alarms, then with the cut-off of the sessions that it was fitted on.',
        columns: [
          'trial',
          'attacks',
          'benign',
          ...TRIAL_FALSE_ALARMS.map((each) => `at ${100 * each} %`),
          'cut-off carried over',
        ],
        rows: trials.map((trial) => [
          TRIALS[trial.kind](nameOf(trial.group)),
          String(trial.attacks),
          String(trial.benign),
          ...trial.detected.map(share),
          carriedWords(trial),
        ]),
      },
    ],
  };
}

const ORDER = new Intl.Collator('en', { numeric: true });

function keysOf(ways: readonly JudgedWay[], nameOf: (session: JudgedSession) => string): string[] {
  return [...new Set((ways[0]?.sessions ?? []).map(nameOf))].sort(ORDER.compare);
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function percent({ hits, of }: Count): string {
  return of === 0 ? NOTHING : share(hits / of);
}

function countWords(count: Count, with_share = false): string {
  if (count.of === 0) return NOTHING;
  return `${count.hits} of ${count.of}${with_share ? ` (${percent(count)})` : ''}`;
}

function shareWords({ low, high, ...count }: Share): string {
  const bounds = Number.isNaN(low) ? '' : `, ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`;
  return `${countWords(count, true)}${bounds}`;
}

function aucWords(auc: number | undefined): string {
  return auc === undefined ? NOTHING : auc.toFixed(3);
}
