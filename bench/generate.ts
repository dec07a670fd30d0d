/**
 * Events for measuring: sessions of about fifty events of 1.8 KB on average, their text taken from the documentation
 * that the packages bring along, so that it compresses like real text. Seeded: the same call gives the same events.
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

const TOOLS = [
  ['filesystem', 'read_file'],
  ['filesystem', 'write_file'],
  ['tickets', 'list_tickets'],
  ['tickets', 'add_comment'],
  ['database', 'run_query'],
  ['wiki', 'search_pages'],
  ['calendar', 'list_events'],
] as const;

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
    tool: TOOLS[0],
  }));
  for (let i = 0; i < count; i++) {
    const session = open[Math.floor(random() * sessions)] as OpenSession;
    yield Buffer.from(JSON.stringify(event(session, i, random, text, hex)));
  }
}

/** Sizes as measured on real traces: median about 1.4 KB, a tail of several KB. */
function size(random: () => number): number {
  return Math.floor(420 + Math.exp(5.4 + 2.25 * random()) * 0.75);
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
  if (step % 10 === 9) return { ...common, type: 'reasoning', content: text(size(random)) };
  const calling = step % 2 === 0;
  if (calling) {
    session.call = `c-${hex()}`;
    session.tool = TOOLS[Math.floor(random() * TOOLS.length)] as (typeof TOOLS)[number];
  }
  const [server, tool] = session.tool;
  const place = { ...common, call_id: session.call, server, tool, data_sources: [{ uri: `${server}:${tool}` }] };
  if (!calling) return { ...place, type: 'tool.result', content: text(2 * size(random)) };
  return { ...place, type: 'tool.call', params: { path: `/srv/project/${step}.txt`, text: text(size(random)) } };
}
