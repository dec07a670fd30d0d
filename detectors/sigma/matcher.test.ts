/** What a base rule matches: values, modifiers, wildcards and conditions. */
import { describe, expect, it } from 'vitest';
import { errorsOf, record, setOf } from '../../test/rule_kit.ts';
import { FieldTable, FieldView } from './field_view.ts';
import type { BaseRule } from './ir.ts';
import { compileBase, possibleTypes, timePartOf } from './matcher.ts';

function ruleOf(detection: object, logsource: object = { product: 'tracewarden' }): BaseRule {
  return setOf(JSON.stringify({ title: 'rule', id: 'rule', logsource, detection })).rules[0] as BaseRule;
}

/** Whether an event with these fields matches a rule. */
function matches(detection: object, fields: Record<string, unknown>): boolean {
  const table = new FieldTable();
  const predicate = compileBase(ruleOf(detection), table);
  const view = new FieldView(table);
  view.look(record({ seq: 1, ...fields }));
  return predicate(view);
}

/** Whether one line of a selection matches. */
const line = (key: string, value: unknown, fields: Record<string, unknown>) =>
  matches({ sel: { [key]: value }, condition: 'sel' }, fields);

describe('values', () => {
  it.each([
    ['in any case', 'send_email', 'Send_EMail', true],
    ['in any script', 'ÜBERWEISUNG', 'überweisung', true],
    ['with a final sigma', 'ΟΔΟΣ', 'οδος', true],
    ['as a whole only', 'send', 'send_email', false],
    ['with a star', 'send_*', 'send_email', true],
    ['with a star for nothing', 'send*', 'send', true],
    ['with a question mark for one', 'log?', 'logs', true],
    ['with a question mark for one beyond the basic plane', 'log?', 'log😀', true],
    ['with a question mark not for none', 'log?', 'log', false],
    ['with wildcards inside', 'a*b?d*z', 'a--b-d---z', true],
    ['with wildcards inside that do not fit', 'a*b?d*z', 'a--b-e---z', false],
    ['with a star that has to go on', '*ab?c', 'abxabyc', true],
  ])('are compared %s', (_name, wanted, given, expected) => {
    expect(line('tool', wanted, { tool: given })).toBe(expected);
  });

  // The cases of "Escaping" in the specification's sigma-rules-specification.md.
  it.each([
    ['a plain backslash', 'C:\\Windows', 'c:\\windows', true],
    ['two backslashes as one', 'a\\\\b', 'a\\b', true],
    ['an escaped star', 'a\\*b', 'a*b', true],
    ['an escaped star as nothing else', 'a\\*b', 'axb', false],
    ['an escaped question mark', 'a\\?b', 'a?b', true],
    ['a backslash before a wildcard', 'a\\\\*', 'a\\xyz', true],
    ['a backslash before a wildcard needs the backslash', 'a\\\\*', 'axyz', false],
    ['three backslashes and a star', 'a\\\\\\*', 'a\\*', true],
    ['three backslashes and a star are plain', 'a\\\\\\*', 'a\\xyz', false],
    ['four backslashes', 'a\\\\\\\\b', 'a\\\\b', true],
    ['three backslashes', 'a\\\\\\b', 'a\\\\b', true],
  ])('understand %s', (_name, wanted, given, expected) => {
    expect(line('tool', wanted, { tool: given })).toBe(expected);
  });

  it('are alternatives in a list, and together with `all`', () => {
    expect(line('tool', ['a', 'b'], { tool: 'b' })).toBe(true);
    expect(line('content|contains', ['x', 'y'], { content: 'only y' })).toBe(true);
    expect(line('content|contains|all', ['x', 'y'], { content: 'only y' })).toBe(false);
    expect(line('content|contains|all', ['x', 'y'], { content: 'y and x' })).toBe(true);
    expect(line('capability|all', ['read', 'send'], { capability: ['read', 'write', 'send'] })).toBe(true);
  });

  it('of a list suffice one at a time', () => {
    expect(line('capability', 'egress', { capability: ['write', 'egress'] })).toBe(true);
    expect(line('capability', 'egress', { capability: [] })).toBe(false);
  });

  it('inside objects are found under their path, and all of them under the object', () => {
    const params = { message: { to: ['ana@example.com', 'ben@example.com'], body: { text: 'the key' } } };
    expect(line('params.message.to', 'ben@example.com', { params })).toBe(true);
    expect(line('params.message.cc', 'ben@example.com', { params })).toBe(false);
    expect(line('params|contains', 'KEY', { params })).toBe(true);
    expect(line('params|contains', 'body', { params })).toBe(false); // a name, not a value
  });

  it('may be numbers and booleans, or texts that say the same', () => {
    expect(line('row_count', 5, { row_count: 5 })).toBe(true);
    expect(line('row_count', 5, { row_count: '5.0' })).toBe(true);
    expect(line('row_count', 5, { row_count: '5 rows' })).toBe(false);
    expect(line('is_error', true, { is_error: true })).toBe(true);
    expect(line('is_error', true, { is_error: false })).toBe(false);
    expect(line('is_error', false, {})).toBe(false);
    expect(line('extra.flag', true, { extra: { flag: 'True' } })).toBe(true);
    expect(line('row_count|contains', 5, { row_count: 1_500 })).toBe(true);
  });

  it('are missing alike as null, as an empty text and as nothing', () => {
    for (const fields of [{}, { user_id: null }, { user_id: '' }, { user_id: [] }]) {
      expect(line('user_id', null, fields)).toBe(true);
      expect(line('user_id', '', fields)).toBe(true);
      expect(line('user_id|exists', false, fields)).toBe(true);
      expect(line('user_id|exists', true, fields)).toBe(false);
      expect(line('user_id', '*', fields)).toBe(false);
    }
    expect(line('user_id', null, { user_id: 'ana' })).toBe(false);
    expect(line('user_id|exists', true, { user_id: 'ana' })).toBe(true);
    expect(line('is_error|exists', true, { is_error: false })).toBe(true);
  });
});

describe('modifiers', () => {
  it.each([
    ['tool|contains', 'mail', 'send_email', true],
    ['tool|startswith', 'send', 'send_email', true],
    ['tool|startswith', 'email', 'send_email', false],
    ['tool|endswith', 'email', 'send_email', true],
    ['tool|endswith', 'send', 'send_email', false],
    ['tool|cased', 'Send', 'send', false],
    ['tool|cased', 'Send', 'Send', true],
    ['tool|contains|cased', 'MAIL', 'send_email', false],
    ['tool|startswith', 's?nd', 'send_email', true],
    ['tool|re', '^send_[a-z]+$', 'send_email', true],
    ['tool|re', 'SEND', 'send_email', false],
    ['tool|re|i', 'SEND', 'send_email', true],
    ['tool|neq', 'send', 'read', true],
    ['tool|neq', 'send', 'SEND', false],
  ])('%s: %s of %s', (key, wanted, given, expected) => {
    expect(line(key, wanted, { tool: given })).toBe(expected);
  });

  it('neq holds of no value at all only when there is a value', () => {
    expect(line('tool|neq', ['a', 'b'], { tool: 'c' })).toBe(true);
    expect(line('tool|neq', ['a', 'b'], { tool: 'b' })).toBe(false);
    expect(line('user_id|neq', 'ana', {})).toBe(false);
    expect(line('capability|neq', 'egress', { capability: ['read', 'egress'] })).toBe(false);
    expect(line('row_count|neq', 3, { row_count: 4 })).toBe(true);
  });

  it.each([
    ['gt', 5, 5, false],
    ['gt', 5, 5.5, true],
    ['gte', 5, 5, true],
    ['lt', 5, 4, true],
    ['lt', 5, '4', true],
    ['lte', 5, 5, true],
    ['lte', 5, 'many', false],
  ])('%s %d of %s', (operator, wanted, given, expected) => {
    expect(line(`row_count|${operator}`, wanted, { row_count: given })).toBe(expected);
  });

  it.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.168.1.128/25', '192.168.1.127', false],
    ['192.168.1.128/25', '192.168.1.200', true],
    ['10.0.0.0/8', '10.1', false],
    ['10.0.0.0/8', '010.1.2.3', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::ffff:0:0/96', '::ffff:192.0.2.1', true],
    ['10.0.0.0/8', '::ffff:10.0.0.1', false],
    ['fe80::/10', 'febf::1', true],
    ['fe80::/10', '1::2::3', false],
    ['fe80::/10', 'not an address', false],
  ])('cidr %s of %s', (network, address, expected) => {
    expect(line('source_address|cidr', network, { source_address: address })).toBe(expected);
  });

  it('fieldref compares two fields of the event', () => {
    expect(line('params.from|fieldref', 'user_id', { user_id: 'ana', params: { from: 'ANA' } })).toBe(true);
    expect(line('params.from|fieldref', 'user_id', { user_id: 'ana', params: { from: 'ben' } })).toBe(false);
    expect(line('params.from|fieldref', 'user_id', { params: {} })).toBe(false);
    expect(line('params.from|fieldref|neq', 'user_id', { user_id: 'ana', params: { from: 'ben' } })).toBe(true);
    expect(line('params.from|fieldref|neq', 'user_id', { user_id: 'ana', params: {} })).toBe(false);
  });

  // Known answers: `echo -n foo | base64`; the three shifts are those that the specification's pySigma documents.
  it('base64 and base64offset find encoded text', () => {
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    expect(line('content|base64', 'foobar', { content: 'Zm9vYmFy' })).toBe(true);
    for (const before of ['', 'x', 'xy', 'xyz']) {
      const content = `data:${encoded(`${before}http://example.test${before}`)}`;
      expect(line('content|base64offset|contains', 'http://', { content })).toBe(true);
      expect(line('content|base64offset|contains', 'https://', { content })).toBe(false);
    }
    const wide = Buffer.from('ping', 'utf16le').toString('base64');
    expect(wide).toBe('cABpAG4AZwA=');
    expect(line('content|wide|base64', 'ping', { content: wide })).toBe(true);
    expect(line('content|utf16be|base64', 'ping', { content: wide })).toBe(false);
    expect(line('content|utf16|base64', 'a', { content: Buffer.from([0xff, 0xfe, 0x61, 0]).toString('base64') })).toBe(
      true,
    );
  });

  it('windash finds every dash', () => {
    for (const dash of ['-', '/', '–', '—', '―']) {
      expect(line('params.command|contains|windash', ' -enc', { params: { command: `shell ${dash}enc x` } })).toBe(
        true,
      );
    }
    expect(line('params.command|contains|windash', ' -enc', { params: { command: 'shell +enc x' } })).toBe(false);
    expect(line('params.command|windash', 'a-b', { params: { command: 'a/b' } })).toBe(false); // inside a word
  });

  it.each([
    ['minute', 59],
    ['hour', 23],
    ['day', 31],
    ['week', 1],
    ['month', 12],
    ['year', 2024],
  ] as const)('%s of the last minute of 2024 in UTC is %d', (part, expected) => {
    expect(timePartOf('2025-01-01T01:59:00+02:00', part)).toBe(expected);
    expect(timePartOf(Date.UTC(2024, 11, 31, 23, 59), part)).toBe(expected);
  });

  it.each([
    ['2021-01-03', 53],
    ['2021-01-04', 1],
    ['2020-12-31', 53],
    ['2026-06-15', 25],
  ])('the ISO week of %s is %d', (date, week) => {
    expect(timePartOf(date, 'week')).toBe(week);
  });

  it('a part of a time can be compared', () => {
    const time = '2026-01-15T03:10:00Z';
    expect(line('time|hour', 3, { time })).toBe(true);
    expect(line('time|hour|lt', 6, { time })).toBe(true);
    expect(line('time|hour|gte', 6, { time })).toBe(false);
    expect(line('time|hour|neq', 3, { time })).toBe(false);
    expect(line('tool|hour', 3, { tool: 'yesterday' })).toBe(false);
  });

  it.each([
    ['tool|expand', '%tools%', 'placeholders'],
    ['tool|near', 'x', 'is not a modifier'],
    ['tool|re|contains', 'x', 'cannot stand beside re'],
    ['tool|contains|startswith', 'x', 'cannot stand together'],
    ['tool|contains|contains', 'x', 'twice'],
    ['tool|i', 'x', 'cannot stand beside plain'],
    ['tool|exists', 'yes', 'true or false'],
    ['tool|gt', 'many', 'must be a number'],
    ['tool|cidr', '10.0.0.0/33', 'must be a network'],
    ['tool|all', 'x', 'several values'],
    ['tool|all', ['x'], 'several values'],
    ['tool', [], 'empty list'],
    ['tool', ['', null], 'null needs a selection of its own'],
    ['tool', { a: 1 }, 'a value or a list'],
    ['tool', [['a']], 'single value'],
    ['tool|contains', '', 'must not be empty'],
    ['tool|wide', 'x', 'must go through base64'],
    ['tool|base64', 'a*b', 'wildcards'],
    ['tool|windash', ' -a -b -c -d', 'more than 3 dashes'],
    ['tool|re', '(', 'not an expression of RE2'],
    ['toool', 'x', 'is not a field of an event'],
    ['params..to', 'x', 'empty part'],
    ['tool|fieldref', 'toool', 'is not a field of an event'],
    ['tool', `a*${'b'.repeat(300)}*c`, 'wildcards inside and more than'],
    ['tool', 'x'.repeat(2_000), 'more than 1024 characters'],
  ])('%s: %j is refused', (key, value, problem) => {
    const rule = {
      title: 'r',
      id: 'r',
      logsource: { product: 'tracewarden' },
      detection: { s: { [key]: value }, condition: 's' },
    };
    expect(errorsOf(JSON.stringify(rule)).join()).toContain(problem);
  });
});

describe('selections and conditions', () => {
  const has = (content: string, detection: object) => matches(detection, { content });

  it('keywords are looked for in the whole event', () => {
    const keywords = { keywords: ['evil', 'w?rse*end'], condition: 'keywords' };
    expect(has('an EVIL thing', keywords)).toBe(true);
    expect(has('worse until the end', keywords)).toBe(true);
    expect(has('nothing', keywords)).toBe(false);
    expect(matches(keywords, { params: { deep: ['evil'] } })).toBe(true);
    expect(matches(keywords, { user_id: 'evil' })).toBe(false);
    expect(has('one', { k: { '|all': ['one', 'two'] }, condition: 'k' })).toBe(false);
    expect(has('two one', { k: { '|all': ['one', 'two'] }, condition: 'k' })).toBe(true);
    expect(has('abc', { k: { '|re': 'a.c' }, condition: 'k' })).toBe(true);
  });

  it('a map joins by and, a list of maps by or', () => {
    const map = { s: { tool: 'a', server: 'x' }, condition: 's' };
    expect(matches(map, { tool: 'a', server: 'x' })).toBe(true);
    expect(matches(map, { tool: 'a', server: 'y' })).toBe(false);
    const list = { s: [{ tool: 'a' }, { server: 'x' }], condition: 's' };
    expect(matches(list, { tool: 'b', server: 'x' })).toBe(true);
    expect(matches(list, { tool: 'b', server: 'y' })).toBe(false);
  });

  const three = { selection_a: ['aaa'], selection_b: ['bbb'], filter: ['fff'], _hidden: ['hhh'] };
  it.each([
    ['selection_a and selection_b', 'aaa bbb', true],
    ['selection_a and selection_b', 'aaa', false],
    ['selection_a or selection_b and filter', 'aaa', true],
    ['(selection_a or selection_b) and filter', 'aaa', false],
    ['(selection_a or selection_b) and filter', 'bbb fff', true],
    ['not selection_a and selection_b', 'bbb', true],
    ['not (selection_a or selection_b)', 'bbb', false],
    ['not not selection_a', 'aaa', true],
    ['1 of selection*', 'bbb', true],
    ['any of selection*', 'bbb', true],
    ['all of selection*', 'bbb', false],
    ['all of selection_*', 'aaa bbb', true],
    ['1 of selection* and not 1 of filter*', 'aaa fff', false],
    ['1 of them', 'hhh', false],
    ['1 of them', 'fff', true],
    ['all of them', 'aaa bbb fff', true],
    ['1 of _*', 'hhh', true],
    ['1 of *_b', 'bbb', true],
    ['selection_a AND NOT filter', 'aaa', true],
  ])('%s of "%s"', (condition, content, expected) => {
    expect(has(content, { ...three, condition })).toBe(expected);
  });

  it('a list of conditions is joined by or', () => {
    const condition = ['selection_a and filter', 'selection_b'];
    expect(has('bbb', { ...three, condition })).toBe(true);
    expect(has('aaa', { ...three, condition })).toBe(false);
  });

  it.each([
    ['selection_a and', 'ends too early'],
    ['(selection_a', 'not closed'],
    ['selection_a selection_b', 'cannot go on'],
    ['selection_c', 'no such selection'],
    ['1 of nothing*', 'no selection is called so'],
    ['2 of selection*', '"1 of" and "all of"'],
    ['selection_a | count() > 5', 'uses a pipe'],
    ['and', 'where a selection should stand'],
    [`${'('.repeat(40)}selection_a${')'.repeat(40)}`, 'nested deeper'],
    ['selection_a '.repeat(500), 'more than 4096 characters'],
  ])('%.30s is refused', (condition, problem) => {
    const detection = { ...three, condition };
    const rule = { title: 'r', id: 'r', logsource: { product: 'tracewarden' }, detection };
    expect(errorsOf(JSON.stringify(rule)).join()).toContain(problem);
  });
});

describe('the types that a rule can match', () => {
  const typesOf = (detection: object, logsource?: object) => [...possibleTypes(ruleOf(detection, logsource))].sort();
  const selection = { s: { tool: 'a' }, condition: 's' };

  it('come from the log source', () => {
    expect(typesOf(selection, { product: 'tracewarden', category: 'prompt' })).toEqual(['prompt']);
    expect(typesOf(selection).length).toBeGreaterThan(10);
  });

  it('and from what the condition needs', () => {
    const types = { calls: { type: ['tool.call', 'TOOL.RESULT'] }, read: { type: 'resource.read' } };
    expect(typesOf({ ...types, ...selection, condition: 's and calls' })).toEqual(['tool.call', 'tool.result']);
    expect(typesOf({ ...types, condition: '1 of them' })).toEqual(['resource.read', 'tool.call', 'tool.result']);
    expect(typesOf({ ...types, ...selection, condition: 's or calls' }).length).toBeGreaterThan(10);
    expect(typesOf({ ...types, ...selection, condition: 's and not calls' }).length).toBeGreaterThan(10);
  });
});
