/** What one rule finds in a store, counted, and how people judged what it found before. */
import type { Severity } from '../../core/alert.ts';
import { readJudgedAlerts } from '../../core/store/queries/judged_alerts.ts';
import type { Store } from '../../core/store/store.ts';
import type { RuleSet } from '../../detectors/sigma/ir.ts';
import { findingIdOfMatch } from '../../detectors/sigma/match_finding.ts';
import type { RuleMatch } from '../../detectors/sigma/rows.ts';
import type { Refusal } from '../../detectors/sigma/sql/rule_query.ts';
import { type BacktestScope, type RuleRun, runRule } from './rule_backtest.ts';

const SESSIONS_COUNTED_MAX = 1_000_000;
const SESSIONS_SHOWN = 5;
const ALERTS_JUDGED_MAX = 1_000_000;
/** Ids that are looked up at once. */
const ALERTS_AT_ONCE = 1_000;

/** The matches of one rule, counted. */
export interface RuleCounts {
  findings: number;
  sessions: number;
  /** Findings a day, in UTC. */
  days: Record<string, number>;
  first_sessions: { tenant: string; session_id: string }[];
}

export interface Judged {
  /** Findings that are alerts in this store. */
  alerts: number;
  /** Of these, judged to be false positives, and judged at all. */
  false_positives: number;
  judged: number;
}

export interface RuleOutcome extends RuleCounts, Judged, RuleRun {
  severity: Severity;
}

/** A finding that is an alert has the alert's id. */
interface FoundAlert {
  tenant: string;
  alert_id: string;
}

/** Runs a rule of the set over the store, or says why it cannot be run. */
export async function outcomeOfRule(
  set: RuleSet,
  rule_id: string,
  scope: BacktestScope,
): Promise<RuleOutcome | { refused: Refusal[] }> {
  const count = new RuleCount();
  const found: FoundAlert[] = [];
  const run = await runRule(set, rule_id, scope, (match) => {
    count.add(match);
    if (found.length < ALERTS_JUDGED_MAX) found.push({ tenant: match.tenant, alert_id: findingIdOfMatch(match) });
  });
  if ('refused' in run) return run;
  const judged = await judge(scope.store, found);
  const severity = set.rules.find((rule) => rule.rule_id === rule_id)?.severity ?? 'medium';
  return { severity, ...count.counts, ...judged, ...run };
}

class RuleCount {
  private findings = 0;
  private readonly sessions = new Set<string>();
  private readonly days = new Map<string, number>();

  add({ anchor, tenant }: RuleMatch): void {
    this.findings++;
    const day = new Date(anchor.time_ms).toISOString().slice(0, 10);
    this.days.set(day, (this.days.get(day) ?? 0) + 1);
    if (this.sessions.size < SESSIONS_COUNTED_MAX) this.sessions.add(`${tenant}\u0000${anchor.session_id}`);
  }

  get counts(): RuleCounts {
    const first_sessions = [...this.sessions].slice(0, SESSIONS_SHOWN).map((key) => {
      const [tenant = '', session_id = ''] = key.split('\u0000');
      return { tenant, session_id };
    });
    return {
      findings: this.findings,
      sessions: this.sessions.size,
      days: Object.fromEntries([...this.days].sort(([a], [b]) => (a < b ? -1 : 1))),
      first_sessions,
    };
  }
}

async function judge(store: Store, found: readonly FoundAlert[]): Promise<Judged> {
  const sum: Judged = { alerts: 0, false_positives: 0, judged: 0 };
  for (let from = 0; from < found.length; from += ALERTS_AT_ONCE) {
    const part = found.slice(from, from + ALERTS_AT_ONCE);
    const tenants = [...new Set(part.map(({ tenant }) => tenant))];
    const alert_ids = part.map(({ alert_id }) => alert_id);
    for (const { verdict } of await readJudgedAlerts(store, { tenants, alert_ids })) {
      sum.alerts++;
      if (verdict !== '') sum.judged++;
      if (verdict === 'false_positive') sum.false_positives++;
    }
  }
  return sum;
}
