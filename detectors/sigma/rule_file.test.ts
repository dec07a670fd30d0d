/** What a file of rules may hold, and what is said of one that does not hold it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorsOf, setOf, toolRules } from '../../test/rule_kit.ts';
import { linkRules } from './link.ts';
import { runRuleExamples } from './rule_examples.ts';
import { parseRuleFile } from './rule_file.ts';

const RULE = `title: A rule
id: a_rule
logsource:
  product: tracewarden
  category: tool.call
detection:
  sel:
    tool: read
  condition: sel
`;
const edited = (from: string, to: string) => RULE.replace(from, to);
const first = (text: string) => errorsOf(text)[0] ?? '';

describe('a sound file', () => {
  it('gives rules with everything written out, as plain JSON', () => {
    const set = setOf(RULE);
    expect(set.rules).toEqual([
      {
        kind: 'base',
        rule_id: 'a_rule',
        name: null,
        version: 1,
        title: 'A rule',
        description: '',
        severity: 'medium',
        status: 'experimental',
        tags: [],
        references: [],
        false_positives: [],
        misses: '',
        runbook: [],
        emit: true,
        suppression: null,
        source: { file: 'rules.yml', line: 1 },
        types: ['tool.call'],
        selections: {
          sel: {
            op: 'test',
            field: 'tool',
            part: null,
            quantifier: 'any',
            compare: { kind: 'text', form: 'equals', text: 'read', cased: false },
          },
        },
        condition: { op: 'selection', name: 'sel' },
      },
    ]);
    expect(JSON.parse(JSON.stringify(set))).toEqual(set);
  });

  it('may have a byte order mark, returns at the ends of lines, comments, and empty documents', () => {
    expect(errorsOf(`\ufeff# a file\n---\n${RULE}---\n`.replaceAll('\n', '\r\n'))).toEqual([]);
  });

  it('may use anchors and aliases', () => {
    const set = setOf(edited('tool: read', 'tool: &t [read, write]\n    server: *t'));
    expect(JSON.stringify(set.rules[0])).toContain('"field":"server"');
  });

  it('may hold keys of others that say so', () => {
    expect(errorsOf(`${RULE}x-other: { a: [1] }\n`)).toEqual([]);
  });

  it('keeps a rule to itself when a correlation refers to it, unless that one says `generate`', () => {
    const correlation = (generate: string) => `${toolRules('a', 'b')}title: c
name: c
${generate}
correlation: { type: temporal, rules: [a, b], group-by: [user_id], timespan: 5m }
`;
    const told = (text: string) => setOf(text).rules.flatMap((rule) => (rule.emit ? [rule.rule_id] : []));
    expect(told(correlation(''))).toEqual(['c']);
    expect(told(correlation('generate: true'))).toEqual(['a', 'b', 'c']);
  });

  it('puts what a correlation refers to before it, wherever it stands', () => {
    const text = `title: c\nname: c\ncorrelation: { type: temporal, rules: [a, b], group-by: [], timespan: 5m }\n---\n${toolRules('a', 'b')}`;
    expect(setOf(text).rules.map((rule) => rule.rule_id)).toEqual(['a', 'b', 'c']);
  });

  it('can be spread over several files', () => {
    const one = parseRuleFile(toolRules('a', 'b'), 'one.yml').rules;
    const two = parseRuleFile(
      'title: c\nid: c\ncorrelation: { type: temporal, rules: [a, b], group-by: [], timespan: 5m }',
      'two.yml',
    ).rules;
    expect(linkRules([...two, ...one]).errors).toEqual([]);
  });
});

describe('an error', () => {
  it('names file, line, column, place, value and what is wrong', () => {
    expect(parseRuleFile(edited('tool: read', 'tool|near: read'), 'dir/rules.yml').errors).toEqual([
      {
        file: 'dir/rules.yml',
        line: 8,
        column: 5,
        path: 'detection.sel.tool|near',
        value: '"near"',
        problem: 'is not a modifier',
      },
    ]);
    expect(first(edited('category: tool.call', 'category: process_creation'))).toMatch(
      /^rules\.yml:5:13: logsource\.category "process_creation" is not an event type; there are .*tool\.call/,
    );
  });

  it('of one document leaves the others', () => {
    const { rules, errors } = parseRuleFile(`${edited('read', '[]')}---\n${edited('a_rule', 'b_rule')}`, 'f');
    expect(rules.length).toBe(1);
    expect(errors.length).toBe(1);
  });

  it('shows a value on one line and cut to a length', () => {
    const [error = ''] = errorsOf(edited('category: tool.call', `category: "a\\n\\u202e${'x'.repeat(500)}"`));
    expect(error).not.toMatch(/[\n\u202e]/);
    expect(error.length).toBeLessThan(600);
  });

  it.each([
    ['title: A rule\n', '', 'title is missing'],
    ['id: a_rule\n', '', 'is missing, and so is `name`'],
    ['id: a_rule', 'id: a rule', 'must be letters'],
    ['title: A rule', `title: ${'x'.repeat(300)}`, 'more than 256 characters'],
    ['title: A rule', 'title: [x]', 'must be a text'],
    ['id: a_rule', 'id: a_rule\nlevel: severe', 'must be one of informational, low'],
    ['id: a_rule', 'id: a_rule\nstatus: new', 'must be one of stable'],
    ['id: a_rule', 'id: a_rule\ntaxonomy: ours', 'must be one of sigma'],
    ['id: a_rule', 'id: a_rule\nlevle: high', 'is not a key of a base rule'],
    ['id: a_rule', 'id: a_rule\nid: other', 'stands here twice'],
    ['id: a_rule', 'id: a_rule\naction: global', 'is a form that Sigma has given up'],
    ['id: a_rule', 'id: a_rule\nfilter: {}', 'is a Sigma filter, which is not supported'],
    ['id: a_rule', 'id: a_rule\ncorrelation: {}', 'needs `detection` or `correlation`, and not both'],
    ['product: tracewarden', 'product: windows', 'only tracewarden is known here'],
    ['product: tracewarden', 'product: tracewarden\n  service: sshd', 'use the field `server`'],
    ['  product: tracewarden\n', '', 'it must be tracewarden'],
    ['  condition: sel\n', '', 'detection.condition is missing'],
    ['tool: read', 'tool: read\n  timeframe: 5m', 'use a correlation rule'],
    ['    tool: read', '    {}', 'must not be empty'],
    ['sel:\n    tool: read', 'sel: read', 'a map of fields or a list'],
    ['tool: read', 'tool: !!js/function x', 'is not valid YAML'],
    ['tool: read', 'tool: *nothing', 'names nothing that stands before it'],
    ['tool: read', '? [a]\n    : b', 'a key must be a text'],
    ['tool: read', 'tool: "unclosed', 'is not valid YAML'],
    ['tool: read', '<<: { tool: read }', 'is not a field of an event'],
    ['id: a_rule', 'id: a_rule\nx-tracewarden: { suppression: often }', '`by` or `timespan`'],
    ['id: a_rule', 'id: a_rule\nx-tracewarden: { suppression: { by: [who] } }', 'is not a field of an event'],
    ['id: a_rule', 'id: a_rule\nx-tracewarden: { steps: [] }', 'is not known here'],
    ['id: a_rule', 'id: a_rule\nx-tracewarden: { version: 0 }', 'whole number from 1'],
  ])('is told for %j as %j', (from, to, problem) => {
    expect(errorsOf(edited(from, to)).join('\n')).toContain(problem);
  });

  it('is told for a file without a rule', () => {
    for (const text of ['', '\n', '# nothing', '---\n---\n']) expect(first(text)).toContain('holds no rule');
    expect(first('just text')).toContain('must be a map');
    expect(first('- a\n- b')).toContain('must be a map');
  });
});

describe('references between rules', () => {
  const correlation = (body: string, name = 'c') =>
    `${toolRules('a', 'b')}title: c\nname: ${name}\ncorrelation:\n  group-by: [user_id]\n  timespan: 5m\n${body.replace(/^/gm, '  ')}\n`;
  const ordered = (extension: string) =>
    correlation(`type: temporal_ordered\nrules: [a, b]\nx-tracewarden:\n${extension.replace(/^/gm, '  ')}`);

  it('that lead nowhere are refused by name', () => {
    expect(first(correlation('type: temporal\nrules: [a, gone]'))).toMatch(
      /^rules\.yml:21:14: correlation\.rules\[1\] "gone" is the id or name of no rule/,
    );
  });

  it('that lead in a circle are refused with the circle', () => {
    const text = ['a', 'b', 'c']
      .map(
        (name, at) =>
          `title: x\nname: ${name}\ncorrelation: { type: event_count, rules: [${'bca'[at]}], group-by: [], timespan: 1m, condition: { gte: 2 } }`,
      )
      .join('\n---\n');
    expect(errorsOf(text)[0]).toContain('leads in a circle: a -> b -> c -> a');
    const self = `title: x\nname: a\ncorrelation: { type: event_count, rules: [a], group-by: [], timespan: 1m, condition: { gte: 2 } }`;
    expect(first(self)).toContain('leads in a circle: a -> a');
  });

  it('to the same name twice are refused', () => {
    expect(first(`${RULE}---\n${RULE}`)).toContain('has the id or name "a_rule", which is taken by rules.yml:1');
    expect(first(correlation('type: temporal\nrules: [a, a]'))).toContain('names a rule twice');
  });

  it('pile up to 8 correlations', () => {
    const pile = (height: number) =>
      toolRules('c0') +
      Array.from(
        { length: height },
        (_, at) =>
          `title: x\nname: c${at + 1}\ncorrelation: { type: event_count, rules: [c${at}], group-by: [], timespan: 1m, condition: { gte: 1 } }`,
      ).join('\n---\n');
    expect(errorsOf(pile(8))).toEqual([]);
    expect(first(pile(9))).toContain('more than 8');
  });

  it('to signals are checked when it is known which there are', () => {
    const text = correlation('type: temporal\nrules: [a, "signal:secret_sent"]');
    expect(errorsOf(text)).toEqual([]);
    expect(errorsOf(text, { signals: new Set(['secret_sent']) })).toEqual([]);
    expect(errorsOf(text, { signals: new Set() })[0]).toContain('"secret_sent" is no signal of any detector');
  });

  it.each([
    ['type: temporal', 'correlation.rules is missing'],
    ['type: temporal\nrules: []', 'must not be empty'],
    ['type: sometimes\nrules: [a]', 'must be one of event_count'],
    ['type: event_count\nrules: [a]', 'is missing, and event_count needs it'],
    ['type: event_count\nrules: [a]\ncondition: { field: tool, gte: 1 }', 'is not known here'],
    ['type: event_count\nrules: [a]\ncondition: {}', 'needs one of gt'],
    ['type: event_count\nrules: [a]\ncondition: { gte: many }', 'must be a number'],
    ['type: event_count\nrules: [a]\ncondition: { gte: 100000 }', 'is more than the 10000 events'],
    ['type: value_count\nrules: [a]\ncondition: { gte: 2 }', 'is missing, and value_count needs it'],
    ['type: value_sum\nrules: [a]\ncondition: { gte: 2, field: [row_count, seq] }', 'must be one field'],
    ['type: value_count\nrules: [a]\ncondition: { gte: 2, field: who }', 'is not a field of an event'],
    ['type: value_percentile\nrules: [a]\ncondition: { gte: 2, field: row_count }', 'which percentile is meant'],
    ['type: temporal_ordered\nrules: [a]\ncondition: { gte: 1 }', 'has no meaning for temporal_ordered'],
    ['type: temporal\nrules: [a]\ncondition: a and b', 'must be a map'],
    ['type: temporal\nrules: [a]\naliases: { who: { a: user_id } }', 'stands in no `group-by`'],
    ['type: temporal\nrules: [a]\naliases: { user_id: { z: user_id } }', 'is not one of the rules'],
    ['type: temporal\nrules: [a]\nx-tracewarden: { distinct: [server] }', 'is for temporal_ordered only'],
    [
      'type: temporal\nrules: [a]\nx-tracewarden: { window: { timespan: 5m } }',
      'is not known here; there are session_chain',
    ],
    ['type: temporal\nrules: [a]\nx-tracewarden: { suppression: { by: [who] } }', 'is not a field of an event'],
  ])('and the rest of a correlation: %j is refused', (body, problem) => {
    expect(errorsOf(correlation(body)).join('\n')).toContain(problem);
  });

  it.each(['5', '5 m', '0m', '5w', '1.5h', '-5m', '400d', '5M'])('a timespan of %j is refused', (timespan) => {
    const text = correlation('type: temporal\nrules: [a]').replace('timespan: 5m', `timespan: ${timespan}`);
    expect(first(text)).toContain('correlation.timespan');
  });

  it.each([
    ['steps: [{ rule: a, absent: true }]', 'needs a step that is not absent'],
    ['steps: [{ rule: a }, { rule: a }]', 'must name the same rules and signals'],
    ['steps: [{ rule: a }, { rule: b }, { signal: s }]', 'must name the same rules and signals'],
    ['steps: [{ rule: a, signal: s }]', 'needs `rule` or `signal`'],
    ['steps: [{ rule: a, absent: true, min_count: 2 }, { rule: b }]', 'no meaning for an absent step'],
    ['steps: [{ rule: a, min_count: 16 }, { rule: b, min_count: 16 }, { rule: b }]', 'and 32 are allowed'],
    ['distinct: [who]', 'is not a field of an event'],
    ['distinct: [server, server]', 'names a field twice'],
    ['until: gone', 'is the id or name of no rule'],
    ['max_gap_events: -1', 'whole number from 0'],
    ['carry: { from: a, to: z }', 'is the name of no step'],
    ['carry: { from: b, to: a }', 'must lead from a step to a later one'],
    ['carry: { from: a, to: b, match: all }', 'must be one of any, secret'],
    ['carry: { from: a }', 'is missing'],
    ['steps: [{ rule: a }, { rule: a }, { rule: b }]\ncarry: { from: a, to: b }', 'is the name of several steps'],
    ['steps: [{ rule: a, min_count: 2 }, { rule: b }]\ncarry: { from: a, to: b }', 'is a step with a `min_count`'],
    ['within: 5m', 'is not known here'],
  ])('and the extension: %s is refused', (extension, problem) => {
    expect(errorsOf(ordered(extension)).join('\n')).toContain(problem);
  });

  it('to a correlation that ends in an absence are refused', () => {
    const text = `${ordered('steps: [{ rule: a }, { rule: b }, { rule: a, absent: true }]')}---
title: d
name: d
correlation: { type: temporal, rules: [c, a], group-by: [], timespan: 1m }
`;
    expect(errorsOf(text)[0]).toContain('"c" ends in an absence');
  });
});

describe('a hostile file', () => {
  /** What is said, and that it is said soon. */
  function quickly(text: string): string {
    const started = performance.now();
    const [error = ''] = errorsOf(text);
    expect(performance.now() - started).toBeLessThan(10_000);
    return error;
  }

  it('of 10 MB is refused unread', () => {
    expect(quickly(`title: ${'x'.repeat(10_000_000)}`)).toContain('characters, more than 262144');
  });

  it('that grows with its aliases is refused', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [at, name] of [...'bcdefghi'].entries())
      bomb.push(`${name}: &${name} [${`*${'abcdefghi'[at]}, `.repeat(10)}]`);
    expect(quickly(bomb.join('\n'))).toMatch(/uses more than 50 aliases|more than 50000 values/);
    const doubling = [
      'a: &a [x, x]',
      ...Array.from(
        { length: 24 },
        (_, at) => `b${at}: &b${at} [*${at ? `b${at - 1}` : 'a'}, *${at ? `b${at - 1}` : 'a'}]`,
      ),
    ];
    expect(quickly(doubling.join('\n'))).toMatch(/aliases|values|nested/);
  });

  it('with more aliases than a rule has use for is refused', () => {
    const uses = (count: number) => edited('tool: read', `tool: [&t read${', *t'.repeat(count)}]`);
    expect(errorsOf(uses(50))).toEqual([]);
    expect(quickly(uses(51))).toContain('uses more than 50 aliases');
  });

  it('with an alias inside itself is refused', () => {
    expect(quickly('a: &a [*a]')).toContain('names nothing that stands before it');
    expect(quickly('&a {b: *a}')).toContain('names nothing that stands before it');
  });

  it.each([
    ['brackets', '['.repeat(200_000)],
    ['closed brackets', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['braces', '{a: '.repeat(60_000)],
    ['list marks', '- '.repeat(100_000)],
    ['question marks', '? &a '.repeat(50_000)],
    ['keys on one line', 'a: '.repeat(80_000)],
    ['indented lines', Array.from({ length: 700 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
    ['levels that a rule has no use for', `a: ${'['.repeat(100)}${']'.repeat(100)}`],
  ])('that is nested in %s is refused', (_name, text) => {
    expect(quickly(text)).toContain('is nested deeper than');
  });

  it.each([
    ['many documents', '---\na\n'.repeat(40_000)],
    ['many keys', Array.from({ length: 30_000 }, (_, at) => `k${at}: 1`).join('\n')],
    ['many anchors', Array.from({ length: 20_000 }, (_, at) => `- &a${at} x`).join('\n')],
    ['many errors', 'a: b: c\n'.repeat(30_000)],
    ['quotes', '"'.repeat(260_000)],
    ['colons', ': '.repeat(130_000)],
    ['percents', '%'.repeat(260_000)],
    ['tabs', '\t'.repeat(260_000)],
  ])('of %s is refused soon, with no more than 100 errors', (_name, text) => {
    expect(quickly(text)).not.toBe('');
    expect(errorsOf(text).length).toBeLessThanOrEqual(100);
  });

  it('with more selections, values or comparisons than a rule may have is refused', () => {
    const many = (count: number) => Array.from({ length: count }, (_, at) => `v${at}`).join(', ');
    expect(quickly(edited('tool: read', `tool: [${many(2_001)}]`))).toContain('beyond 2000 values');
    const selections = Array.from({ length: 65 }, (_, at) => `  s${at}: { tool: x }\n`).join('');
    expect(quickly(edited('  condition: sel', `${selections}  condition: sel`))).toContain('more than 64 selections');
    expect(quickly(edited('tool: read', `'|all': [${many(1_900)}]`))).toContain('beyond 10000 comparisons');
  });

  it('names nothing that objects have of their own', () => {
    const text = edited('sel:\n    tool: read', '__proto__:\n    tool: read').replace(
      'condition: sel',
      'condition: __proto__',
    );
    expect(setOf(text).rules.length).toBe(1);
    expect(errorsOf(edited('tool: read', 'constructor: read'))[0]).toContain('is not a field of an event');
    expect(errorsOf(edited('tool: read', 'extra.__proto__.x: read'))).toEqual([]);
  });

  it('whatever it is, throws nothing', () => {
    const pieces = fc.constantFrom(
      ...[
        'title: x',
        'id: a',
        'detection:',
        'correlation:',
        '  sel:',
        '    tool: x',
        '  condition: sel',
        'logsource: {product: tracewarden}',
        '---',
        '- ',
        ': ',
        '&a ',
        '*a',
        '!!x ',
        '|',
        '>',
        '"',
        "'",
        '[',
        '{',
        '}',
        ']',
        '\n',
        '\n',
        '\n',
        '  ',
        '\t',
        '#',
        '%YAML 1.1',
        'null',
        '~',
        '<<: ',
        '\u0000',
        'type: temporal',
        'rules: [a]',
        'group-by: [x]',
        'timespan: 5m',
      ],
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const { rules, errors } = parseRuleFile(text, 'f');
          expect(rules.length > 0 || errors.length > 0).toBe(true);
          linkRules(rules);
        },
      ),
      { numRuns: Number(process.env.FC_RUNS ?? 3_000) },
    );
  });
});

describe('the page about rules', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/rules.md', import.meta.url)), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];

  it('has an example whose own examples hold', () => {
    const { rules, errors } = parseRuleFile(example, 'rules.md');
    expect(errors).toEqual([]);
    const linked = linkRules(rules);
    const know = () => ({
      derive: ({ tool }: { tool?: string }) => ({
        capability: tool === 'read_secret' ? ['secret_read'] : [],
        egress: tool === 'send_email',
      }),
    });
    const outcomes = runRuleExamples(linked.set, linked.examples, know);
    expect(outcomes.map(({ fires, problem }) => ({ fires, problem }))).toEqual([
      { fires: true, problem: undefined },
      { fires: false, problem: undefined },
    ]);
  });
});
