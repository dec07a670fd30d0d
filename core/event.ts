/**
 * The provenance event: one flat, versioned schema, validated once at the boundary. `type` discriminates; each type
 * names what it cannot do without. Absent and null mean the same and are stored as absent. Unknown fields are kept
 * under `extra`. One example of each type is in `event_examples.ts`.
 */
import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** Version of the bytes that the log commits to. A change comes with a configuration leaf. */
export const CORE_VERSION = 1;
/** Version of the JSON that commands and the API print. */
export const SCHEMA_VERSION = 1;

// Control characters (C0, DEL, C1) have no place in a name or an id; content may hold anything that is text.
const PRINTABLE = /^[^\u0000-\u001f\u007f-\u009f]*$/;
const printable = (chars_max: number) =>
  z.string().min(1).max(chars_max).regex(PRINTABLE, 'must not hold control characters');

const id = printable(LIMITS.id_chars_max);
const name = printable(LIMITS.name_chars_max);
const uri = printable(LIMITS.uri_chars_max);
/** RFC 3339 with an offset. */
const time = z.iso.datetime({ offset: true, error: 'must be an RFC 3339 time with an offset' }).max(64);
const sha256 = z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hex');
const params = z.record(z.string(), z.unknown());
/** Text, or JSON such as MCP content blocks, which is stored as its canonical text. */
const content = z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())], {
  error: 'must be text, an object or an array',
});

export const DataSource = z.union(
  [
    uri.transform((text) => ({ uri: text })),
    z.looseObject({ uri, sensitivity: z.enum(['public', 'internal', 'confidential', 'secret']).optional() }),
  ],
  {
    error: `must be a URI of 1 to ${LIMITS.uri_chars_max} characters without control characters, or an object with one`,
  },
);
export type DataSource = { uri: string; sensitivity?: string | undefined };

/** How much of a field the producer sent; detectors degrade to what is there. */
export const CaptureLevel = z.enum(['full', 'hash', 'size_only', 'absent', 'truncated']);
const Capture = z.record(
  name,
  z.union(
    [
      CaptureLevel,
      z.looseObject({ level: CaptureLevel, sha256: sha256.optional(), size_bytes: z.int().nonnegative().optional() }),
    ],
    { error: `must be one of ${CaptureLevel.options.join(', ')}, or an object with such a level` },
  ),
  { error: 'must be an object of field names' },
);

/** What a gateway or a policy engine decided about a call, and why. */
export const Decision = z.looseObject({
  action: z.enum(['allow', 'deny', 'ask', 'modify', 'redact']),
  policy_id: id.optional(),
  policy_version: name.optional(),
  rule: name.optional(),
  reason: z.string().max(4096).optional(),
});

/** One tool's definition as a server published it. */
export const ToolDefinition = z.looseObject({
  name: z.string().min(1).max(LIMITS.name_chars_max),
  title: z.string().optional(),
  description: z.string().nullish(),
  inputSchema: z.unknown().optional(),
  outputSchema: z.unknown().optional(),
  annotations: z.looseObject({}).nullish(),
});
export type ToolDefinition = z.infer<typeof ToolDefinition>;

const Root = z.looseObject({ uri, name: name.optional() });

/** A planted value that nobody has a reason to use; known by its digest alone. */
const Canary = z.looseObject({ canary_id: id, sha256, chars: z.int().positive().max(4096).optional() });

/** On whose behalf an agent acts, from the first principal to the last. */
const Delegation = z.looseObject({
  delegation_id: id.optional(),
  chain: z.array(name).max(32).optional(),
  parent_session_id: id.optional(),
  parent_call_id: id.optional(),
});

/** Fields that any event may carry. */
const common = {
  event_id: id,
  time,
  tenant: id.nullish(),
  user_id: name.nullish(),
  user_role: name.nullish(),
  user_source: z.enum(['verified_token', 'os_user', 'gateway', 'claimed']).nullish(),
  session_id: id.nullish(),
  conversation_id: id.nullish(),
  client_session_id: id.nullish(),
  mcp_session_id: id.nullish(),
  agent: name.nullish(),
  agent_version: name.nullish(),
  model: name.nullish(),
  client: name.nullish(),
  parent_agent: name.nullish(),
  host: name.nullish(), // where the agent runs
  source_address: name.nullish(), // the network address that the client came from
  delegation: Delegation.nullish(),
  call_id: id.nullish(),
  trace_id: id.nullish(),
  span_id: id.nullish(),
  server: z.union([name, z.literal('')]).nullish(),
  server_version: name.nullish(),
  server_digest: name.nullish(),
  tool: name.nullish(),
  params: params.nullish(),
  content: content.nullish(),
  is_error: z.boolean().nullish(),
  duration_ms: z.number().nonnegative().nullish(),
  row_count: z.int().nonnegative().nullish(), // rows or items that a result gave
  memory_store: id.nullish(), // the memory that a tool wrote to or read from, across sessions
  tools: z.array(ToolDefinition).max(LIMITS.tools_max).nullish(),
  data_sources: z.array(DataSource).max(LIMITS.data_sources_max).nullish(),
  token_ref: id.nullish(),
  token_audience: z.array(name).max(64).nullish(), // whom the credential of this call names
  decision: Decision.nullish(),
  capture: Capture.nullish(),
  client_seq: z.int().nonnegative().nullish(),
  client_prev_hash: sha256.nullish(),
  /** 32 bytes in standard base64. */
  salt: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64')
    .nullish(),
} as const;

const event = <T extends string, S extends z.ZodRawShape>(type: T, required: S) =>
  z.looseObject({ ...common, type: z.literal(type), ...required });

const issueOfType = (issue: { code?: string; input?: unknown }): string | undefined =>
  issue.code === 'invalid_type' ? 'must be a JSON object' : 'must be one of the event types of this schema';

export const ProducerEvent = z.discriminatedUnion(
  'type',
  [
    event('session.start', { roots: z.array(Root).max(256).nullish() }),
    event('prompt', {}),
    event('reasoning', {}),
    event('tool.call', { tool: name }),
    event('tool.result', { tool: name }),
    event('response', {}),
    event('session.end', { reason: z.string().max(4096).nullish() }),
    event('tools.list', { tools: z.array(ToolDefinition).max(LIMITS.tools_max) }),
    event('resource.read', { uri, mime_type: name.nullish() }),
    event('approval', {
      approval: z.looseObject({
        action: name, // what was asked for: a tool, a scope, a plan
        call_id: id.optional(),
        decision: z.enum(['granted', 'denied', 'expired']),
        approver: name.optional(),
        requested_at: time.optional(),
        decided_at: time,
        scope: z.enum(['once', 'session', 'always']).optional(),
        params_sha256: sha256.optional(), // the arguments that were shown to the approver
      }),
    }),
    event('tool.approval', {
      tool: name,
      tool_approval: z.looseObject({
        definition_sha256: sha256,
        description_sha256: sha256.optional(),
        schema_sha256: sha256.optional(),
        decision: z.enum(['approved', 'rejected']),
        approver: name,
        expires_at: time.optional(),
      }),
    }),
    event('policy.decision', { decision: Decision }),
    event('token.issued', {
      token_ref: id,
      token: z.looseObject({
        subject: name.optional(),
        client_id: name.optional(),
        issuer: name.optional(),
        audience: z.array(name).max(64).optional(),
        scopes: z.array(name).max(256).optional(),
        issued_at: time,
        expires_at: time.optional(),
      }),
    }),
    event('token.revoked', {
      token_ref: id,
      revocation: z.looseObject({ revoked_at: time, reason: z.string().max(4096).optional() }),
    }),
    event('config.snapshot', {
      config: z.looseObject({
        name,
        sha256,
        approved: z.boolean().optional(),
        approved_sha256: sha256.optional(), // what it should be
        canaries: z.array(Canary).max(1_000).optional(),
        roots: z.array(Root).max(256).optional(),
        settings: z.record(z.string(), z.unknown()).optional(),
      }),
    }),
    event('server.version', {
      server: name,
      server_info: z.looseObject({
        version: name,
        package: name.optional(),
        registry: name.optional(),
        digest: name.optional(),
        executable: uri.optional(),
        executable_sha256: sha256.optional(),
        args_sha256: sha256.optional(),
        installer: uri.optional(),
        roots: z.array(Root).max(256).optional(),
        process: name.optional(),
        audience: z.array(name).max(64).optional(), // what a token for this server must name
      }),
    }),
    // What else passed between an MCP client and a server; `extra` says which method and in which direction.
    event('protocol.message', {}),
    event('external.signal', {
      external: z.looseObject({
        source: name, // the other tool: a SIEM, an EDR, an identity provider
        kind: z.enum(['address', 'domain', 'url', 'email', 'user', 'host', 'file', 'token', 'package']),
        value: z.string().min(1).max(LIMITS.uri_chars_max),
        verdict: z.enum(['malicious', 'suspicious', 'benign', 'unknown']),
        confidence: z.number().min(0).max(1).optional(),
        observed_at: time.optional(),
        reference: uri.optional(),
        // Of a package: the advisory, the versions it speaks of, and the first one that is well again.
        advisory: name.optional(),
        affected_versions: z.array(name).max(256).optional(),
        fixed_in: name.optional(),
      }),
    }),
  ],
  { error: issueOfType },
);

export type EventType = z.infer<typeof ProducerEvent>['type'];
export const EVENT_TYPES = ProducerEvent.options.map((option) => option.shape.type.value) as EventType[];

/**
 * An event inside the program: absent instead of null, `session_id` always there, content as text. `seq` is its place
 * in the log, `received_at_ms` our clock, `time_ms` the producer's.
 */
export interface ProvenanceEvent {
  log: string;
  seq: number;
  event_id: string;
  type: EventType;
  time: string;
  time_ms: number;
  received_at_ms: number;
  tenant: string;
  user_id?: string;
  user_role?: string;
  session_id: string;
  session_seq: number;
  agent?: string;
  client?: string;
  call_id?: string;
  server?: string;
  tool?: string;
  params?: Record<string, unknown>;
  content?: string;
  is_error?: boolean;
  tools?: ToolDefinition[];
  data_sources?: DataSource[];
  /** The other fields of the schema, and unknown ones under `extra`. */
  rest: Record<string, unknown>;
}
