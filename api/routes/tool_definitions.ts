/** What servers published about their tools: versions side by side, and people's word on them. */
import { randomUUID } from 'node:crypto';
import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '../../core/errors.ts';
import { SCHEMA_VERSION } from '../../core/event.ts';
import { LIMITS } from '../../core/limits.ts';
import {
  listPublishedTools,
  type PublishedVersion,
  readToolDecisions,
  readToolVersions,
  type ToolDecision,
} from '../../core/store/queries/tool_definitions.ts';
import { bareDigest, canonicalDigest } from '../../detectors/tools/canonical_digest.ts';
import type { ApiContext } from '../context.ts';
import { type Api, responses, secured } from '../route.ts';

const name = z.string().min(1).max(LIMITS.name_chars_max);
const tenant = z.string().max(LIMITS.name_chars_max).optional().openapi({ description: 'of a key for all tenants' });
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const digest = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'must be SHA-256 in lower-case hexadecimal');
const LISTED_MAX = 1_000;
const DECISIONS_MAX = 1_000;

const Listed = z
  .object({
    server: z.string(),
    tool: z.string(),
    versions: z.int().openapi({ description: 'different texts of its definition' }),
    first_time: z.string(),
    changed_time: z.string().openapi({ description: 'when the newest of them was seen first' }),
  })
  .openapi('PublishedTool');

const Decision = z.object({
  decision: z.enum(['approved', 'rejected']),
  approver: z.string(),
  reason: z.string(),
  time: z.string(),
  event_id: z.string(),
});

const Version = z
  .object({
    definition_sha256: z.string().openapi({ description: 'of its canonical JSON (RFC 8785); empty where it has none' }),
    definition: z.looseObject({ name: z.string() }),
    lists: z.int(),
    sessions: z.int(),
    first_time: z.string(),
    last_time: z.string(),
    first_event_id: z.string(),
    first_session_id: z.string(),
    decision: Decision.nullable(),
  })
  .openapi('ToolVersion');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/tools/published',
  summary: 'Tools that servers published, with how often their definitions changed, the last change first',
  request: { query: z.object({ tenant }) },
  responses: {
    200: { description: 'the last ones', content: json(z.object({ tools: z.array(Listed) })) },
    ...responses(503),
  },
});

const versionsRoute = createRoute({
  method: 'get',
  path: '/v1/tools/versions',
  summary: 'The versions of one tool’s definition, in the order in which they came, with what people decided',
  request: { query: z.object({ tenant, server: name, tool: name }) },
  responses: {
    200: {
      description: `the last ${LIMITS.tool_versions_shown_max}`,
      content: json(z.object({ server: z.string(), tool: z.string(), versions: z.array(Version) })),
    },
    ...responses(400, 404, 503),
  },
});

const Wanted = z.strictObject({
  server: name,
  tools: z
    .array(z.strictObject({ tool: name, definition_sha256: digest }))
    .min(1)
    .max(LIMITS.tool_approvals_at_once_max),
  decision: z.enum(['approved', 'rejected']),
  reason: z.string().max(LIMITS.note_chars_max).regex(/\S/, 'must not be blank'),
});

const decideRoute = createRoute({
  method: 'post',
  path: '/v1/tools/approvals',
  summary: 'Approve or reject definitions of a server’s tools',
  description:
    'Each becomes an event `tool.approval` under your name. From the first one on, calls of other tools of that server raise an alert until their definitions are approved too.',
  request: { query: z.object({ tenant }), body: { required: true, content: json(Wanted) } },
  responses: {
    201: { description: 'in the log', content: json(z.object({ event_ids: z.array(z.string()) })) },
    ...responses(400, 404, 503),
  },
});

/** Registers the routes of definitions. */
export function toolDefinitionRoutes(api: Api, context: ApiContext): void {
  const { store, now } = context;

  secured(api, context, 'sessions:read', listRoute, async (c) => {
    const rows = await listPublishedTools(store, { tenant: c.var.tenant, limit: LISTED_MAX });
    const tools = rows.map(({ first_time_ms, changed_time_ms, ...row }) => ({
      ...row,
      first_time: isoTime(first_time_ms),
      changed_time: isoTime(changed_time_ms),
    }));
    return c.json({ tools }, 200);
  });

  secured(api, context, 'content:read', versionsRoute, async (c) => {
    const { server, tool } = c.req.valid('query');
    const place = { tenant: c.var.tenant, server, tool };
    const [versions, decisions] = await Promise.all([
      readToolVersions(store, { ...place, limit: LIMITS.tool_versions_shown_max }),
      readToolDecisions(store, { ...place, limit: DECISIONS_MAX }),
    ]);
    if (versions.length === 0) throw new AppError('not_found', 'this server published no such tool in this tenant');
    return c.json({ server, tool, versions: mergedVersions(versions, decisions) }, 200);
  });

  secured(api, context, 'tools:decide', decideRoute, async (c) => {
    const { writer } = context;
    if (writer === undefined) throw new AppError('read_only', 'this process does not write the log');
    const { server, tools, decision, reason } = c.req.valid('json');
    const { principal } = c.var;
    // A name of an identity provider may hold what a name in an event may not.
    const approver =
      principal.name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').slice(0, LIMITS.name_chars_max) || principal.key_id;
    const events = tools.map(({ tool, definition_sha256 }) => ({
      schema_version: SCHEMA_VERSION,
      event_id: `approval-${randomUUID()}`,
      type: 'tool.approval',
      time: isoTime(now()),
      tenant: c.var.tenant,
      session_id: `approvals of ${server}`.slice(0, LIMITS.id_chars_max),
      user_id: principal.key_id,
      server,
      tool,
      tool_approval: { definition_sha256: bareDigest(definition_sha256), decision, approver, reason },
    }));
    const bytes = events.map((event) =>
      writer.accept(Buffer.from(JSON.stringify(event)), c.var.tenant, principal.key_id),
    );
    const receipts = await writer.submit(bytes);
    const refused = receipts.find(({ outcome }) => outcome !== 'accepted');
    if (refused !== undefined) throw new AppError('query_invalid', `the log took a decision as ${refused.outcome}`);
    return c.json({ event_ids: events.map(({ event_id }) => event_id) }, 201);
  });
}

const isoTime = (ms: number) => new Date(ms).toISOString();

/** Texts that say the same in another order of members are one version. */
function mergedVersions(
  versions: readonly PublishedVersion[],
  decisions: readonly ToolDecision[],
): z.infer<typeof Version>[] {
  const decided = new Map(decisions.map((each) => [bareDigest(each.definition_sha256), each]));
  const merged = new Map<string, z.infer<typeof Version>>();
  for (const { definition: text, first_time_ms, last_time_ms, first_seq: _, ...row } of versions) {
    const definition = JSON.parse(text) as { name: string };
    const definition_sha256 = canonicalDigest(definition) ?? '';
    const key = definition_sha256 || text;
    const known = merged.get(key);
    const last_time = isoTime(last_time_ms);
    if (known !== undefined) {
      known.lists += row.lists;
      known.sessions += row.sessions;
      if (last_time > known.last_time) known.last_time = last_time;
      continue;
    }
    const decision = decisionView(decided.get(definition_sha256));
    merged.set(key, { definition_sha256, definition, ...row, first_time: isoTime(first_time_ms), last_time, decision });
  }
  return [...merged.values()];
}

function decisionView(of: ToolDecision | undefined): z.infer<typeof Decision> | null {
  if (of === undefined) return null;
  const { decision, approver, reason, event_id, time_ms } = of;
  return { decision, approver, reason, event_id, time: isoTime(time_ms) };
}
