import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_EXAMPLES } from '../core/event_examples.ts';
import { eventJsonSchema } from '../core/event_json_schema.ts';
import { fromBase64, toBase64 } from '../core/tlog/bytes.ts';
import { nodeHasher } from '../core/tlog/node_hasher.ts';
import { openCheckpoint, parseTlogProof, trustKey, verifyConsistency, verifyTlogProof } from '../core/tlog/verifier.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';

interface Page {
  sessions: { session_id: string }[];
  next_cursor: string | null;
}

let test: TestService;
let viewer: string;

beforeAll(async () => {
  test = await startTestService();
  viewer = await test.key('viewer', '*');
});

afterAll(() => test.close());

const ids = ({ sessions }: Page) => sessions.map(({ session_id }) => session_id);

describe('the list of sessions', () => {
  it('filters by user, role, agent, server, tool, risk and time', async () => {
    const time = '2026-03-01T12:00:00Z';
    await test.send([
      rawEvent({ session_id: 'f1', user_id: 'uma', user_role: 'clerk', agent: 'robot', time, tenant: 'filters' }),
      rawEvent({ session_id: 'f1', type: 'tool.call', server: 'files', tool: 'read', time, tenant: 'filters' }),
      rawEvent({ session_id: 'f2', time: '2026-03-02T12:00:00Z', tenant: 'filters' }),
    ]);
    const list = async (query: string) => ids(await test.read<Page>(`/v1/sessions?tenant=filters${query}`, viewer));
    expect((await list('')).sort()).toEqual(['f1', 'f2']);
    for (const query of ['user=uma', 'role=clerk', 'agent=robot', 'server=files', 'tool=read']) {
      expect([query, await list(`&${query}`)]).toEqual([query, ['f1']]);
    }
    expect(await list('&user=uma&tool=write')).toEqual([]);
    expect(await list('&risk=1')).toEqual([]);
    expect(await list('&from=2026-03-02T00:00:00Z')).toEqual(['f2']);
    expect(await list('&to=2026-03-01T23:00:00%2B01:00')).toEqual(['f1']);
    expect((await list('&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z')).length).toBe(2);
  });

  it('gives every session once over its pages while new ones arrive', async () => {
    const wanted = Array.from({ length: 23 }, (_, i) => `page-${i}`);
    // In one body, so that many moved in the same millisecond.
    await test.send(wanted.map((session_id) => rawEvent({ session_id, tenant: 'pages' })));
    const seen: string[] = [];
    let cursor = '';
    for (let turn = 0; ; turn++) {
      const page = await test.read<Page>(`/v1/sessions?tenant=pages&limit=4${cursor}`, viewer);
      seen.push(...ids(page));
      if (page.next_cursor === null) break;
      cursor = `&cursor=${page.next_cursor}`;
      await test.send([rawEvent({ session_id: `late-${turn}`, tenant: 'pages' })]);
    }
    expect(seen.sort()).toEqual(wanted.sort());
  });

  it('refuses cursors, limits and times that are none', async () => {
    for (const query of [
      'cursor=x',
      `cursor=${Buffer.from('[1]').toString('base64url')}`,
      `cursor=${Buffer.from('["1","a"]').toString('base64url')}`,
      `cursor=${Buffer.from('[-1,"a"]').toString('base64url')}`,
      'limit=0',
      'limit=1001',
      'limit=',
      'limit=1e2',
      'limit=0x10',
      'risk=101',
      'from=yesterday',
      'to=2026-01-01',
    ]) {
      const { status, text } = await test.ask('GET', `/v1/sessions?${query}`, { key: viewer });
      expect([query, status, (JSON.parse(text) as { code: string }).code]).toEqual([
        query,
        400,
        query.startsWith('cursor') ? 'cursor_invalid' : 'query_invalid',
      ]);
    }
  });
});

describe('a session', () => {
  interface Story {
    session: Record<string, unknown>;
    events: (Record<string, unknown> & { seq: number })[];
    next_after: number | null;
  }
  const call = (fields: object) => rawEvent({ type: 'tool.call', server: 'files', tool: 'read', ...fields });
  const result = (fields: object) => rawEvent({ type: 'tool.result', server: 'files', tool: 'read', ...fields });
  const story = (id: string, query = '') => test.read<Story>(`/v1/sessions/${encodeURIComponent(id)}${query}`, viewer);

  it('is told in order, each call joined to its result by call id, or else by order', async () => {
    const session_id = 'joined';
    const { answer } = await test.send(
      [
        call({ call_id: 'a' }),
        call({ call_id: 'b' }),
        result({ call_id: 'b' }),
        result({ call_id: 'a' }),
        call({}),
        call({ tool: 'write' }),
        result({ tool: 'write' }),
        result({}),
        call({ call_id: 'a' }), // a client that counts from the beginning again
        result({ call_id: 'a' }),
        call({ tool: 'never answered' }),
      ].map((event) => ({ ...event, session_id })),
    );
    const { events } = await story(session_id);
    const first = answer.records[0]?.seq ?? 0;
    const joins = events.map(({ seq, result_seq, joined_by }) => [
      seq - first,
      result_seq === undefined ? undefined : Number(result_seq) - first,
      joined_by,
    ]);
    expect(joins.filter(([, joined]) => joined !== undefined)).toEqual([
      [0, 3, 'call_id'],
      [1, 2, 'call_id'],
      [4, 7, 'order'],
      [5, 6, 'order'],
      [8, 9, 'call_id'],
    ]);
    for (const { seq, result_seq } of events) {
      if (result_seq !== undefined) expect(events.find((each) => each.seq === result_seq)?.call_seq).toBe(seq);
    }
    expect(events.at(-1)?.joined_by).toBeUndefined();
  });

  it('has a page for each part of it, which together hold every event once', async () => {
    await test.send(Array.from({ length: 25 }, () => rawEvent({ session_id: 'long' })));
    const seen: number[] = [];
    let query = '?limit=10';
    for (;;) {
      const { events, next_after } = await story('long', query);
      seen.push(...events.map(({ session_seq }) => Number(session_seq)));
      if (next_after === null) break;
      query = `?limit=10&after=${next_after}`;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => i));
  });

  it('is found under whatever id it has', async () => {
    for (const id of ['a/b', 'a%2Fb', 'a b?c=d#e', '%', 'é🜚', '" OR 1=1', 'a..', '~']) {
      await test.send(rawEvent({ session_id: id, event_id: `of ${id}` }));
      expect((await story(id)).session).toMatchObject({ session_id: id, events: 1 });
      await test.read(`/v1/events/${encodeURIComponent(`of ${id}`)}`, viewer);
    }
  });
});

describe('what proves an event', () => {
  const log = () => test.read<{ log: string; vkey: string; size: number }>('/v1/log', viewer);
  const checkpoint = async () => {
    const [{ log: origin, vkey }, { text }] = await Promise.all([
      log(),
      test.ask('GET', '/v1/log/checkpoint', { key: viewer }),
    ]);
    return openCheckpoint(text, origin, [trustKey(vkey)]);
  };

  it('is the hash of its core under a signed checkpoint', async () => {
    const event = rawEvent();
    const { answer } = await test.send(event);
    const shown = await test.read<{ core: string; leaf_hash: string }>(`/v1/events/${event.event_id}`, viewer);
    const leaf_hash = nodeHasher.leaf(Buffer.from(shown.core, 'utf8'));
    expect(toBase64(leaf_hash)).toBe(shown.leaf_hash);
    expect(shown.leaf_hash).toBe(answer.records[0]?.leaf_hash);
    const { text } = await test.ask('GET', `/v1/events/${event.event_id}/proof`, { key: viewer });
    const { log: origin, vkey } = await log();
    const claim = { leaf_hash, origin, verifiers: [trustKey(vkey)] };
    const proved = verifyTlogProof(nodeHasher, parseTlogProof(text), claim);
    expect(proved.size).toBeGreaterThan(answer.records[0]?.seq ?? 0);
    const other = { ...claim, leaf_hash: nodeHasher.leaf(Buffer.from(`${shown.core} `)) };
    expect(() => verifyTlogProof(nodeHasher, parseTlogProof(text), other)).toThrow(/inclusion/);
    const receipt = await test.read(`/v1/receipts/${answer.records[0]?.seq}`, viewer);
    expect(receipt).toMatchObject({ status: 'under_checkpoint', checkpoint_size: proved.size });
  });

  it('is that each checkpoint continues the ones before', async () => {
    const old = await checkpoint();
    await test.send(Array.from({ length: 7 }, () => rawEvent()));
    const now = await checkpoint();
    expect(now.size).toBe(old.size + 7);
    const { proof } = await test.read<{ proof: string[] }>(
      `/v1/log/consistency?old=${old.size}&new=${now.size}`,
      viewer,
    );
    const hashes = proof.map((hash) => fromBase64(hash) ?? new Uint8Array(0));
    const claim = { old_size: old.size, new_size: now.size, old_root: old.root, new_root: now.root, proof: hashes };
    expect(() => verifyConsistency(nodeHasher, claim)).not.toThrow();
    expect(() => verifyConsistency(nodeHasher, { ...claim, old_root: now.root })).toThrow(/consistency/);
    for (const query of ['old=0&new=1', 'old=2&new=1', `old=1&new=${now.size + 1}`, 'old=1']) {
      expect((await test.ask('GET', `/v1/log/consistency?${query}`, { key: viewer })).status).toBe(400);
    }
  });

  it('is missing for an event that nobody sent', async () => {
    for (const path of ['/v1/events/nobody', '/v1/events/nobody/proof', '/v1/receipts/99999999', '/v1/alerts/nobody']) {
      expect((await test.ask('GET', path, { key: viewer })).status).toBe(404);
    }
    expect((await test.ask('GET', '/v1/receipts/%20', { key: viewer })).status).toBe(400);
  });
});

describe('search', () => {
  const search = async (q: string, more = '') => {
    const { hits, next_cursor } = await test.read<{
      hits: { event_id: string; snippet: string }[];
      next_cursor: string | null;
    }>(`/v1/search?tenant=words&q=${encodeURIComponent(q)}${more}`);
    return { found: hits.map(({ event_id }) => event_id), hits, next_cursor };
  };

  beforeAll(async () => {
    const of = (event_id: string, fields: object) => rawEvent({ event_id, tenant: 'words', ...fields });
    await test.send([
      of('mixed', { content: 'Send the QUARTERLY Report to the board' }),
      of('params', {
        type: 'tool.call',
        tool: 'send',
        params: { to: 'eve@collector.test', deep: [{ x: 'quarterly' }] },
      }),
      of('unicode', { content: 'Größe und Straße, 日本語 and ПРИВЕТ мир' }),
      of('hostile', { content: "it's 100% \\done\\; DROP TABLE x" }),
      of('both', { type: 'tool.call', tool: 'send', content: 'alpha', params: { word: 'omega' } }),
    ]);
  });

  it('finds words in content and parameters, in whatever case they are asked for', async () => {
    for (const q of ['quarterly', 'QUARTERLY', 'Quarterly report', 'report quarterly']) {
      expect((await search(q)).found).toContain('mixed');
    }
    expect((await search('quarterly')).found).toEqual(['params', 'mixed']);
    expect((await search('collector.test')).found).toEqual(['params']);
    expect((await search('quarterly missing')).found).toEqual([]);
    expect((await search('omega alpha')).hits).toMatchObject([{ event_id: 'both', snippet: 'alpha {"word":"omega"}' }]);
    expect((await search('quarter')).found).toEqual([]);
    expect((await search('quarterly')).hits[1]?.snippet).toContain('QUARTERLY');
  });

  it('finds words in other scripts', async () => {
    for (const q of ['größe', 'GRÖSSE'.replace('SS', 'ß'), 'straße', 'привет', '日本語']) {
      expect([q, (await search(q)).found]).toEqual([q, ['unicode']]);
    }
  });

  it('takes hostile words for words, and refuses a query without any', async () => {
    for (const q of ["it's", '100%', '\\done\\', "'; DROP TABLE x; --", '{words:Array(String)}', '*done*', '"done"']) {
      expect(
        (await test.ask('GET', `/v1/search?q=${encodeURIComponent(q)}`, { key: test.service.admin_key })).status,
      ).toBe(200);
    }
    expect((await search('done drop')).found).toEqual(['hostile']);
    for (const q of ['!!! ???', '-', "'", ' ']) {
      expect(
        (await test.ask('GET', `/v1/search?q=${encodeURIComponent(q)}`, { key: test.service.admin_key })).status,
      ).toBe(400);
    }
  });

  it('has pages, newest first', async () => {
    await test.send(
      Array.from({ length: 5 }, (_, i) => rawEvent({ event_id: `n${i}`, tenant: 'words', content: 'needle' })),
    );
    const first = await search('needle', '&limit=3');
    const second = await search('needle', `&limit=3&cursor=${first.next_cursor}`);
    expect([...first.found, ...second.found]).toEqual(['n4', 'n3', 'n2', 'n1', 'n0']);
    expect(second.next_cursor).toBeNull();
  });
});

describe('what was rejected', () => {
  it('is listed with its reason, newest first, with what arrived', async () => {
    const key = await test.key('ingest', 'rejects');
    await test.send('{"event_id":', { key });
    await test.send([{ event_id: 'x' }, rawEvent({ tenant: 'other' })], { key });
    const event = rawEvent();
    await test.send([event, { ...event, content: 'other' }], { key });
    const { rejected } = await test.read<{ rejected: Record<string, unknown>[] }>('/v1/rejected?tenant=rejects');
    expect(rejected.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['conflict', 'event_id_conflict'],
      ['rejected', 'tenant_mismatch'],
      ['rejected', 'schema_invalid'],
      ['rejected', 'json_malformed'],
    ]);
    const last = rejected.at(-1);
    expect(Buffer.from(String(last?.raw_base64), 'base64').toString()).toBe('{"event_id":');
    expect(last).toMatchObject({ size_bytes: 12, accepted_by: key.slice(3, 15) });
  });
});

describe('the documents', () => {
  it('include a valid OpenAPI 3.1 description', async () => {
    const { text, headers } = await test.ask('GET', '/v1/openapi.json');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    const document = JSON.parse(text) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: object }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const { valid, errors } = await new Validator().validate(document);
    expect([valid, errors]).toEqual([true, undefined]);
    const limits = JSON.stringify(document.paths['/v1/sessions']?.get);
    expect(limits).toContain('"maximum":1000');
  });

  it('include the JSON Schema of an event, the same as the published one', async () => {
    const { text, headers } = await test.ask('GET', '/v1/schema/event.json');
    expect(headers.get('content-type')).toMatch(/^application\/schema\+json/);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(eventJsonSchema())));
    const published = readFileSync(new URL('../docs/event.schema.json', import.meta.url), 'utf8');
    expect(published, 'run: npm run docs').toBe(`${JSON.stringify(eventJsonSchema(), null, 2)}\n`);
  });

  it('include a schema that agrees with the program about what an event is', async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addFormat('base64', true);
    const validate = ajv.compile(eventJsonSchema());
    const good = [rawEvent(), rawEvent({ type: 'tool.call', tool: 'x', params: {}, user_id: null, of_ours: 1 })];
    const bad = [rawEvent({ type: 'tool.call' }), rawEvent({ user_id: 1 }), rawEvent({ time: 'now' }), 1, {}];
    for (const event of [...good, ...Object.values(EVENT_EXAMPLES)]) {
      expect([validate(event), validate.errors]).toEqual([true, null]);
    }
    for (const event of bad) expect(validate(event)).toBe(false);
    const { answer } = await test.send([...good, ...bad]);
    expect([answer.accepted, answer.rejected]).toEqual([good.length, bad.length]);
  });

  it('say that the service is well', async () => {
    expect(await test.read('/healthz', '')).toMatchObject({ ok: true });
    expect((await test.ask('GET', '/nothing')).status).toBe(404);
    expect((await test.ask('PUT', '/v1/events', { key: viewer })).status).toBe(404);
  });
});
