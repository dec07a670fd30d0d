/**
 * What is kept of sessions beyond their content: their risk, and the rules and kinds of edges that led to it. Facts are
 * only ever joined, and joining the same ones twice changes nothing, so a replay does no harm.
 */
import { z } from 'zod';
import { type Finding, SEVERITIES, type Severity, severityRank } from '../core/alert.ts';
import { readFactsOf, type SessionFactsRow, type StoredSessionFacts } from '../core/store/queries/session_facts.ts';
import type { Store } from '../core/store/store.ts';
import { SENSITIVITIES } from '../detectors/catalog/capability.ts';
import { sessionKey } from '../detectors/engine.ts';
import { type Edge, moreSensitive, type SourceSensitivity } from '../detectors/lineage/edge.ts';
import { addRisk, sessionRisk } from '../detectors/risk.ts';

interface RuleFacts {
  severity: Severity;
  risk: number;
}

/** Of one session, or what came to light of it just now. */
export interface Facts {
  tenant: string;
  session_id: string;
  rules: Map<string, RuleFacts>;
  edge_kinds: Set<string>;
  /** Whether a value came from text that others may write. */
  untrusted: boolean;
  sensitivity: SourceSensitivity;
  /** Of the row that was stored last: a later one must not have less. */
  through_seq: number;
}

const Summary = z.object({
  rules: z.record(z.string(), z.object({ severity: z.enum(SEVERITIES), risk: z.number() })).default({}),
  edge_kinds: z.array(z.string()).default([]),
  untrusted: z.boolean().default(false),
  sensitivity: z.enum(['unknown', ...SENSITIVITIES]).default('unknown'),
});

const CACHED_SESSIONS_MAX = 20_000;

/** New facts by session, for `FactsStore.rows`. */
export class NewFacts {
  readonly by_session = new Map<string, Facts>();

  private of(tenant: string, session_id: string): Facts {
    const key = sessionKey({ tenant, session_id });
    let facts = this.by_session.get(key);
    if (facts === undefined) {
      facts = emptyFacts(tenant, session_id);
      this.by_session.set(key, facts);
    }
    return facts;
  }

  addFinding({ tenant, session_id, rule_id, severity, risk }: Finding): void {
    addRule(this.of(tenant, session_id), rule_id, { severity, risk });
  }

  addEdge(tenant: string, session_id: string, edge: Edge): void {
    const facts = this.of(tenant, session_id);
    facts.edge_kinds.add(edge.kind);
    if (edge.untrusted) facts.untrusted = true;
    facts.sensitivity = moreSensitive(facts.sensitivity, edge.sensitivity);
  }
}

function emptyFacts(tenant: string, session_id: string): Facts {
  return {
    tenant,
    session_id,
    rules: new Map(),
    edge_kinds: new Set(),
    untrusted: false,
    sensitivity: 'unknown',
    through_seq: 0,
  };
}

/** True when it says more than was known of the rule. */
function addRule(facts: Facts, rule_id: string, { severity, risk }: RuleFacts): boolean {
  const before = facts.rules.get(rule_id);
  if (before !== undefined && severityRank(before.severity) >= severityRank(severity) && before.risk >= risk) {
    return false;
  }
  const worst = before !== undefined && severityRank(before.severity) > severityRank(severity);
  facts.rules.set(rule_id, {
    severity: worst ? before.severity : severity,
    risk: Math.max(before?.risk ?? 0, risk),
  });
  return true;
}

/** Joins new facts into what was known; true when that changed. */
function join(known: Facts, fresh: Facts): boolean {
  let changed = false;
  for (const [rule_id, rule] of fresh.rules) changed = addRule(known, rule_id, rule) || changed;
  for (const kind of fresh.edge_kinds) {
    changed ||= !known.edge_kinds.has(kind);
    known.edge_kinds.add(kind);
  }
  const sensitivity = moreSensitive(known.sensitivity, fresh.sensitivity);
  changed ||= (fresh.untrusted && !known.untrusted) || sensitivity !== known.sensitivity;
  known.untrusted ||= fresh.untrusted;
  known.sensitivity = sensitivity;
  return changed;
}

/** The facts of the sessions that moved last, and those of others from the store. */
export class FactsStore {
  private readonly store: Store;
  private readonly log: string;
  private readonly cache = new Map<string, Facts>(); // in the order of their last use

  constructor(store: Store, log: string) {
    this.store = store;
    this.log = log;
  }

  /** The rows to store for new facts: one for each session of which more is known now. */
  async rows(fresh: NewFacts, through_seq: number): Promise<SessionFactsRow[]> {
    await this.load([...fresh.by_session].filter(([key]) => !this.cache.has(key)).map(([, facts]) => facts));
    const rows: SessionFactsRow[] = [];
    for (const [key, facts] of fresh.by_session) {
      const known = this.cache.get(key) ?? emptyFacts(facts.tenant, facts.session_id);
      this.cache.delete(key);
      this.cache.set(key, known);
      if (!join(known, facts)) continue;
      known.through_seq = Math.max(known.through_seq, through_seq);
      rows.push(this.rowOf(known));
    }
    for (const oldest of this.cache.keys()) {
      if (this.cache.size <= CACHED_SESSIONS_MAX) break;
      this.cache.delete(oldest);
    }
    return rows;
  }

  private async load(missing: readonly Facts[]): Promise<void> {
    if (missing.length === 0) return;
    for (const stored of await readFactsOf(this.store, this.log, missing)) {
      this.cache.set(sessionKey(stored), factsOf(stored));
    }
  }

  private rowOf(facts: Facts): SessionFactsRow {
    const { tenant, session_id, rules, edge_kinds, untrusted, sensitivity, through_seq } = facts;
    const by_rule = new Map<string, number>();
    for (const [rule_id, rule] of rules) addRisk(by_rule, rule_id, rule.risk);
    const summary = JSON.stringify({
      rules: Object.fromEntries([...rules].sort(([a], [b]) => (a < b ? -1 : 1))),
      edge_kinds: [...edge_kinds].sort(),
      untrusted,
      sensitivity,
    });
    return { tenant, session_id, log: this.log, through_seq, risk: Math.round(sessionRisk(by_rule)), summary };
  }
}

function factsOf({ tenant, session_id, through_seq, summary }: StoredSessionFacts): Facts {
  const { rules, edge_kinds, untrusted, sensitivity } = Summary.parse(JSON.parse(summary));
  return {
    tenant,
    session_id,
    through_seq,
    rules: new Map(Object.entries(rules)),
    edge_kinds: new Set(edge_kinds),
    untrusted,
    sensitivity,
  };
}
