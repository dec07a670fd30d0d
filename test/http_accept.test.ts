import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../core/limits.ts';
import { startTestService, type TestService } from './support/http_service.ts';
import { rawEvent } from './support/raw_event.ts';
import { openSocket, postHead, readSocket } from './support/raw_http.ts';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});

afterAll(() => test.close());

const NDJSON = { 'content-type': 'application/x-ndjson' };
const ndjson = (records: readonly unknown[]) => records.map((record) => JSON.stringify(record)).join('\n');
const read = async (event_id: string) =>
  (await test.read<{ event: Record<string, unknown> }>(`/v1/events/${encodeURIComponent(event_id)}`)).event;
const head = () => test.service.writer.head.size;

describe('the forms in which events are taken', () => {
  it('takes one event, names its leaf, and has it under the head when it answers', async () => {
    const event = rawEvent();
    const { status, answer } = await test.send(event);
    expect([status, answer.accepted, answer.records.length]).toEqual([200, 1, 1]);
    const [record] = answer.records;
    expect(record).toMatchObject({ index: 0, outcome: 'accepted', event_id: event.event_id });
    expect(answer.size).toBe(Number(record?.seq) + 1);
    const receipt = await test.read<Record<string, unknown>>(`/v1/receipts/${record?.seq}`);
    expect(receipt).toMatchObject({ kind: 'event', event_id: event.event_id, leaf_hash: record?.leaf_hash });
    expect(await read(event.event_id)).toMatchObject(event);
  });

  it('takes an array, and names every record by its place', async () => {
    const events = [rawEvent(), rawEvent(), rawEvent()];
    const { status, answer } = await test.send(events);
    expect(status).toBe(200);
    expect(answer.records.map((record) => [record.index, record.event_id])).toEqual(
      events.map((event, index) => [index, event.event_id]),
    );
    for (const event of events) expect(await read(event.event_id)).toMatchObject(event);
  });

  it('takes NDJSON with empty lines and either line ending', async () => {
    const events = [rawEvent(), rawEvent(), rawEvent()];
    const [a, b, c] = events.map((event) => JSON.stringify(event));
    const { status, answer } = await test.send(`${a}\r\n\n${b}\n   \n${c}`, { headers: NDJSON });
    expect([status, answer.accepted]).toEqual([200, 3]);
  });

  it('takes gzip of each form, with several members too', async () => {
    const gzip = { 'content-encoding': 'gzip' };
    const one = await test.send(gzipSync(JSON.stringify(rawEvent())), { headers: gzip });
    const members = Buffer.concat([gzipSync(`${ndjson([rawEvent()])}\n`), gzipSync(ndjson([rawEvent()]))]);
    const two = await test.send(members, { headers: { ...NDJSON, ...gzip } });
    expect([one.status, one.answer.accepted, two.status, two.answer.accepted]).toEqual([200, 1, 200, 2]);
  });

  it('takes CloudEvents, structured and batched, whose id and time serve where the data has none', async () => {
    const { event_id, time, ...data } = rawEvent();
    const envelope = { specversion: '1.0', id: event_id, time, source: '/agents', type: 'provenance', data };
    const one = await test.send(envelope, { headers: { 'content-type': 'application/cloudevents+json' } });
    expect([one.status, one.answer.records[0]?.event_id]).toEqual([200, event_id]);
    const other = rawEvent();
    const batch = [
      { ...envelope, id: 'other-id', data: other },
      { ...envelope, data: 'no event' },
    ];
    const two = await test.send(batch, {
      headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
    });
    expect(two.answer.records.map((record) => [record.outcome, record.event_id])).toEqual([
      ['accepted', other.event_id],
      ['rejected', ''],
    ]);
  });

  it('takes a body in chunks without an announced length', async () => {
    const text = JSON.stringify(rawEvent());
    const socket = await openSocket(test.url);
    socket.write(postHead(test.service.admin_key, { 'Transfer-Encoding': 'chunked', Connection: 'close' }));
    for (const part of [text.slice(0, 10), text.slice(10)]) {
      socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
    }
    socket.write('0\r\n\r\n');
    const answer = await readSocket(socket);
    expect([answer.startsWith('HTTP/1.1 200 '), answer.includes('"outcome":"accepted"')]).toEqual([true, true]);
  });

  it('answers 50 pipelined requests on one connection in order', async () => {
    const events = Array.from({ length: 50 }, () => rawEvent());
    const socket = await openSocket(test.url);
    for (const event of events) {
      const body = JSON.stringify(event);
      const length = { 'Content-Length': String(Buffer.byteLength(body)) };
      socket.write(`${postHead(test.service.admin_key, length)}${body}`);
    }
    const ids = (text: string) => [...text.matchAll(/"event_id":"([^"]+)"/g)].map((match) => match[1]);
    const text = await readSocket(socket, (so_far) => ids(so_far).length === events.length);
    socket.destroy();
    expect(ids(text)).toEqual(events.map((event) => event.event_id));
    expect([...text.matchAll(/HTTP\/1\.1 200/g)]).toHaveLength(50);
  });

  it('takes an empty list for what it is, and nothing at all for a mistake', async () => {
    expect(await test.send('[]')).toMatchObject({ status: 200, answer: { records: [] } });
    for (const body of ['', '  \n ']) {
      expect(await test.send(body)).toMatchObject({ status: 400, answer: { code: 'body_malformed' } });
    }
  });
});

describe('what becomes of each record', () => {
  it('answers 200, 207 or 422 as all, some or none were taken', async () => {
    const bad = { type: 'prompt' };
    expect((await test.send([rawEvent(), rawEvent()])).status).toBe(200);
    expect((await test.send([rawEvent(), bad])).status).toBe(207);
    expect((await test.send([bad, bad])).status).toBe(422);
  });

  it('stores an event that comes twice once, in one body and in two, and tells another content apart', async () => {
    const event = rawEvent();
    const one = await test.send([event, event, { ...event, content: 'other' }]);
    const [first, second, third] = one.answer.records;
    expect(one.status).toBe(207);
    expect([first?.outcome, second?.outcome, third?.outcome]).toEqual(['accepted', 'duplicate', 'conflict']);
    expect([second?.first_seq, third?.first_seq]).toEqual([first?.seq, first?.seq]);
    const again = await test.send(event);
    expect([again.status, again.answer.duplicate, again.answer.records[0]?.first_seq]).toEqual([200, 1, first?.seq]);
    const other = await test.send({ ...event, user_id: 'somebody else' });
    expect([other.status, other.answer.conflict]).toEqual([207, 1]);
    expect(await read(event.event_id)).toMatchObject(event);
  });

  const time = new Date().toISOString();
  const good = `"event_id":"x","time":"${time}","type":"prompt"`;
  const hour = 3_600_000;
  const BAD: [what: string, record: string, reason: string][] = [
    ['text that is not JSON', '{"event_id": nope}', 'json_malformed'],
    ['a number', '42', 'schema_invalid'],
    ['null', 'null', 'schema_invalid'],
    ['an array', '[[]]', 'schema_invalid'],
    ['a wrong type', `{${good},"event_id2":1,"is_error":"yes"}`, 'schema_invalid'],
    ['an id that is a number', `{"event_id":1,"time":"${time}","type":"prompt"}`, 'schema_invalid'],
    ['an unknown type', `{"event_id":"x","time":"${time}","type":"nothing"}`, 'schema_invalid'],
    ['a missing time', '{"event_id":"x","type":"prompt"}', 'schema_invalid'],
    ['a key that stands twice', `{${good},"user_id":"a","user_id":"b"}`, 'json_duplicate_key'],
    ['a key that stands twice under escapes', `{${good},"params":{"a":1,"\\u0061":2}}`, 'json_duplicate_key'],
    ['half of a pair', `{${good},"content":"\\ud800"}`, 'json_lone_surrogate'],
    ['a number that loses digits', `{${good},"params":{"n":12345678901234567890}}`, 'json_number_loses_digits'],
    ['deep nesting', `{${good},"params":{"n":${'['.repeat(100)}${']'.repeat(100)}}}`, 'json_too_deep'],
    ['NUL in an id', `{"event_id":"x\\u0000","time":"${time}","type":"prompt"}`, 'schema_invalid'],
    ['an escape sequence in a name', `{${good},"user_id":"\\u001b[2J"}`, 'schema_invalid'],
    ['a name of 10,000 letters', `{${good},"agent":"${'a'.repeat(10_000)}"}`, 'schema_invalid'],
    ['the far past', '{"event_id":"x","time":"1970-01-01T00:00:00Z","type":"prompt"}', 'time_out_of_range'],
    [
      'the future',
      `{"event_id":"x","time":"${new Date(Date.now() + 48 * hour).toISOString()}","type":"prompt"}`,
      'time_out_of_range',
    ],
    ['the end of time', '{"event_id":"x","time":"9999-12-31T23:59:59Z","type":"prompt"}', 'time_out_of_range'],
    ['a tenant that is reserved', `{${good},"tenant":"*"}`, 'tenant_mismatch'],
  ];

  it.each(BAD)('rejects %s with its reason, and takes the records beside it', async (_, record, reason) => {
    const key = await test.key('ingest');
    const around = () => [JSON.stringify(rawEvent()), record, JSON.stringify(rawEvent())];
    for (const [body, headers] of [
      [`[${around().join(',')}]`, {}],
      [around().join('\n'), NDJSON],
    ] as const) {
      const { status, answer } = await test.send(body, { key, headers });
      expect(status).toBe(207);
      expect(answer.records.map((each) => each.outcome)).toEqual(['accepted', 'rejected', 'accepted']);
      const message = answer.records[1]?.message ?? '';
      expect([answer.records[1]?.reason, message === '', message.length < 1_000]).toEqual([reason, false, true]);
      expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });

  it('rejects records of another tenant one by one', async () => {
    const key = await test.key('ingest', 'acme');
    const { answer } = await test.send([rawEvent(), rawEvent({ tenant: 'other' }), rawEvent({ tenant: 'acme' })], {
      key,
    });
    expect(answer.records.map((record) => record.reason ?? record.outcome)).toEqual([
      'accepted',
      'tenant_mismatch',
      'accepted',
    ]);
  });

  it('keeps a field above the limit with head, tail, digest and size, and takes the event', async () => {
    const event = rawEvent({ content: 'é'.repeat(5_242_880) });
    const { status } = await test.send(event);
    expect(status).toBe(200);
    const stored = await read(event.event_id);
    expect(stored.capture).toMatchObject({ content: { level: 'truncated', size_bytes: 10_485_760 } });
    expect(String(stored.content)).toMatch(/^é+\n\[… \d+ bytes left out …\]\né+$/);
  });
});

describe('hostile text', () => {
  const HOSTILE = [
    "'; DROP TABLE events; --",
    '\n\n',
    'a\n\nINSERT INTO heads VALUES (1)\n\n',
    '\\n\\n\\t\\0\\',
    '{tenant:String}',
    "') FORMAT RowBinary",
    '`"$(id)`',
    '\u0000\u0001\u001b[31m\u007f\u0085\u202e\u2028',
    '%s%n{{}}<script>',
    '日本語 🜚 ́̈',
  ];
  const printable = HOSTILE.map((text) => text.replace(/\p{Cc}/gu, '·'));

  it('comes back as it was sent from content, parameters, their keys and unknown fields', async () => {
    const events = HOSTILE.map((text) =>
      rawEvent({
        type: 'tool.call',
        tool: 'send',
        content: text,
        params: { [text]: text, list: [text, { [text]: [text] }] },
        note_of_ours: { [text]: text },
      }),
    );
    expect((await test.send(events)).status).toBe(200);
    for (const [i, event] of events.entries()) {
      const { note_of_ours, ...known } = event;
      const stored = await read(event.event_id);
      expect(stored).toMatchObject({ ...known, extra: { note_of_ours } });
      expect(stored.content).toBe(HOSTILE[i]);
    }
  });

  it('comes back as it was sent from every field of a name or an id, where it may stand there', async () => {
    const names = ['user_id', 'user_role', 'agent', 'agent_version', 'model', 'client', 'parent_agent', 'server'];
    const ids = ['call_id', 'trace_id', 'span_id', 'token_ref', 'session_id', 'conversation_id', 'memory_store'];
    for (const [i, text] of printable.entries()) {
      const fields = Object.fromEntries([...names, ...ids].map((name) => [name, `${name} ${text}`]));
      const event = rawEvent({ ...fields, event_id: `hostile ${i} ${text}`, type: 'tool.call', tool: text });
      expect((await test.send(event)).status).toBe(200);
      expect(await read(event.event_id)).toMatchObject(event);
      const session = encodeURIComponent(`session_id ${text}`);
      const shown = await test.read<{ session: Record<string, unknown> }>(`/v1/sessions/${session}`);
      expect(shown.session).toMatchObject({ user_id: `user_id ${text}`, tools: [text], servers: [`server ${text}`] });
      const found = await test.read<{ sessions: unknown[] }>(`/v1/sessions?tool=${encodeURIComponent(text)}`);
      expect(found.sessions).toHaveLength(1);
    }
  });

  it('leaves every table where it was', async () => {
    const tables = await test.service.store.rows<{ name: string }>(
      "SELECT name FROM system.tables WHERE database = currentDatabase() AND name IN ('events', 'content', 'heads', 'leaves')",
    );
    expect(tables).toHaveLength(4);
    const { text } = await test.ask('POST', '/v1/verify', {
      key: test.service.admin_key,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ report: { ok: true, findings: [] } });
  });
});

describe('bodies that are refused before anything is a record', () => {
  const refused = async (body: string | Uint8Array, headers: Record<string, string> = {}) => {
    await test.service.settled(); // alerts of what came before are records too
    const before = head();
    const { status, answer } = await test.send(body, { headers });
    expect(head()).toBe(before);
    return [status, answer.code];
  };
  const gzip = { 'content-encoding': 'gzip' };

  it('refuses an array that does not close, and gzip that is cut or is none, with 400', async () => {
    expect(await refused('[{"a":1}')).toEqual([400, 'json_malformed']);
    const whole = gzipSync(JSON.stringify([rawEvent(), rawEvent({ content: 'x'.repeat(1000) })]));
    expect(await refused(whole.subarray(0, whole.length / 2), gzip)).toEqual([400, 'body_gzip_invalid']);
    expect(await refused('this is not gzip at all', gzip)).toEqual([400, 'body_gzip_invalid']);
    expect(await refused('', gzip)).toEqual([400, 'body_gzip_invalid']);
  });

  it('refuses other types and encodings with 415', async () => {
    expect(await refused('x', { 'content-type': 'text/plain' })).toEqual([415, 'content_type_unsupported']);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await refused('x', form)).toEqual([415, 'content_type_unsupported']);
    expect(await refused('x', { 'content-encoding': 'br' })).toEqual([415, 'encoding_unsupported']);
    expect(await refused('x', { 'content-encoding': 'gzip, gzip' })).toEqual([415, 'encoding_unsupported']);
  });

  it('refuses too many records and too many bytes with 413', async () => {
    const many = `[${'{},'.repeat(LIMITS.body_records_max)}{}]`;
    expect(await refused(many)).toEqual([413, 'too_many_records']);
    expect(await refused(Buffer.alloc(40_000_000, 0x20))).toEqual([413, 'body_too_large']);
  });

  it('refuses a body of 256 MB in 256 KB of gzip with 413, and holds no more of it than the limit', async () => {
    const mb = gzipSync(Buffer.alloc(1_048_576));
    const bomb = Buffer.concat(Array.from({ length: 256 }, () => mb));
    expect(gunzipSync(mb)).toHaveLength(1_048_576);
    // Of the buffers alone: the engine in the same process takes and gives back memory as it likes.
    const before = process.memoryUsage().arrayBuffers;
    let peak = before;
    const looking = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    }, 1);
    try {
      expect(await refused(bomb, gzip)).toEqual([413, 'body_too_large']);
    } finally {
      clearInterval(looking);
    }
    expect(peak - before).toBeLessThan(120_000_000);
  });

  it('says what is wrong without a word of the body, in the answer and in the notices', async () => {
    const secret = 'sk-live-4242424242424242';
    const key = await test.key('ingest');
    const texts: string[] = [];
    for (const body of [
      `[{"content":"${secret}"`,
      `{"content":"${secret}"`,
      `{"content":"${secret}","time":"${new Date().toISOString()}","event_id":"x","type":"tool.call"}`,
      JSON.stringify(rawEvent({ params: secret })),
      JSON.stringify(rawEvent({ type: 'tool.call', tool: 'x', duration_ms: -1, content: secret })),
      JSON.stringify(rawEvent({ salt: secret })),
    ]) {
      const { status, answer } = await test.send(body, { key });
      expect(status).toBeGreaterThanOrEqual(400);
      texts.push(JSON.stringify(answer));
    }
    texts.push(JSON.stringify(test.notices));
    for (const text of texts) {
      expect(text).not.toContain('sk-live');
      expect(text).not.toContain(key.slice(-43));
    }
  });
});

describe('clients that do not do their part', () => {
  const lines = (text: string) => text.split('\r\n');

  it.each([
    ['with an announced length', { 'Content-Length': '1000' }, '{"event_id":'],
    ['with a long announced length', { 'Content-Length': '1000000' }, '{"event_id":'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '5\r\n{"eve\r\n'],
    ['in gzip', { 'Content-Length': '1000', 'Content-Encoding': 'gzip' }, '\x1f\x8b'],
  ])('ends a body that stops arriving %s with 408', async (_, headers, part) => {
    const before = head();
    const impatient = await test.also({ limits: { body_idle_ms_max: 100 } });
    const socket = await openSocket(impatient.url);
    socket.write(postHead(test.service.admin_key, { ...headers, Connection: 'close' }));
    socket.write(Buffer.from(part, 'latin1'));
    const text = await readSocket(socket, (so_far) => so_far.includes('body_timeout'));
    expect(lines(text)[0]).toBe('HTTP/1.1 408 Request Timeout');
    socket.destroy();
    expect(head()).toBe(before);
  });

  it('ends a body that comes too slowly, though it never stops, with 408', async () => {
    const impatient = await test.also({ limits: { body_total_ms_max: 300 } });
    const socket = await openSocket(impatient.url);
    socket.write(postHead(test.service.admin_key, { 'Transfer-Encoding': 'chunked', Connection: 'close' }));
    const drip = setInterval(() => socket.write('1\r\n \r\n'), 20);
    const text = await readSocket(socket, (so_far) => so_far.includes('body_timeout'));
    clearInterval(drip);
    socket.destroy();
    expect(lines(text)[0]).toBe('HTTP/1.1 408 Request Timeout');
  });

  it('takes nothing of a body whose client goes away, and serves the next', async () => {
    const before = head();
    const { bodies_refused } = test.service.context.counters;
    const gone = bodies_refused.body_incomplete ?? 0;
    for (const length of ['1000', '1000000']) {
      const socket = await openSocket(test.url);
      socket.write(`${postHead(test.service.admin_key, { 'Content-Length': length })}${JSON.stringify(rawEvent())}`);
      await new Promise<void>((resolve) => socket.end(() => resolve()));
      socket.destroy();
    }
    await expect.poll(() => bodies_refused.body_incomplete, { timeout: 20_000 }).toBe(gone + 2);
    expect(head()).toBe(before);
    expect((await test.send(rawEvent())).status).toBe(200);
  });

  it('makes a key that had too many records rejected wait, and no other', async () => {
    const strict = await test.also({ limits: { reject_quota_per_minute_max: 3 } });
    const key = await test.key('ingest');
    const bad = { type: 'prompt' };
    expect((await strict.send([bad, bad], { key })).status).toBe(422);
    expect((await strict.send([bad, rawEvent()], { key })).status).toBe(207);
    const before = head();
    const refused = await strict.ask('POST', '/v1/events', { key, body: JSON.stringify(rawEvent()) });
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([429, { code: 'reject_quota_exceeded' }]);
    const wait_s = Number(refused.headers.get('retry-after'));
    expect([wait_s > 0, wait_s <= 60]).toEqual([true, true]);
    expect(head()).toBe(before);
    expect((await strict.send(rawEvent(), { key: await test.key('ingest') })).status).toBe(200);
  });
});

describe('more than the log can take', () => {
  /** Holds every insert up until it is let go. */
  function holdStore(): () => void {
    const { store } = test.service;
    const insert = store.insert.bind(store);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    store.insert = async (table, rows) => {
      await gate;
      return insert(table, rows);
    };
    return () => {
      store.insert = insert;
      release();
    };
  }

  it('answers 429 with Retry-After while the queue is full, and then loses and doubles nothing', async () => {
    const release = holdStore();
    const { writer } = test.service;
    const waiting = test.send(rawEvent());
    // Too long to be read, so that only their bytes count.
    const huge = Buffer.alloc(LIMITS.record_bytes_max + 1, 0x20);
    const filling: Promise<unknown>[] = [];
    while (writer.waiting.bytes + huge.length <= LIMITS.queue_bytes_max) {
      filling.push(writer.submit([writer.accept(huge, 'default', 'test')]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const events = Array.from({ length: 40 }, () => rawEvent({ content: 'x'.repeat(1_000_000) }));
    const refused = await test.ask('POST', '/v1/events', {
      key: test.service.admin_key,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(events.slice(0, 20)),
    });
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([429, 'queue_full']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    release();
    expect((await waiting).status).toBe(200);
    await Promise.all(filling);
    const again = await test.send(events.slice(0, 20));
    expect([again.status, again.answer.accepted]).toEqual([200, 20]);
  });

  it('answers 503 with Retry-After above the number of bodies at once, and takes them later', async () => {
    const narrow = await test.also({ limits: { requests_in_flight_max: 2 } });
    const release = holdStore();
    const events = Array.from({ length: 8 }, () => rawEvent());
    const asked = events.map((event) =>
      narrow.ask('POST', '/v1/events', {
        key: test.service.admin_key,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      }),
    );
    // While the store is held up, only a refusal can be answered.
    await Promise.race(asked).finally(release);
    const answers = await Promise.all(asked);
    const late = events.filter((_, i) => answers[i]?.status === 503);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(events.length - late.length);
    expect(late.length).toBeGreaterThan(0);
    for (const { status, headers } of answers) {
      if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const again = await test.send(late);
    expect([again.status, again.answer.accepted]).toEqual([200, late.length]);
  });

  it('has every record once at the end', async () => {
    const [row] = await test.service.store.rows<{ n: number; ids: number }>(
      "SELECT count() AS n, uniqExact(tenant, event_id) AS ids FROM v_events WHERE kind = 'event'",
    );
    expect(row?.n).toBe(row?.ids);
  });
});
