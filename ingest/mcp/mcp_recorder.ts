/** Turns the messages that pass between an MCP client and a server into events. It only looks; it changes nothing. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/json/canonical.ts';
import { LIMITS } from '../../core/limits.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { SkimmedPayload } from './json_skim.ts';
import type { TappedLine } from './line_tap.ts';
import { type McpMessage, objectOf, plainName, readMessages, skimmedMessage } from './mcp_message.ts';
import { conversationOf, type McpSession, toolUseOf, traceOf } from './session_hint.ts';
import { readTools } from './tool_list.ts';

export type EventDraft = Record<string, unknown> & { type: string };
export type Direction = 'to_server' | 'to_client';

export interface McpRecorderOptions {
  /** The name under which events know the server. */
  server: string;
  /** Begins the ids of calls that have none of their own. */
  run_id: string;
  /** What is known of the session before a message says more. */
  session: McpSession;
  /** Of `server.version`, recorded once in each session. */
  identity: () => Record<string, unknown>;
  redactor: Redactor;
  now_ms: () => number;
  record: (event: EventDraft) => void;
}

interface Pending {
  method: string;
  params: Record<string, unknown> | undefined;
  call_id: string;
  tool: string | undefined;
  session: McpSession;
  trace: { trace_id?: string; span_id?: string };
  started_ms: number;
}

const QUIET = new Set(['ping', 'notifications/progress']);
const READS = new Set(['resources/read', 'prompts/get']);
const SESSIONS_OPENED_MAX = 256;
const LISTS_KEPT_MAX = 16;

export class McpRecorder {
  private readonly options: McpRecorderOptions;
  private session: McpSession;
  private agent: { agent?: string; agent_version?: string } = {};
  private claimed: Record<string, unknown> = {};
  private readonly opened = new Set<string>();
  private readonly asked: Record<Direction, Map<string, Pending>> = { to_server: new Map(), to_client: new Map() };
  private readonly tasks = new Map<string, Pending>();
  private readonly lists = new Map<string, EventDraft>();
  private calls = 0;
  private unreadable = 0;

  constructor(options: McpRecorderOptions) {
    this.options = options;
    this.session = options.session;
  }

  /** The session that new calls belong to, and who acts. */
  get acting(): { session_id: string; agent: string } {
    return { session_id: this.session.id, agent: this.agent.agent ?? '' };
  }

  /** Takes a line that passed in a direction. */
  take(direction: Direction, line: TappedLine): void {
    if ('skimmed' in line) {
      this.message(direction, skimmedMessage(line.skimmed), line.skimmed.payload);
      return;
    }
    const messages = readMessages(line.text);
    if (messages === undefined) this.noMessage(direction, line);
    else for (const message of messages) this.message(direction, message, undefined);
  }

  /** The server's process has ended. */
  ended(how: { exit_code: number | null; signal: string | null }): void {
    if (this.opened.size > 0) this.note('process/exit', 'to_client', how, undefined);
  }

  /** A call was answered in the server's place. */
  refused(message: McpMessage, decision: Record<string, unknown>): void {
    this.enter(conversationOf(message.params) ?? this.session);
    const tool = plainName(message.params?.name ?? message.params?.uri);
    this.emit('policy.decision', { tool, decision, extra: { method: plainName(message.method) } });
  }

  private message(direction: Direction, message: McpMessage, payload: SkimmedPayload | undefined): void {
    const { method } = message;
    if (method === undefined) {
      this.answer(direction, message, payload);
      return;
    }
    this.learn(message);
    this.enter(conversationOf(message.params) ?? this.session);
    if (message.id !== undefined) this.request(direction, method, message, payload);
    else if (!QUIET.has(method)) this.note(method, direction, message.params, payload);
  }

  /** What a client says of itself: in the handshake, or with each request. */
  private learn({ method, params }: McpMessage): void {
    const meta = objectOf(params?._meta);
    const info = objectOf(method === 'initialize' ? params?.clientInfo : meta?.['io.modelcontextprotocol/clientInfo']);
    const agent = plainName(info?.name);
    const agent_version = plainName(info?.version);
    if (agent !== undefined) this.agent = { agent, ...(agent_version !== undefined && { agent_version }) };
  }

  private request(direction: Direction, method: string, message: McpMessage, payload?: SkimmedPayload): void {
    const { params } = message;
    const tool = method === 'tools/call' ? plainName(params?.name) : undefined;
    const call_id = toolUseOf(params) ?? `${this.options.run_id}-c${++this.calls}`;
    const pending: Pending = {
      method,
      params: method === 'tools/call' ? undefined : params,
      call_id,
      tool,
      session: this.session,
      trace: traceOf(params),
      started_ms: this.options.now_ms(),
    };
    keep(this.asked[direction], keyOf(message.id), pending, LIMITS.wrap_pending_max);
    if (direction === 'to_client') this.serverAsks(method, params, payload);
    if (direction === 'to_client' || tool === undefined) return;
    const { inputResponses } = params ?? {};
    this.emit('tool.call', {
      tool,
      call_id,
      ...pending.trace,
      ...this.paramsOf(params?.arguments, payload),
      ...(inputResponses !== undefined && { content: this.options.redactor.clean(inputResponses).value }),
    });
  }

  /** Text that a server puts before the model or the user comes from the server, never from the user. */
  private serverAsks(method: string, params: unknown, payload?: SkimmedPayload): void {
    const { server } = this.options;
    if (QUIET.has(method)) return;
    const uri = `mcp://${encodeURIComponent(server).slice(0, 800)}/${plainName(method)}`;
    if (method === 'roots/list') this.note(method, 'to_client', params, payload);
    else this.emit('resource.read', { uri }, params, payload);
  }

  private answer(direction: Direction, message: McpMessage, payload: SkimmedPayload | undefined): void {
    // An answer to the client belongs to a request to the server.
    const side = direction === 'to_client' ? 'to_server' : 'to_client';
    const pending = this.asked[side].get(keyOf(message.id));
    this.asked[side].delete(keyOf(message.id));
    const { method = 'unknown' } = pending ?? {};
    if (pending !== undefined) this.enter(pending.session);
    const result = objectOf(message.result);
    const failed = message.error !== undefined;
    const body = failed ? message.error : message.result;
    if (side === 'to_server' && !failed && result?.resultType === 'input_required') {
      for (const [, asked] of Object.entries(objectOf(result.inputRequests) ?? {}).slice(0, 64)) {
        const { method: wanted, params } = objectOf(asked) ?? {};
        if (typeof wanted === 'string') this.serverAsks(wanted, params);
      }
    }
    if (side === 'to_server' && pending !== undefined && this.ofCall(pending, message, payload)) return;
    if (side === 'to_server' && !failed && payload === undefined) {
      if (method === 'tools/list' && this.toolList(pending, result)) return;
      if (method === 'initialize' || method === 'server/discover') this.serverSays(result);
    }
    if (side === 'to_server' && READS.has(method) && !failed) this.read(method, pending, body, payload);
    else if (!QUIET.has(method)) this.note(method, direction, body, payload, failed);
  }

  /** The result of a call, now or at the end of its task. False when the answer is none. */
  private ofCall(pending: Pending, message: McpMessage, payload: SkimmedPayload | undefined): boolean {
    if (pending.tool === undefined) return this.ofTask(pending, message, payload);
    const result = objectOf(message.result);
    const task = plainName(
      objectOf(result?.task)?.taskId ?? (result?.resultType === 'task' ? result.taskId : undefined),
    );
    if (task === undefined) {
      this.toolResult(pending, message, payload);
      return true;
    }
    keep(this.tasks, task, pending, LIMITS.wrap_pending_max);
    return false;
  }

  private toolResult(pending: Pending, { result, error }: McpMessage, payload: SkimmedPayload | undefined): void {
    const { tool, call_id, trace, started_ms } = pending;
    const fields = objectOf(result);
    this.emit(
      'tool.result',
      {
        tool,
        call_id,
        ...trace,
        is_error: error !== undefined || fields?.isError === true,
        duration_ms: Math.max(0, Math.round((this.options.now_ms() - started_ms) * 1000) / 1000),
        ...(fields?.resultType === 'input_required' && { extra: { input_required: true } }),
      },
      error ?? shownOf(fields) ?? result,
      payload,
    );
  }

  /** The end of a call that was answered with a task. */
  private ofTask(pending: Pending, message: McpMessage, payload: SkimmedPayload | undefined): boolean {
    if (!/^tasks\/(?:result|get)$/.test(pending.method)) return false;
    const id = plainName(pending.params?.taskId);
    const call = id === undefined ? undefined : this.tasks.get(id);
    if (id === undefined || call === undefined) return false;
    const body = objectOf(message.result);
    if (pending.method === 'tasks/get' && body?.result === undefined && body?.error === undefined) return false;
    this.tasks.delete(id);
    const inner = pending.method === 'tasks/get' ? { result: body?.result, error: body?.error } : message;
    this.toolResult(call, inner, payload);
    return true;
  }

  private toolList(pending: Pending | undefined, result: Record<string, unknown> | undefined): boolean {
    const read = readTools(result, this.options.redactor);
    if (read === undefined) return false;
    const cursor = plainName(pending?.params?.cursor) ?? '';
    const { ttlMs, cacheScope, nextCursor } = result ?? {};
    const page = { from_cursor: cursor !== '', more: typeof nextCursor === 'string' };
    const event = {
      type: 'tools.list',
      tools: read.tools,
      extra: {
        ...read.extra,
        ...page,
        ...(typeof ttlMs === 'number' && { ttl_ms: ttlMs, cache_scope: plainName(cacheScope) }),
      },
    };
    if (cursor === '') this.lists.clear();
    keep(this.lists, cursor, event, LISTS_KEPT_MAX);
    this.emit(event.type, event);
    return true;
  }

  private serverSays(result: Record<string, unknown> | undefined): void {
    const info = objectOf(result?.serverInfo ?? objectOf(result?._meta)?.['io.modelcontextprotocol/serverInfo']);
    const version = plainName(info?.version);
    this.claimed = {
      claimed_name: plainName(info?.name),
      claimed_version: version,
      protocol_version: plainName(result?.protocolVersion),
    };
    this.emitIdentity();
  }

  private read(method: string, pending: Pending | undefined, body: unknown, payload: SkimmedPayload | undefined): void {
    const name = method === 'prompts/get' ? pending?.params?.name : pending?.params?.uri;
    const given = plainName(name, LIMITS.uri_chars_max - 1_024) ?? 'unknown';
    const uri =
      method === 'prompts/get'
        ? `mcp://${encodeURIComponent(this.options.server).slice(0, 800)}/prompts/${given}`
        : given;
    const contents = objectOf(body)?.contents;
    const mime_type = plainName(objectOf(Array.isArray(contents) ? contents[0] : undefined)?.mimeType);
    const params = method === 'prompts/get' ? this.paramsOf(pending?.params?.arguments) : {};
    this.emit(
      'resource.read',
      { uri, mime_type, ...params, data_sources: [uri], ...pending?.trace },
      contents ?? body,
      payload,
    );
  }

  private noMessage(direction: Direction, line: { text: string; size_bytes: number }): void {
    if (++this.unreadable > LIMITS.wrap_unreadable_max) return;
    this.enter(this.session);
    this.note('unreadable', direction, line.text.slice(0, 4_096), undefined, true);
  }

  private note(
    method: string,
    direction: Direction,
    content: unknown,
    payload?: SkimmedPayload,
    is_error = false,
  ): void {
    this.emit('protocol.message', { is_error, extra: { method: plainName(method), direction } }, content, payload);
  }

  /** The first event of a session says which server this is; what was listed before is told again. */
  private enter(session: McpSession): void {
    this.session = session;
    const key = `${session.field} ${session.id}`;
    if (this.opened.has(key)) return;
    if (this.opened.size >= SESSIONS_OPENED_MAX) this.opened.clear();
    this.opened.add(key);
    this.emitIdentity();
    for (const list of this.lists.values())
      this.emit(list.type, { ...list, extra: { ...(list.extra as object), told_again: true } });
  }

  private emitIdentity(): void {
    const identity = this.options.identity();
    const version = identity.version ?? this.claimed.claimed_version ?? 'unknown';
    this.emit('server.version', { server_info: { ...identity, version }, extra: { ...this.claimed } });
  }

  private paramsOf(value: unknown, payload?: SkimmedPayload): Record<string, unknown> {
    if (payload !== undefined) {
      const truncated = this.options.redactor.clean({ head: payload.head, tail: payload.tail }).value;
      return { params: { truncated }, capture: { params: sizeOf(payload) } };
    }
    if (value === undefined) return {};
    const cleaned = this.options.redactor.clean(value);
    const params = objectOf(cleaned.value) ?? { arguments: cleaned.value };
    return { params, ...this.captured('params', value, cleaned) };
  }

  private captured(field: string, value: unknown, { redacted, shortened }: { redacted?: unknown; shortened: boolean }) {
    return {
      ...(shortened && { capture: { [field]: digestOf(value) } }),
      ...(redacted !== undefined && { extra: { redacted } }),
    };
  }

  private contentOf(content: unknown, payload?: SkimmedPayload): Record<string, unknown> {
    if (payload !== undefined) {
      const { head, tail } = payload;
      const left_out = payload.size_bytes - Buffer.byteLength(head) - Buffer.byteLength(tail);
      const text = `${head}\n[… ${Math.max(0, left_out)} bytes left out …]\n${tail}`;
      const { value, redacted } = this.options.redactor.clean(text);
      return {
        content: value,
        capture: { content: sizeOf(payload) },
        ...(redacted !== undefined && { extra: { redacted } }),
      };
    }
    if (content === undefined || content === null) return {};
    const cleaned = this.options.redactor.clean(content);
    const { value } = cleaned;
    const kept = typeof value === 'string' || typeof value === 'object' ? value : JSON.stringify(value);
    return { content: kept, ...this.captured('content', content, cleaned) };
  }

  private emit(type: string, fields: Record<string, unknown>, content?: unknown, payload?: SkimmedPayload): void {
    const { server, record } = this.options;
    const { field, id, basis } = this.session;
    const shown = this.contentOf(content, payload);
    const extra = { ...(fields.extra as object), ...(shown.extra as object), session_basis: basis };
    record({ ...fields, ...shown, type, server, [field]: id, ...this.agent, extra });
  }
}

/** What the model sees of a result: its blocks, and what is structured unless it only repeats them. */
function shownOf(result: Record<string, unknown> | undefined): unknown {
  if (result === undefined || !Array.isArray(result.content)) return undefined;
  const { content, structuredContent } = result;
  if (structuredContent === undefined) return content;
  const [first, ...more] = Object.values(objectOf(structuredContent) ?? { all: structuredContent });
  const texts = content.map((block) => objectOf(block)?.text);
  const repeats =
    (more.length === 0 && texts.includes(first)) || texts.some((text) => saysSame(text, structuredContent));
  return repeats ? content : { content, structuredContent };
}

function saysSame(text: unknown, value: unknown): boolean {
  if (typeof text !== 'string') return false;
  try {
    return canonicalJson(JSON.parse(text)) === canonicalJson(value);
  } catch {
    return false;
  }
}

const keyOf = (id: string | number | undefined): string => `${typeof id} ${id}`;

const sizeOf = ({ sha256, size_bytes }: SkimmedPayload) => ({ level: 'truncated', sha256, size_bytes });

function digestOf(value: unknown) {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { level: 'truncated', sha256: createHash('sha256').update(bytes).digest('hex'), size_bytes: bytes.length };
}

/** Adds to a map and forgets what is oldest beyond its maximum. */
function keep<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value ?? '');
}
