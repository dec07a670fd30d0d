/**
 * Events for measuring: sessions of about fifty events of 1.8 KB on average, their text taken from the documentation
 * that the packages bring along, so that it compresses like real text. Seeded: the same call gives the same events.
 * As in real traces, most of the bytes are results. A call carries what its tool takes: a path, a query, a few words;
 * only tools that write carry text.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CORPUS_BYTES = 24_000_000;
const BASE_MS = Date.UTC(2026, 5, 1, 8);
const USERS = 500;

/** A small seeded generator (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Text of the packages' documents and type declarations, up to a size. */
export function readCorpus(folder = 'node_modules'): string {
  const parts: string[] = [];
  let bytes = 0;
  const walk = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (bytes > CORPUS_BYTES) return;
      const full = join(path, entry.name);
      if (entry.isDirectory()) walk(full);
      else if (/\.(md|d\.ts)$/.test(entry.name)) {
        const text = readFileSync(full, 'utf8').toWellFormed();
        parts.push(text);
        bytes += text.length;
      }
    }
  };
  walk(folder);
  return parts.join('\n');
}

type Params = (random: () => number, text: (bytes: number) => string, step: number) => Record<string, unknown>;

const pathOf = (random: () => number, step: number) => `/srv/project/${Math.floor(random() * 400)}/${step}.md`;

const TOOLS: readonly (readonly [server: string, tool: string, params: Params])[] = [
  ['filesystem', 'read_file', (random, _, step) => ({ path: pathOf(random, step) })],
  [
    'filesystem',
    'write_file',
    (random, text, step) => ({ path: pathOf(random, step), content: text(Math.floor(1_800 * random())) }),
  ],
  ['tickets', 'list_tickets', (random) => ({ project: `P${Math.floor(random() * 40)}`, status: 'open' })],
  [
    'tickets',
    'add_comment',
    (random, text) => ({ ticket_id: `T-${Math.floor(random() * 9_000)}`, body: text(Math.floor(60 + 300 * random())) }),
  ],
  [
    'database',
    'run_query',
    (random) => ({ sql: `SELECT id, name, amount FROM orders WHERE customer_id = ${Math.floor(random() * 9_000)}` }),
  ],
  ['wiki', 'search_pages', (_, text) => ({ query: text(40).replace(/\s+/g, ' '), limit: 20 })],
  [
    'calendar',
    'list_events',
    (random) => ({ day: `2026-06-${String(1 + Math.floor(random() * 28)).padStart(2, '0')}` }),
  ],
];

interface OpenSession {
  id: string;
  user: string;
  count: number;
  call: string;
  tool: (typeof TOOLS)[number];
}

/** Yields events as JSON lines, `sessions` of them interleaved over the whole stream. */
export function* generate(count: number, sessions: number, seed = 1, corpus = readCorpus()): Generator<Buffer> {
  const random = seeded(seed);
  const text = (bytes: number) => {
    const at = Math.floor(random() * (corpus.length - bytes));
    return corpus.slice(at, at + bytes).toWellFormed();
  };
  const hex = () =>
    Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
  const open: OpenSession[] = Array.from({ length: sessions }, () => ({
    id: `s-${hex()}${hex().slice(0, 8)}`,
    user: `user-${Math.floor(random() * USERS)}@example.com`,
    count: 0,
    call: '',
    tool: TOOLS[0] as (typeof TOOLS)[number],
  }));
  for (let i = 0; i < count; i++) {
    const session = open[Math.floor(random() * sessions)] as OpenSession;
    yield Buffer.from(JSON.stringify(event(session, i, random, text, hex)));
  }
}

/** Characters of a result: half of them below 1.5 KB, a tail to 16 KB. */
function resultSize(random: () => number): number {
  return Math.floor(150 + Math.exp(4.7 + 4.95 * random()));
}

function event(
  session: OpenSession,
  i: number,
  random: () => number,
  text: (bytes: number) => string,
  hex: () => string,
): Record<string, unknown> {
  const step = session.count++;
  const common = {
    event_id: `e-${hex()}${hex()}`,
    time: new Date(BASE_MS + i * 40).toISOString(),
    session_id: session.id,
    user_id: session.user,
    user_role: 'engineer',
    agent: 'coding-assistant',
    client: 'desktop',
    model: 'model-1',
  };
  if (step === 0) return { ...common, type: 'session.start' };
  if (step === 1) return { ...common, type: 'prompt', content: text(300) };
  if (step % 10 === 9) return { ...common, type: 'reasoning', content: text(Math.floor(200 + 500 * random())) };
  const calling = step % 2 === 0;
  if (calling) {
    session.call = `c-${hex()}`;
    session.tool = TOOLS[Math.floor(random() * TOOLS.length)] as (typeof TOOLS)[number];
  }
  const [server, tool, params] = session.tool;
  const place = { ...common, call_id: session.call, server, tool, data_sources: [{ uri: `${server}:${tool}` }] };
  if (!calling) return { ...place, type: 'tool.result', content: text(resultSize(random)) };
  return { ...place, type: 'tool.call', params: params(random, text, step) };
}
