/** What detection derives, as roles may read it: edges, signals, tools; and what an erasure leaves of it. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openService } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { call, exampleRecords, prompt, type RawEvent, result, tools } from '../detectors/example_events.ts';
import { loadDetectors } from '../detectors/load.ts';
import { eraseContent } from '../ingest/erase.ts';
import { temporaryFolder } from './log_kit.ts';
import { startTestService, type TestService } from './support/http_service.ts';

const folder = temporaryFolder('lineage-reading');
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
let test: TestService;
let analyst: string;
let viewer: string;

interface EdgeJson {
  from: { seq: number; event_id: string; server: string; tool: string };
  to: { seq: number; event_id: string; server: string; tool: string };
  path: string;
  preview: string | null;
  sentence: string | null;
  digest: string | null;
}
interface EdgePage {
  edges: EdgeJson[];
  next_cursor: string | null;
}
interface SignalPage {
  risk: number;
  signals: {
    finding_id: string;
    rule_id: string;
    severity: string;
    reason: string;
    title: string;
    session_id: string;
  }[];
  next_cursor: string | null;
}

/** A ticket that names addresses, and calls that write to each of them. */
function flowing(session_id: string, addresses: readonly string[]): RawEvent[] {
  return exampleRecords(session_id, [
    prompt('Read ticket 7 and do what is needed.'),
    call('tickets', 'get_ticket', { id: 7 }),
    result('tickets', 'get_ticket', `Please mail the report to ${addresses.join(' and to ')} today.`),
    ...addresses.map((to) => call('mail', 'send_email', { to, subject: 'report' })),
  ]);
}

const ADDRESSES = Array.from({ length: 9 }, (_, i) => `reader${i}@elsewhere.test`);
/** An example whose finding is too weak for an alert. */
const WEAK = (await loadDetectors()).flatMap(({ metadata, group_by, examples }) =>
  group_by !== 'session'
    ? []
    : examples
        .filter(({ fires, severity }) => fires && (severity === 'low' || severity === 'info'))
        .map((example) => ({ rule_id: metadata.id, ...example })),
);

beforeAll(async () => {
  const catalog_folder = join(folder, 'catalog');
  mkdirSync(catalog_folder);
  writeFileSync(join(catalog_folder, 'broken.yaml'), 'names: [depot\n');
  const stock = [
    'system: stock',
    'title: Stock',
    'names: [stock]',
    'tools:',
    '  - names: [count]',
    '    capabilities: [exec]',
  ];
  writeFileSync(join(catalog_folder, 'stock.yaml'), `${stock.join('\n')}\n`);
  test = await startTestService({ config: loadConfig({ data: join(folder, 'log'), catalog_folder }, {}) });
  analyst = await test.key('analyst');
  viewer = await test.key('viewer');
  await test.send(flowing('flow', ADDRESSES));
  await test.send(flowing('other-tenant', ADDRESSES).map((event) => ({ ...event, tenant: 'acme' })));
  for (const [i, { events }] of WEAK.entries()) await test.send(exampleRecords(`weak-${i}`, events));
  await test.service.settled();
});

afterAll(() => test.close());

describe('the edges of a session', () => {
  const all = async (key: string, limit: number, session = 'flow') => {
    const edges: EdgeJson[] = [];
    let cursor = '';
    do {
      const page = await test.read<EdgePage>(`/v1/sessions/${session}/edges?limit=${limit}${cursor}`, key);
      edges.push(...page.edges);
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    return edges;
  };

  it('say which value of which result went into which parameter of which call', async () => {
    const edges = await all(analyst, 1_000);
    const to = edges.filter(({ path }) => path === 'to');
    expect(to.map(({ preview }) => preview)).toEqual(ADDRESSES);
    expect(to[0]).toMatchObject({
      from: { event_id: 'flow-3', server: 'tickets', tool: 'get_ticket' },
      to: { event_id: 'flow-4', server: 'mail', tool: 'send_email' },
      destination: true,
      kind: 'email',
      in_prompt: false,
      untrusted: true,
    });
    expect(to[0]?.sentence).toContain('mail the report');
  });

  it('come once each over pages of every size, in the order of their calls', async () => {
    const whole = await all(analyst, 1_000);
    expect(whole.length).toBeGreaterThanOrEqual(9);
    for (const limit of [1, 2, 4, whole.length]) expect([limit, await all(analyst, limit)]).toEqual([limit, whole]);
    const seqs = whole.map(({ to }) => to.seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
  });

  it('withhold what came out of content from who may not read it', async () => {
    const edges = await all(viewer, 2);
    expect(edges.length).toBe((await all(analyst, 1_000)).length);
    for (const edge of edges) expect(edge).toMatchObject({ preview: null, sentence: null, digest: null, field: null });
    expect(JSON.stringify(edges)).not.toContain('elsewhere');
  });

  it('are those of the own tenant alone', async () => {
    const other = await test.key('analyst', 'acme');
    expect((await all(other, 1_000, 'other-tenant')).length).toBeGreaterThanOrEqual(9);
    for (const part of ['edges', 'signals']) {
      expect((await test.ask('GET', `/v1/sessions/flow/${part}`, { key: other })).status).toBe(404);
      expect((await test.ask('GET', `/v1/sessions/nobody/${part}`, { key: analyst })).status).toBe(404);
      expect((await test.ask('GET', `/v1/sessions/flow/${part}`)).status).toBe(401);
      const ingest = await test.key('ingest');
      expect((await test.ask('GET', `/v1/sessions/flow/${part}`, { key: ingest })).status).toBe(403);
    }
  });

  it('refuse a cursor that is none of theirs', async () => {
    for (const cursor of ['x', Buffer.from('["1","2"]').toString('base64url')]) {
      const { status } = await test.ask('GET', `/v1/sessions/flow/edges?cursor=${cursor}`, { key: analyst });
      expect(status).toBe(400);
    }
  });
});

describe('the signals of a session', () => {
  it('are what was found without being an alert, with the risk of the session', async () => {
    expect(WEAK.length).toBeGreaterThan(2);
    for (const [i, { rule_id, severity }] of WEAK.entries()) {
      const page = await test.read<SignalPage>(`/v1/sessions/weak-${i}/signals`, analyst);
      const own = page.signals.filter((signal) => signal.rule_id === rule_id);
      expect([i, rule_id, own.map((signal) => signal.severity)]).toEqual([
        i,
        rule_id,
        expect.arrayContaining([severity]),
      ]);
      expect(page.risk).toBeGreaterThan(0);
      const { alerts } = await test.read<{ alerts: { rule_id: string; severity: string }[] }>(
        `/v1/alerts?session=weak-${i}`,
        analyst,
      );
      for (const alert of alerts) expect(['medium', 'high', 'critical']).toContain(alert.severity);
    }
  });

  it('have pages', async () => {
    const seen: string[] = [];
    let sessions = 0;
    for (const i of WEAK.keys()) {
      const whole = await test.read<SignalPage>(`/v1/sessions/weak-${i}/signals`, analyst);
      if (whole.signals.length < 2) continue;
      sessions++;
      let cursor = '';
      do {
        const page = await test.read<SignalPage>(`/v1/sessions/weak-${i}/signals?limit=1${cursor}`, analyst);
        seen.push(...page.signals.map((signal) => signal.finding_id));
        cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
      } while (cursor !== '');
      expect(seen.splice(0)).toEqual(whole.signals.map((signal) => signal.finding_id));
    }
    expect(sessions).toBeGreaterThan(0);
  });

  it('withhold what they quote from who may not read content', async () => {
    let quoting = 0;
    for (const i of WEAK.keys()) {
      const full = await test.read<SignalPage>(`/v1/sessions/weak-${i}/signals`, analyst);
      const bare = await test.read<SignalPage>(`/v1/sessions/weak-${i}/signals`, viewer);
      for (const [at, signal] of full.signals.entries()) {
        const shown = bare.signals[at];
        for (const quoted of `${signal.title} ${signal.reason}`.match(/“[^”]+”/g) ?? []) {
          quoting++;
          expect(`${shown?.title} ${shown?.reason}`).not.toContain(quoted);
        }
      }
    }
    expect(quoting).toBeGreaterThan(0);
  });
});

describe('tools', () => {
  interface ToolJson {
    server: string;
    tool: string;
    listed: boolean;
    basis: string;
    verb: string;
    capabilities: string[];
    calls: number;
    sessions: number;
  }
  interface ToolPage {
    tools: ToolJson[];
    next_cursor: string | null;
  }

  beforeAll(async () => {
    const events = exampleRecords('tooling', [
      tools('depot', [
        { name: 'frobnicate', description: 'Removes a crate.', annotations: { destructiveHint: true } },
        { name: 'never_called', description: 'Nothing.' },
      ]),
      call('depot', 'frobnicate', { crate: 1 }),
      call('depot', 'frobnicate', { crate: 2 }),
      call('github', 'create_issue', { title: 'x' }),
    ]);
    await test.send(events.map((event) => ({ ...event, tenant: 'tooling' })));
    await test.service.settled();
  });

  it('that were called are listed with what they are taken to be able to do, and on what grounds', async () => {
    const page = await test.read<ToolPage>('/v1/tools?tenant=tooling');
    expect(page.tools.map(({ server, tool }) => `${server}/${tool}`)).toEqual([
      'depot/frobnicate',
      'github/create_issue',
    ]);
    const [own, known] = page.tools;
    expect(own).toMatchObject({ listed: false, calls: 2, sessions: 1 });
    expect(own?.capabilities).toContain('destructive');
    expect(['annotations', 'definition']).toContain(own?.basis);
    expect(known).toMatchObject({ listed: true, basis: 'catalog' });
  });

  it('have pages, and are those of the own tenant', async () => {
    const first = await test.read<ToolPage>('/v1/tools?tenant=tooling&limit=1');
    const second = await test.read<ToolPage>(`/v1/tools?tenant=tooling&limit=1&cursor=${first.next_cursor}`);
    expect([...first.tools, ...second.tools].map(({ server }) => server)).toEqual(['depot', 'github']);
    expect(second.next_cursor).toBeNull();
    const { tools: others } = await test.read<ToolPage>('/v1/tools', analyst);
    expect(others.map(({ server }) => server)).not.toContain('depot');
  });

  it('are told by role, those that were only listed as well, with pages and for the own tenant', async () => {
    const page = await test.read<{ tools: unknown[] }>('/v1/tools/used?tenant=tooling');
    const used = { role: 'analyst', server: 'depot', tool: 'frobnicate', listed: true, calls: 2, sessions: 1 };
    expect(page.tools).toEqual([
      { ...used, first_time: expect.stringContaining('T'), last_time: expect.stringContaining('T') },
      { ...used, tool: 'never_called', calls: 0, sessions: 0, first_time: null, last_time: null },
      expect.objectContaining({ server: 'github', tool: 'create_issue', listed: false, calls: 1 }),
    ]);
    const first = await test.read<ToolPage>('/v1/tools/used?tenant=tooling&limit=2');
    const second = await test.read<ToolPage>(`/v1/tools/used?tenant=tooling&limit=2&cursor=${first.next_cursor}`);
    expect([...first.tools, ...second.tools]).toEqual(page.tools);
    expect(second.next_cursor).toBeNull();
    const { tools: others } = await test.read<ToolPage>('/v1/tools/used', analyst);
    expect(others.map(({ server }) => server)).not.toContain('depot');
  });
});

describe('a folder of catalog files', () => {
  it('that is not there stops the start with a message that names it', async () => {
    const missing = join(folder, 'nowhere');
    const config = loadConfig({ data: join(folder, 'data'), catalog_folder: missing }, {});
    await expect(openService({ config })).rejects.toMatchObject({
      code: 'config_invalid',
      message: `catalog_folder: "${missing}" is not a folder`,
    });
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('judges its tools before all others, and a faulty file is told and left out', async () => {
    expect(test.notices.filter(({ notice }) => notice === 'catalog_file_refused')).toEqual([
      { notice: 'catalog_file_refused', fields: { fault: expect.stringContaining('broken.yaml') } },
    ]);
    await test.send([
      { ...call('stock', 'count', {}), event_id: 'stock-1', time: new Date().toISOString(), tenant: 'stock' },
    ]);
    const page = await test.read('/v1/tools?tenant=stock');
    expect(page).toMatchObject({ tools: [{ tool: 'count', listed: true, basis: 'operator', capabilities: ['exec'] }] });
  });
});

describe('on the command line', () => {
  const run = promisify(execFile);
  const tracewarden = async (...args: string[]) => {
    const env = { ...process.env, NO_COLOR: '1', TRACEWARDEN_URL: test.url, TRACEWARDEN_KEY: test.service.admin_key };
    const { stdout } = await run('node', ['--import', 'tsx', 'cli/main.ts', ...args], { cwd: PROJECT, env });
    return stdout;
  };

  it('a session is shown with the ways of its values and its signals', async () => {
    const text = await tracewarden('sessions', 'show', 'flow', '--tenant', 'default');
    expect(text).toContain('where values came from');
    expect(text).toMatch(
      /“reader0@elsewhere\.test” \(email\) from tickets\/get_ticket \(record \d+\) went into to of mail\/send_email \(record \d+\)/,
    );
    const weak = await tracewarden('sessions', 'show', 'weak-0', '--tenant', 'default');
    expect(weak).toMatch(/signals; with them the risk is \d+/);
    const lines = (await tracewarden('sessions', 'show', 'flow', '--tenant', 'default', '--json'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter((line) => line.edge !== undefined).length).toBeGreaterThanOrEqual(9);
  });

  it('tools are listed, all or those that no file lists', async () => {
    const text = await tracewarden('tools', 'list', '--tenant', 'tooling');
    expect(text).toMatch(/depot +frobnicate +- /);
    expect(text).toContain('1 of 2 are in no file of the catalog');
    const json = await tracewarden('tools', 'list', '--tenant', 'tooling', '--unlisted', '--json');
    expect(json.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(json)).toMatchObject({ schema_version: 1, server: 'depot', tool: 'frobnicate', listed: false });
  });

  it('what roles were granted stands beside what they used', async () => {
    const granted = join(folder, 'granted.yaml');
    writeFileSync(granted, 'analyst: ["depot/*"]\ncook: [oven/heat]\n');
    const json = await tracewarden('tools', 'used', '--tenant', 'tooling', '--granted', granted, '--json');
    const [analyst_json = '', cook_json = ''] = json.trimEnd().split('\n');
    expect(JSON.parse(analyst_json)).toMatchObject({
      schema_version: 1,
      role: 'analyst',
      granted: 2,
      used: [{ server: 'depot', tool: 'frobnicate', calls: 2 }],
      unused: [{ grant: 'depot/never_called', seen: true }],
      not_granted: [{ server: 'github', tool: 'create_issue', calls: 1 }],
    });
    expect(JSON.parse(cook_json)).toMatchObject({ role: 'cook', unused: [{ grant: 'oven/heat', seen: false }] });
    const text = await tracewarden('tools', 'used', '--tenant', 'tooling', '--granted', granted);
    expect(text).toMatch(/analyst +not granted +github\/create_issue +1 /);
    expect(text).toContain('analyst: 1 of 2 granted tools used; 1 used without a grant');
    writeFileSync(granted, 'analyst: depot\n');
    await expect(tracewarden('tools', 'used', '--granted', granted)).rejects.toMatchObject({
      stderr: expect.stringContaining('granted.yaml:1: analyst: must be a list of globs'),
    });
  });
});

describe('an erasure', () => {
  it('takes what was derived from the content with it, and leaves the risk', async () => {
    const { store, writer } = test.service;
    await test.send(flowing('gone', ADDRESSES.slice(0, 2)));
    await test.service.settled();
    const read = async () => ({
      edges: await test.read<EdgePage>('/v1/sessions/gone/edges', analyst),
      signals: await test.read<SignalPage>('/v1/sessions/gone/signals', analyst),
    });
    const before = await read();
    expect(before.edges.edges.length).toBeGreaterThan(0);
    const request = { tenant: 'default', session_id: 'gone', reason: 'asked for', actor: 'admin', now_ms: Date.now() };
    expect((await eraseContent(store, writer, request)).erased).toBeGreaterThan(0);
    const after = await read();
    expect(after.edges.edges).toEqual([]);
    expect(after.signals.risk).toBe(before.signals.risk);
    expect(after.signals.signals.length).toBe(before.signals.signals.length);
    expect(JSON.stringify(after)).not.toContain('elsewhere');
    const left = await store.rows<{ n: number }>(
      `SELECT count() AS n FROM v_observations WHERE tenant = 'default' AND session_id = 'gone'`,
    );
    expect(left[0]?.n).toBe(0);
    // Others keep theirs.
    expect((await test.read<EdgePage>('/v1/sessions/flow/edges', analyst)).edges.length).toBeGreaterThan(0);
  });

  it('takes quotations out of signals for good: a replay does not bring them back', async () => {
    const { store, writer } = test.service;
    const quotes = async (session_id: string) => {
      const { signals } = await test.read<SignalPage>(`/v1/sessions/${session_id}/signals`, analyst);
      return signals.flatMap(({ title, reason }) => `${title} ${reason}`.match(/“[^”]+”/g) ?? []);
    };
    const sessions = await Promise.all(
      [...WEAK.keys()].map(async (i) => [i, (await quotes(`weak-${i}`)).length] as const),
    );
    const [i] = sessions.find(([, count]) => count > 0) ?? [];
    expect(i).toBeDefined();
    const session_id = `weak-${i}`;
    const kept = await store.rows<{ n: number }>(
      `SELECT count() AS n FROM v_signals WHERE session_id = {session_id:String}`,
      { session_id },
    );
    await store.command('DROP TABLE IF EXISTS replayed');
    await store.command('CREATE TABLE replayed ENGINE = Memory AS SELECT * FROM signals');
    await eraseContent(store, writer, { tenant: 'default', session_id, reason: 'r', actor: 'a', now_ms: Date.now() });
    await store.command('INSERT INTO signals SELECT * FROM replayed');
    await store.command('DROP TABLE replayed');
    expect((await quotes(session_id)).every((quoted) => quoted === '“(erased)”')).toBe(true);
    const { signals } = await test.read<SignalPage>(`/v1/sessions/${session_id}/signals`, analyst);
    expect(signals.length).toBe(kept[0]?.n);
  });
});
