/** Both back ends over the same stored events, for comparing what they find. */

import { afterAll, beforeAll, expect } from 'vitest';
import { type RuleRun, runRule } from '../api/backtest/rule_backtest.ts';
import { readToolBook, readToolVariants } from '../api/backtest/rule_tools.ts';
import type { ProvenanceEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { readEventRange } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { loadCatalogFiles } from '../detectors/catalog/load_catalog.ts';
import { createToolBook } from '../detectors/catalog/tool_book.ts';
import { isCorrelator } from '../detectors/detector.ts';
import { sessionKey } from '../detectors/engine.ts';
import { loadDetectors } from '../detectors/load.ts';
import { createRuleStage } from '../detectors/rule_stage.ts';
import { createSessionStage, type SessionState } from '../detectors/session_stage.ts';
import type { RuleSet } from '../detectors/sigma/ir.ts';
import { formatRuleError } from '../detectors/sigma/issues.ts';
import { linkRules } from '../detectors/sigma/link.ts';
import { findingIdOfMatch } from '../detectors/sigma/match_finding.ts';
import { comparePoints } from '../detectors/sigma/record.ts';
import { parseRuleFile } from '../detectors/sigma/rule_file.ts';
import { beginProcess, type DetectionProcess, standingClock } from './detection_kit.ts';
import { ORIGIN, openTestStore, START_MS, temporaryFolder } from './log_kit.ts';

export const DETECTORS = await loadDetectors();
const CATALOG_FILES = await loadCatalogFiles();
const OF_SESSIONS = DETECTORS.filter((detector) => !isCorrelator(detector)).map(({ metadata }) => metadata.id);

/** By rule, the findings in the order of telling. */
type FoundIds = Record<string, string[]>;

/** All events of a tenant in the order of rules. */
async function storedEvents(store: Store, tenant: string, size: number): Promise<ProvenanceEvent[]> {
  const events = await readEventRange(store, ORIGIN, 0, size);
  return events.filter((event) => event.tenant === tenant).sort(comparePoints);
}

/** What the stream finds when all events come in order, with what detectors make of them. */
function streamed(set: RuleSet, events: readonly ProvenanceEvent[]): FoundIds {
  const book = createToolBook({ ...LIMITS, book_versions_max: 1_000 });
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) book.note(event);
  const stage = createSessionStage(
    DETECTORS,
    createCatalog([], CATALOG_FILES),
    LIMITS,
    {
      failed: (id, _event, error) => {
        throw new Error(`${id} failed`, { cause: error });
      },
      dropped: () => undefined,
      armed: () => true,
    },
    book,
  );
  const sessions = new Map<string, SessionState>();
  const rules = createRuleStage(LIMITS, set);
  const found: FoundIds = {};
  const add = (rule_id: string, finding_id: string): void => {
    found[rule_id] = [...(found[rule_id] ?? []), finding_id];
  };
  for (const event of events) {
    const key = sessionKey(event);
    const session = sessions.get(key) ?? stage.open();
    sessions.set(key, session);
    const { context, signals } = stage.observe(session, event);
    for (const { rule_id, finding_id } of rules.observe(event, context, signals)) add(rule_id, finding_id);
  }
  return found;
}

interface Searched {
  found: FoundIds;
  /** By rule. */
  runs: Record<string, RuleRun>;
}

/** What SQL and the code of the stream find in the store. */
async function searched(set: RuleSet, store: Store, tenant: string, now_ms: number): Promise<Searched> {
  const catalog = createCatalog([], CATALOG_FILES);
  const tools = await readToolVariants(store, catalog, tenant);
  const scope = {
    store,
    catalog,
    detectors: OF_SESSIONS,
    tools,
    book: await readToolBook(store),
    tenant,
    since_ms: 0,
    until_ms: 9_999_999_999_999,
    now_ms,
  };
  const found: FoundIds = {};
  const add = (rule_id: string, finding_id: string): void => {
    found[rule_id] = [...(found[rule_id] ?? []), finding_id];
  };
  const runs: Searched['runs'] = {};
  for (const { rule_id } of set.rules.filter((rule) => rule.emit)) {
    const run = await runRule(set, rule_id, scope, (match) => add(rule_id, findingIdOfMatch(match)));
    if ('refused' in run) throw new Error(JSON.stringify(run.refused));
    runs[rule_id] = run;
  }
  return { found, runs };
}

/** An event as a producer sends it; the time counts from the start of the tests. */
export type Sent = Record<string, unknown> & { time_ms: number };

/** What both back ends found. */
export interface Same {
  found: string[];
  /** Events that SQL brought, over all rules. */
  brought: number;
}

export interface ParityLog {
  /**
   * Stores events in a tenant of their own, in the order given, and one a good while later that ends all waiting.
   * Yields the tenant.
   */
  stored(events: readonly Sent[]): Promise<string>;
  /** The findings of both back ends, once they are the same. */
  expectSame(set: RuleSet, tenant: string): Promise<Same>;
  readonly store: Store;
}

const END_MS = 3 * 3_600_000;

/** A whole log with detection, for the tests of a file. */
export function parityLog(name: string): ParityLog {
  const folder = temporaryFolder(name);
  const clock = standingClock();
  let store: Store;
  let log: DetectionProcess;
  let tenants = 0;
  beforeAll(async () => {
    store = await openTestStore(folder);
    log = await beginProcess(folder, store, { clock, detectors: DETECTORS });
  });
  afterAll(async () => {
    await log.close();
    await store.close();
  });
  return {
    get store() {
      return store;
    },
    async stored(events) {
      const tenant = `t${tenants++}`;
      const end_ms = Math.max(0, ...events.map(({ time_ms }) => time_ms)) + END_MS;
      const sent = [...events, { time_ms: end_ms, type: 'prompt', session_id: 'end' }].map(
        ({ time_ms, ...fields }, at) => ({
          event_id: `${tenant}-${at}`,
          ...fields,
          tenant,
          time: new Date(START_MS + time_ms).toISOString(),
        }),
      );
      const receipts = await log.submit(sent);
      expect(receipts.filter(({ outcome }) => outcome !== 'accepted')).toEqual([]);
      await log.settled();
      return tenant;
    },
    async expectSame(set, tenant) {
      const events = await storedEvents(store, tenant, log.writer.head.size);
      const stream = streamed(set, events);
      const { found, runs } = await searched(set, store, tenant, clock.now_ms);
      expect(found).toEqual(stream);
      const brought = Object.values(runs).reduce((sum, run) => sum + run.events, 0);
      return { found: Object.values(stream).flat(), brought };
    },
  };
}

/** The set of rules that are given as objects: JSON is YAML. */
export function setOfRules(documents: readonly object[]): RuleSet {
  const text = documents.map((rule) => JSON.stringify(rule)).join('\n---\n');
  const parsed = parseRuleFile(text, 'generated.yaml');
  const linked = linkRules(parsed.rules);
  expect([...parsed.errors, ...linked.errors].map(formatRuleError)).toEqual([]);
  return linked.set;
}

export const LOGSOURCE = { product: 'tracewarden' };

/** A base rule with one selection. */
export function baseRule(name: string, selection: object): object {
  return { title: name, name, logsource: LOGSOURCE, detection: { selection, condition: 'selection' } };
}

/** The members that are there. */
export function definedOnly(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, each]) => each !== undefined));
}
