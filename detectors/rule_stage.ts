/** Rules in operation inside the engine: events become records with what the engine knows of them, matches become findings. */
import { type Finding, SEVERITY_RISK } from '../core/alert.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import type { DetectorContext, Signal } from './detector.ts';
import { addRisk } from './risk.ts';
import { type CompiledRules, compileRules } from './sigma/compile.ts';
import { derivedFields } from './sigma/derived_fields.ts';
import { createEdgeMemory } from './sigma/edge_memory.ts';
import type { RuleIr, RuleSet } from './sigma/ir.ts';
import { findingIdOfMatch } from './sigma/match_finding.ts';
import { eventRecord } from './sigma/record.ts';
import type { RuleMatch } from './sigma/rows.ts';
import { shorten } from './wording.ts';

export interface RuleStage {
  /** Takes in an event that the session stage has looked at; yields what rules say. */
  observe(event: ProvenanceEvent, context: DetectorContext, signals: readonly Signal[]): Finding[];
  /** Takes in an event that was looked at in an earlier life, so that what it began can be completed. */
  rehearse(event: ProvenanceEvent, context: DetectorContext, signals: readonly Signal[]): void;
  /** Puts another set of rules into operation; partial matches of the old one are forgotten. */
  use(set: RuleSet): void;
  readonly counters: CompiledRules['counters'] | undefined;
  /** How far back other sessions matter to the rules in operation; 0 when each session stands for itself. */
  readonly shared_window_ms: number;
}

export interface RuleStageLimits {
  /** Calls whose edges, and results whose calls, are remembered for `carry`. */
  rule_edges_max: number;
}

const EVENTS_TOLD_MAX = 8;

/** A stage over a set of rules; without one it is silent. */
export function createRuleStage(limits: RuleStageLimits, first?: RuleSet): RuleStage {
  const memory = createEdgeMemory(limits.rule_edges_max, limits.rule_edges_max);
  let compiled = first && compile(first);

  function compile(set: RuleSet): CompiledRules | undefined {
    return set.rules.length === 0 ? undefined : compileRules(set, { edgesBetween: memory.edgesBetween });
  }

  return {
    observe(event, context, signals) {
      if (compiled === undefined) return [];
      const record = eventRecord(event, derivedFields(context.call, context.edges, signals));
      memory.note(record, context.edges);
      const { rules } = compiled;
      return compiled.observe(record).map((match) => toFinding(match, rules.get(match.rule_id) as RuleIr, event));
    },
    rehearse(event, context, signals) {
      if (compiled === undefined) return;
      const record = eventRecord(event, derivedFields(context.call, context.edges, signals));
      memory.note(record, context.edges);
      compiled.rehearse(record);
    },
    use(set) {
      compiled = compile(set);
    },
    get shared_window_ms() {
      return compiled?.shared_window_ms ?? 0;
    },
    get counters() {
      return compiled?.counters;
    },
  };
}

function toFinding(match: RuleMatch, rule: RuleIr, event: ProvenanceEvent): Finding {
  const { anchor } = match;
  return {
    finding_id: findingIdOfMatch(match),
    rule_id: rule.rule_id,
    rule_version: rule.version,
    severity: rule.severity,
    title: rule.title,
    reason: reasonOf(match, rule),
    tenant: match.tenant,
    session_id: anchor.session_id,
    user_id: event.user_id ?? '',
    agent: event.agent ?? '',
    time_ms: anchor.time_ms,
    tags: [...rule.tags],
    evidence: match.events.map(({ point: { log, seq, event_id }, role }) => ({ log, seq, event_id, role })),
    server: anchor.server,
    tool: anchor.tool,
    sink_digest: '',
    risk: SEVERITY_RISK[rule.severity],
    late: match.late,
  };
}

/** What happened, with names and numbers; never a value of an event's content. */
function reasonOf(match: RuleMatch, rule: RuleIr): string {
  const events = match.events.map(({ point, role }) => {
    const tool = point.tool === '' ? point.type : point.server === '' ? point.tool : `${point.tool} on ${point.server}`;
    return `${tool} (${role})`;
  });
  const more = events.length > EVENTS_TOLD_MAX ? ` and ${events.length - EVENTS_TOLD_MAX} more` : '';
  const counted = match.value === null ? '' : ` The number that counts is ${match.value}.`;
  const about = rule.description === '' ? '' : ` ${shorten(rule.description, 400)}`;
  return `${events.slice(0, EVENTS_TOLD_MAX).join(', then ')}${more}.${counted}${about}`;
}

/** Notes what findings of rules add to a session's risk. */
export function addRuleRisk(by_rule: Map<string, number>, findings: readonly Finding[]): void {
  for (const { rule_id, risk } of findings) addRisk(by_rule, rule_id, risk);
}
