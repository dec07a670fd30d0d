/** Detectors and rules: what is on, what it caught and what people made of that; and a rule tried on the last days. */
import { basename } from 'node:path';
import { createRoute, z } from '@hono/zod-openapi';
import { SEVERITIES } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { type RuleCatches, readRuleCatches } from '../../core/store/queries/rule_catches.ts';
import { createCatalog } from '../../detectors/catalog/capabilities.ts';
import { type Detector, isCorrelator } from '../../detectors/detector.ts';
import { isShipped, type LoadedRules } from '../../detectors/load_rules.ts';
import { outcomeOfRule } from '../backtest/rule_outcome.ts';
import { readToolBook, readToolVariants } from '../backtest/rule_tools.ts';
import type { ApiContext } from '../context.ts';
import { TimeParameter, wholeNumber } from '../paging.ts';
import { type Api, responses, secured } from '../route.ts';
import type { Rulebook } from '../rulebook.ts';

const DAY_MS = 86_400_000;
const DAYS = 30;
const DAYS_MAX = 3_660;
const TRY_DAYS = 7;
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const Caught = z.object({
  alerts: z.int(),
  sessions: z.int(),
  users: z.int(),
  true_positives: z.int(),
  benign: z.int(),
  false_positives: z.int(),
  tests: z.int(),
  duplicates: z.int(),
  false_positive_rate: z.number().nullable().openapi({
    description: 'false positives among the alerts that were judged true, benign or false; null while none was',
  }),
  last_raised: z.string().nullable(),
});

const Rule = z
  .object({
    rule_id: z.string(),
    version: z.int(),
    kind: z.enum(['detector', 'rule']),
    on: z.boolean().openapi({ description: 'false where the setting rules_off names it' }),
    origin: z.enum(['shipped', 'own']),
    file: z.string().nullable().openapi({ description: 'of a rule in YAML' }),
    title: z.string(),
    detects: z.string(),
    misses: z.string(),
    severity: z.enum(SEVERITIES),
    status: z.string(),
    tags: z.array(z.string()),
    references: z.array(z.string()),
    false_positives: z.array(z.string()),
    runbook: z.array(z.string()),
    examples: z.array(z.object({ name: z.string(), fires: z.boolean() })),
    caught: Caught,
  })
  .openapi('Rule');

const Fault = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  path: z.string(),
  value: z.string(),
  problem: z.string(),
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/rules',
  summary: 'The detectors and rules in operation, what they caught in the last days, and how it was judged',
  request: { query: z.object({ tenant, days: wholeNumber(1, DAYS_MAX).default(DAYS) }) },
  responses: {
    200: {
      description: 'by id; with what is wrong with the operator’s files, whose rules are not in operation',
      content: json(z.object({ days: z.int(), rules: z.array(Rule), refused: z.array(Fault) })),
    },
    ...responses(400, 503),
  },
});

const TryWanted = z
  .strictObject({
    rule_id: z.string().min(1).max(LIMITS.name_chars_max).optional(),
    yaml: z.string().min(1).max(LIMITS.rule_try_chars_max).optional(),
    since: TimeParameter,
    until: TimeParameter,
  })
  .refine((body) => (body.rule_id === undefined) !== (body.yaml === undefined), {
    path: ['rule_id'],
    message: 'name a rule_id, or send a rule as yaml',
  });

const Tried = z
  .object({
    rule_id: z.string(),
    severity: z.enum(SEVERITIES).optional(),
    findings: z.int().optional(),
    sessions: z.int().optional(),
    days: z.record(z.string(), z.int()).optional(),
    first_sessions: z.array(z.object({ tenant: z.string(), session_id: z.string() })).optional(),
    alerts: z.int().optional().openapi({ description: 'findings that are alerts already' }),
    judged: z.int().optional(),
    false_positives: z.int().optional(),
    events: z.int().optional().openapi({ description: 'events that were looked at' }),
    filters: z.boolean().optional().openapi({ description: 'whether SQL could leave out any' }),
    limits: z
      .record(z.string(), z.int())
      .optional()
      .openapi({ description: 'limits that were reached: with one, matches may be missing' }),
    refused: z.array(z.looseObject({ construct: z.string(), problem: z.string() })).optional(),
  })
  .openapi('TriedRule');

const tryRoute = createRoute({
  method: 'post',
  path: '/v1/rules/try',
  summary: 'Try a rule on stored events, one in operation or a text of your own; nothing is raised',
  description: `Without times, the last ${TRY_DAYS} days. Ends after ${LIMITS.rule_try_ms_max / 1_000} seconds with what was found so far. One at a time.`,
  request: { query: z.object({ tenant }), body: { required: true, content: json(TryWanted) } },
  responses: {
    200: {
      description: 'what each rule would have found; or what is wrong with the text',
      content: json(z.object({ tried: z.array(Tried), errors: z.array(Fault) })),
    },
    ...responses(400, 404, 429, 503),
  },
});

/** Registers the routes of rules. */
export function ruleRoutes(api: Api, context: ApiContext): void {
  const { store, now } = context;
  let trying = false;

  secured(api, context, 'alerts:read', listRoute, async (c) => {
    const { days } = c.req.valid('query');
    const to_ms = now() + DAY_MS;
    const caught = await readRuleCatches(store, { tenant: c.var.tenant, from_ms: now() - days * DAY_MS, to_ms });
    const by_id = new Map(caught.map((row) => [row.rule_id, row]));
    const book = context.rulebook;
    const rules = book === undefined ? [] : [...detectorsOf(book), ...rulesOf(book)];
    const shown = rules.map((rule) => ({ ...rule, caught: caughtOf(by_id.get(rule.rule_id)) }));
    const refused = (book?.refused() ?? []).map((fault) => ({ ...fault, file: basename(fault.file) }));
    return c.json({ days, rules: shown.sort((a, b) => (a.rule_id < b.rule_id ? -1 : 1)), refused }, 200);
  });

  secured(api, context, 'alerts:act', tryRoute, async (c) => {
    const { rule_id, yaml, since, until } = c.req.valid('json');
    const book = context.rulebook;
    if (book === undefined) throw new AppError('not_found', 'detection is switched off');
    if (trying) throw new AppError('rate_limited', 'a rule is being tried already; try again when it is done');
    const since_ms = since === undefined ? now() - TRY_DAYS * DAY_MS : Date.parse(since);
    const until_ms = until === undefined ? now() + DAY_MS : Date.parse(until);
    if (since_ms >= until_ms) throw new AppError('query_invalid', 'since: must be before until');
    trying = true;
    try {
      c.set('accessed', { type: 'content.searched', subject: 'rule', query: (rule_id ?? yaml ?? '').slice(0, 500) });
      const { set, own, errors } = await wantedOf(book, rule_id, yaml);
      const tried = errors.length > 0 ? [] : await tryRules(context, c.var.tenant, set, own, { since_ms, until_ms });
      return c.json({ tried, errors }, 200);
    } finally {
      trying = false;
    }
  });
}

async function wantedOf(book: Rulebook, rule_id: string | undefined, yaml: string | undefined) {
  if (yaml !== undefined) return book.withText(yaml);
  const rules = book.rules();
  const known = rules.set.rules.some((rule) => rule.rule_id === rule_id);
  if (rule_id === undefined || !known) {
    throw new AppError('not_found', 'there is no rule in YAML with this id; detectors cannot be tried');
  }
  return { set: rules.set, own: [rule_id], errors: [] };
}

async function tryRules(
  { store, catalog = createCatalog(), now, rulebook }: ApiContext,
  tenant: string,
  set: LoadedRules['set'],
  own: readonly string[],
  times: { since_ms: number; until_ms: number },
): Promise<z.infer<typeof Tried>[]> {
  const ends = performance.now() + LIMITS.rule_try_ms_max;
  // What correlators find, rules do not see as signals.
  const sessions = (rulebook?.detectors ?? []).filter((detector) => !isCorrelator(detector));
  const detectors = sessions.map(({ metadata }) => metadata.id);
  const [tools, book] = await Promise.all([readToolVariants(store, catalog, tenant), readToolBook(store)]);
  const scope = { store, catalog, detectors, tools, book, tenant, ...times, now_ms: now() };
  const tried: z.infer<typeof Tried>[] = [];
  for (const rule_id of own) {
    const outcome = await outcomeOfRule(set, rule_id, { ...scope, stop: () => performance.now() > ends });
    if ('refused' in outcome) {
      tried.push({ rule_id, refused: outcome.refused.map(({ construct, problem }) => ({ construct, problem })) });
    } else tried.push({ rule_id, ...outcome });
  }
  return tried;
}

type RuleJson = Omit<z.infer<typeof Rule>, 'caught'>;

function detectorsOf({ detectors, off }: Rulebook): RuleJson[] {
  return detectors.map((detector: Detector) => {
    const { id, description, tags, references, false_positives, runbook, ...rest } = detector.metadata;
    return {
      rule_id: id,
      kind: 'detector',
      on: !off.has(id),
      origin: 'shipped',
      file: null,
      ...rest,
      ...description,
      tags: [...tags],
      references: [...references],
      false_positives: [...false_positives],
      runbook: [...runbook],
      examples: detector.examples.map(({ name, fires }) => ({ name, fires })),
    };
  });
}

function rulesOf({ rules, off }: Rulebook): RuleJson[] {
  const { set, examples } = rules();
  return set.rules
    .filter((rule) => rule.emit || off.has(rule.rule_id))
    .map(({ rule_id, version, title, description, misses, severity, status, tags, source, ...rest }) => ({
      rule_id,
      version,
      kind: 'rule',
      on: !off.has(rule_id),
      origin: isShipped(source.file) ? 'shipped' : 'own',
      file: `${basename(source.file)}:${source.line}`,
      title,
      detects: description,
      misses,
      severity,
      status,
      tags,
      references: rest.references,
      false_positives: rest.false_positives,
      runbook: rest.runbook,
      examples: (examples.get(rule_id) ?? []).map(({ name, fires }) => ({ name, fires })),
    }));
}

function caughtOf(row: RuleCatches | undefined): z.infer<typeof Caught> {
  const { rule_id: _, last_raised_ms, ...counts } = row ?? NOTHING;
  const judged = counts.true_positives + counts.benign + counts.false_positives;
  return {
    ...counts,
    false_positive_rate: judged === 0 ? null : counts.false_positives / judged,
    last_raised: counts.alerts === 0 ? null : new Date(last_raised_ms).toISOString(),
  };
}

const NOTHING: RuleCatches = {
  rule_id: '',
  alerts: 0,
  sessions: 0,
  users: 0,
  true_positives: 0,
  benign: 0,
  false_positives: 0,
  tests: 0,
  duplicates: 0,
  last_raised_ms: 0,
};
