import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryQuery } from '../../test/arbitrary_query.ts';
import { LIMITS } from '../limits.ts';
import { compileQuery } from './compile.ts';
import { matchesQuery } from './evaluate.ts';
import { formatQuery } from './format.ts';
import { parseQuery } from './parse.ts';
import { caretLines, faultPlace } from './query_fault.ts';
import type { QueryRow, Subject } from './subject.ts';
import { ALERTS } from './subjects/alerts.ts';
import { EVENTS } from './subjects/events.ts';
import { SESSIONS } from './subjects/sessions.ts';
import { SUBSCRIPTIONS } from './subjects/subscriptions.ts';

const now_ms = Date.parse('2026-03-02T00:00:00Z');
const matches = (text: string, row: QueryRow, subject: Subject = SESSIONS) =>
  matchesQuery(parseQuery(text, subject), subject, row, { now_ms, with_content: true });

const SESSION: QueryRow = {
  session_id: 's1',
  session_source: 'given',
  user_id: 'alice',
  user_role: 'clerk',
  agent: 'Mail Robot',
  client: '',
  server: ['mail', 'files'],
  tool: ['send_email', 'read_file'],
  events: 4,
  calls: 2,
  errors: 0,
  prompts: 1,
  first_time: Date.parse('2026-03-01T12:00:00.500Z'),
  last_time: Date.parse('2026-03-01T12:00:30Z'),
  risk: 70,
  alerts: 1,
};

describe('a query', () => {
  it.each([
    'tool:send_email and user_id:alice',
    'risk >= 70',
    'risk>=70 AND risk < 71',
    'tool:(send_email or delete_all)',
    'tool:(send_email and read_file)',
    'not tool:delete_*',
    'tool:send_* and not (user:bob or user:carol)',
    'agent:"Mail Robot"',
    'agent:Mail\\ Robot',
    'agent:*Rob*',
    'role:*',
    'not client:*',
    'risk:(>= 60 and < 80)',
    'risk:70',
    'risk:7e1',
    'risk < 9007199254740991',
    'risk > 1e-7',
    'first_time:2026-03-01',
    'first_time:2026-03-01T12:00Z',
    'first_time:2026-03-01T12:00:00Z',
    'first_time <= 2026-03-01T12:00:00Z',
    'first_time >= now-24h',
    'robot',
    'ALICE or nobody',
    '"mail rob"',
    '*',
    '',
    'not not alice',
    'user:bob or user:alice and tool:send_email',
    'events > 3 and events < 5 and not events >= 5',
  ])('finds the session: %s', (text) => expect(matches(text, SESSION)).toBe(true));

  it.each([
    'tool:send_email and user_id:bob',
    'risk > 70',
    'tool:send',
    'user:Alice',
    'user:alic',
    'client:*',
    'not tool:send_*',
    'tool:(send_email and delete_all)',
    'agent:"Mail*"',
    'first_time > 2026-03-01',
    'first_time < 2026-03-01T12:00Z',
    'first_time >= now-11h',
    '"alice bob"',
    'not (alice or bob)',
    '(user:bob or user:alice) and tool:write',
  ])('does not find it: %s', (text) => expect(matches(text, SESSION)).toBe(false));

  it('binds not before and, and and before or', () => {
    const shape = (text: string) => formatQuery(parseQuery(text, SESSIONS));
    expect(parseQuery('a or b and not c', SESSIONS)).toEqual(parseQuery('a or (b and (not c))', SESSIONS));
    expect(parseQuery('(a or b) and c', SESSIONS)).not.toEqual(parseQuery('a or b and c', SESSIONS));
    expect(shape('((a)) and (b and c)')).toBe('a and b and c');
    expect(shape('user:alice')).toBe('user_id:alice');
    expect(shape('tool:(a or not "b c")')).toBe('tool:a or not tool:"b c"');
  });

  it('compares severities by how grave they are, and takes wildcards in types', () => {
    const alert = { severity: 'high', title: 'A secret', reason: '' };
    expect(matches('severity >= high', alert, ALERTS)).toBe(true);
    expect(matches('severity > high', alert, ALERTS)).toBe(false);
    expect(matches('severity:(high or critical)', alert, ALERTS)).toBe(true);
    expect(matches('type:tool.*', { type: 'tool.call' }, EVENTS)).toBe(true);
    expect(matches('type:tool.*', { type: 'prompt' }, EVENTS)).toBe(false);
    expect(matches('is_error:true', { is_error: true }, EVENTS)).toBe(true);
    expect(
      matches('kind:alerts and severity_min <= low', { kind: 'alerts', severity_min: 'info' }, SUBSCRIPTIONS),
    ).toBe(true);
  });

  it('finds words of content in any order, and no parts of words', () => {
    const row = { content: 'Send the REPORT, to bob@example.com' };
    expect(matches('content:"report send"', row, EVENTS)).toBe(true);
    expect(matches('content:repo', row, EVENTS)).toBe(false);
  });
});

describe('a fault in a query', () => {
  const fault = (text: string, subject: Subject = SESSIONS) => {
    try {
      parseQuery(text, subject);
    } catch (error) {
      const place = faultPlace(error);
      if (place === undefined) throw error;
      const marked = caretLines(text, place, (each) => each)[1] ?? '';
      return {
        message: (error as Error).message,
        suggestion: place.suggestion,
        under: text.slice(place.at, place.at + place.chars),
        marked,
      };
    }
    throw new Error(`${text} has no fault`);
  };

  it('in a name is marked, with the name that is most like it', () => {
    expect(fault('tool:x and usr_id:alice')).toEqual({
      message: 'sessions have no field "usr_id", at character 12 of the query; did you mean user_id?',
      suggestion: 'user_id',
      under: 'usr_id',
      marked: '           ^^^^^^',
    });
    expect(fault('risc >= 70').suggestion).toBe('risk');
    expect(fault('zzzzzz:1').suggestion).toBeUndefined();
  });

  it('in a value is marked, with the value that is most like it', () => {
    expect(fault('severity:hihg', ALERTS)).toMatchObject({ suggestion: 'high', under: 'hihg' });
    expect(fault('severity:(high or critcal)', ALERTS)).toMatchObject({ suggestion: 'critical', under: 'critcal' });
    expect(fault('status:opn*', ALERTS).message).toContain('new, acknowledged');
  });

  it.each([
    ['tool:', 'something has to follow', ''],
    ['a and', 'something has to follow', ''],
    ['(a or b', 'a closing bracket is missing', ''],
    ['a)', 'no bracket is open here', ')'],
    ['()', 'something has to stand before this bracket', ')'],
    ['a and )', 'something has to stand before this bracket', ')'],
    ['and b', 'something has to stand before "and"', 'and'],
    ['tool:"abc', 'a quotation mark is not closed', '"'],
    ['tool:send mail', 'and or or has to stand before "mail"', 'mail'],
    [':x', 'a name of a field has to stand before this', ':'],
    ['risk:high', '"high" is no number', 'high'],
    ['risk:7*', 'a value of risk takes no wildcard', '7*'],
    ['risk:0x10', '"0x10" is no number', '0x10'],
    ['risk:NaN', '"NaN" is no number', 'NaN'],
    ['risk:1e999', '"1e999" is beyond 2^53 - 1', '1e999'],
    ['risk:9007199254740992', 'is beyond 2^53 - 1', '9007199254740992'],
    ['risk:-9007199254740992', 'is beyond 2^53 - 1', '-9007199254740992'],
    ['user_id > a', 'user_id cannot be compared', 'a'],
    ['last_time:2026-02-31', 'is no time', '2026-02-31'],
    ['last_time:yesterday', 'is no time', 'yesterday'],
  ])('in %s is told: %s', (text, message, under) => {
    expect(fault(text).message).toContain(message);
    expect(fault(text).under).toBe(under);
  });

  it('is told of any text, and is nothing else than a fault', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      '"',
      '\\',
      ':',
      '*',
      ' ',
      'and',
      'or',
      'not',
      'risk',
      'tool',
      '>=',
      '70',
      'x',
      '\n',
      '\0',
      '😀',
    );
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          parseQuery(text, SESSIONS);
        } catch (error) {
          expect(error).toMatchObject({ code: 'query_invalid' });
          const place = faultPlace(error);
          expect(place?.at).toBeGreaterThanOrEqual(0);
          expect(place?.at).toBeLessThanOrEqual(text.length);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a bomb', () => {
  const many = (text: string, times: number) => Array.from({ length: times }, () => text).join(' or ');
  it.each([
    ['brackets', '('.repeat(1_900)],
    ['brackets with a middle', `${'('.repeat(900)}a${')'.repeat(900)}`],
    ['brackets of values', 'tool:('.repeat(300)],
    ['negations', `${'not '.repeat(490)}a`],
    ['terms', many('a', LIMITS.query_terms_max + 1)],
    ['values', `tool:(${many('a', LIMITS.query_terms_max + 1)})`],
    ['wildcards', 'a*'.repeat(LIMITS.query_wildcards_max + 1)],
    ['wildcards in many terms', many('tool:*a*', LIMITS.query_wildcards_max / 2 + 1)],
    ['letters', 'a'.repeat(LIMITS.query_chars_max + 1)],
    ['a very long text', 'a'.repeat(10_000_000)],
    ['backslashes', '\\'.repeat(1_999)],
    ['quotation marks', '"'.repeat(1_999)],
    ['words', `content:"${Array.from({ length: 200 }, (_, i) => `w${i}`).join(' ')}"`],
  ])('of %s is refused, and soon', (_, text) => {
    parseQuery('a', EVENTS);
    const before = performance.now();
    expect(() => parseQuery(text, EVENTS)).toThrow(expect.objectContaining({ code: 'query_invalid' }));
    expect(performance.now() - before).toBeLessThan(250);
  });

  it('is what lies above a limit: what reaches it is taken', () => {
    parseQuery(many('a', LIMITS.query_terms_max), EVENTS);
    parseQuery('a*'.repeat(LIMITS.query_wildcards_max), EVENTS);
    parseQuery(`${'not '.repeat(LIMITS.query_depth_max)}a`, EVENTS);
    parseQuery(`${'('.repeat(LIMITS.query_depth_max)}a${')'.repeat(LIMITS.query_depth_max)}`, EVENTS);
    expect(() => parseQuery(`${'not '.repeat(LIMITS.query_depth_max + 1)}a`, EVENTS)).toThrow(/deep/);
  });

  it('of wildcards that a long text almost matches takes no time that grows with their number', () => {
    const node = parseQuery(`${'a*'.repeat(19)}b`, EVENTS);
    const before = performance.now();
    expect(matchesQuery(node, EVENTS, { event_id: 'a'.repeat(200_000) }, { now_ms, with_content: true })).toBe(false);
    expect(performance.now() - before).toBeLessThan(250);
  });
});

describe('the text of a tree', () => {
  it.each([SESSIONS, ALERTS, EVENTS, SUBSCRIPTIONS])('is read as the same tree again: $name', (subject) => {
    fc.assert(
      fc.property(arbitraryQuery(subject, [SESSION]), (tree) => {
        const text = formatQuery(tree);
        fc.pre(text.length <= LIMITS.query_chars_max);
        expect(parseQuery(text, subject)).toEqual(tree);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the SQL of a tree', () => {
  it('holds nothing that was written in the query', () => {
    const secret = 'zqx';
    const texts = fc.string({ unit: 'binary', maxLength: 10 }).map((text) => `${secret}${text}`);
    const trees = texts.map(
      (text) => `user_id:"${text.replace(/["\\]/g, '\\$&')}" or "${text.replace(/["\\]/g, '\\$&')}"`,
    );
    fc.assert(
      fc.property(trees, (text) => {
        const { sql, params } = compileQuery(parseQuery(text, SESSIONS), SESSIONS, { now_ms, with_content: true });
        expect(sql).not.toContain(secret);
        expect(Object.keys(params)).toEqual(['q0', 'q1']);
      }),
    );
  });

  it('asks about content only for those who may read it', () => {
    const context = { now_ms, with_content: false };
    const compiled = (text: string) => compileQuery(parseQuery(text, ALERTS), ALERTS, context);
    expect(() => compiled('not (status:new and title:*secret*)')).toThrow(
      expect.objectContaining({ code: 'forbidden' }),
    );
    expect(compiled('secret').sql).not.toMatch(/title|reason/);
    expect(matchesQuery(parseQuery('secret', ALERTS), ALERTS, { title: 'secret', reason: '' }, context)).toBe(false);
  });
});
