import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { SEVERITIES, type Severity } from '../../core/alert.ts';
import { LIMITS } from '../../core/limits.ts';
import type { TenantAlert } from '../../core/store/queries/own_records.ts';
import { type Format, loadFormats } from './format.ts';
import { checkTemplate } from './formats/template.ts';
import { alertMessage } from './message.ts';

const SCHEMA = new URL('../../test/vectors/ocsf/detection_finding-1.8.0.json', import.meta.url);

function alertOf(more: Partial<TenantAlert> = {}): TenantAlert {
  return {
    tenant: 'default',
    alert_id: 'a1',
    log: 'example.com/log',
    seq: 7,
    rule_id: 'secret_to_other_tool',
    rule_version: 2,
    severity: 'high',
    risk: 75,
    title: 'A secret went to another tool',
    reason: 'The tool was given “a value”.',
    session_id: 's-1',
    user_id: 'ana@example.com',
    agent: 'assistant',
    time_ms: Date.UTC(2026, 0, 15),
    raised_at_ms: Date.UTC(2026, 0, 15, 0, 0, 1),
    tags: ['AML.T0086', 'AML.T0051.001', 'LLM01'],
    evidence: '[{"log":"example.com/log","seq":3,"event_id":"e-3","role":"read the secret"}]',
    ...more,
  };
}

let formats: ReadonlyMap<string, Format>;
const body = (name: string, alert: TenantAlert, template = '') =>
  formats.get(name)?.body(alertMessage(alert), template) ?? '';

const text = fc.string({ unit: 'binary', maxLength: 60 });
const anyAlert = fc
  .record({
    severity: fc.constantFrom<Severity>(...SEVERITIES),
    title: text,
    reason: text,
    session_id: text,
    user_id: text,
    agent: text,
    tags: fc.array(fc.oneof(text, fc.constantFrom('AML.T0086', 'AML.T0051.001', 'AML.T1')), { maxLength: 4 }),
  })
  .map(alertOf);

beforeAll(async () => {
  formats = await loadFormats();
});

describe('a format', () => {
  it('is one file: all that are there are loaded', () => {
    const names = ['cef', 'native', 'ocsf', 'sentinel', 'splunk_soar', 'syslog', 'template', 'thehive', 'xsoar'];
    expect([...formats.keys()]).toEqual(names);
  });

  it('ocsf is a Detection Finding to the schema of OCSF 1.8.0, whatever stands in the alert', () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    const valid = ajv.compile(JSON.parse(readFileSync(SCHEMA, 'utf8')));
    const finding = JSON.parse(body('ocsf', alertOf()));
    expect([valid(finding), valid.errors]).toEqual([true, null]);
    expect(finding).toMatchObject({ class_uid: 2004, type_uid: 200_401, severity_id: 4, is_alert: true });
    expect(finding.finding_info.attacks).toEqual([
      { technique: { uid: 'AML.T0086' } },
      { technique: { uid: 'AML.T0051' }, sub_technique: { uid: 'AML.T0051.001' } },
    ]);
    fc.assert(
      fc.property(anyAlert, (alert) => valid(JSON.parse(body('ocsf', alert)))),
      { numRuns: 100 },
    );
    expect(valid({ ...finding, severity_id: 'high' })).toBe(false);
    expect(valid({ ...finding, of_our_own: 1 })).toBe(false);
  });

  it('native and xsoar name sessions and users exactly, so that one can ask for them', () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const { session_id, user_id } = alert;
        expect(JSON.parse(body('native', alert)).data).toMatchObject({ session_id, user_id });
        expect(JSON.parse(JSON.parse(body('xsoar', alert)).rawJSON)).toMatchObject({ session_id, user_id });
      }),
      { numRuns: 50 },
    );
  });

  it.each(['ocsf', 'thehive', 'splunk_soar', 'sentinel'])('%s is JSON without control characters', (name) => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const written = body(name, alert);
        JSON.parse(written);
        expect(written).not.toMatch(/\\u00[01]|\\[nrt]/);
      }),
      { numRuns: 50 },
    );
  });

  it('thehive holds what an alert must have there, and its markup does nothing', () => {
    const alert = JSON.parse(body('thehive', alertOf({ reason: '![x](https://example.com/?q=1) <b>' })));
    for (const name of ['type', 'source', 'sourceRef', 'title', 'description'])
      expect(typeof alert[name]).toBe('string');
    expect(alert).toMatchObject({ sourceRef: 'a1', severity: 3, tlp: 2 });
    expect(alert.description).toBe('\\!\\[x\\]\\(https://example.com/?q=1\\) \\<b\\>');
  });

  it('cef and syslog stay one line, and no text ends a field', () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const line = body('cef', alert);
        expect(line).not.toMatch(/[\r\n]/);
        // Bars that are not escaped: seven of the header.
        expect(
          line
            .split(' externalId=')[0]
            ?.replace(/\\[\\|]/g, '')
            .split('|'),
        ).toHaveLength(8);
        const names = [...line.replace(/\\[\\=|]/g, '').matchAll(/(?<= |\|)(\w+)=/g)].map(([, name]) => name);
        expect(new Set(names).size).toBe(names.length);
        expect(body('syslog', alert)).toMatch(/^<\d{1,3}>1 \S+ - tracewarden - alert\.raised - CEF:0\|/);
      }),
    );
    expect(body('cef', alertOf({ rule_id: 'a|b', title: 'x\\y', reason: 'k=v\nnext' }))).toMatch(
      /\|a\\\|b\|x\\\\y\|8\|.*msg=k\\=v next /,
    );
  });

  it('bounds long texts and long evidence', () => {
    const evidence = JSON.stringify(
      Array.from({ length: 500 }, (_, seq) => ({ log: 'l', seq, event_id: 'e', role: 'r' })),
    );
    const long = alertOf({ title: 'x'.repeat(50_000), reason: 'y'.repeat(500_000), evidence });
    for (const name of formats.keys()) {
      expect(body(name, long, name === 'template' ? '{{reason}}' : '').length).toBeLessThan(40_000);
    }
  });
});

describe('a template', () => {
  it('fills values in so that they stay inside of a JSON string', () => {
    const template = '{"text":"{{title}} by {{data.user_id}}","tags":[{{#tags}}"{{.}}",{{/tags}}""]}';
    fc.assert(
      fc.property(anyAlert, (alert) => {
        const filled = JSON.parse(body('template', alert, template));
        expect(Object.keys(filled)).toEqual(['text', 'tags']);
        expect(filled.tags).toHaveLength(alert.tags.length + 1);
      }),
    );
  });

  it.each([
    ['takes in another', '{{> /etc/passwd}}'],
    ['changes its delimiters', '{{=<% %>=}}'],
    ['changes its delimiters after a space', '{{ =<% %>= }}'],
    ['writes raw', '{{{title}}}'],
    ['writes raw with an ampersand', '{{&title}}'],
    ['does not close a section', '{{#tags}}'],
    ['does not close a tag', '{{title'],
    ['nests too deep', `${'{{#data}}'.repeat(5)}${'{{/data}}'.repeat(5)}`],
    ['has too many tags', '{{title}}'.repeat(LIMITS.webhook_template_tags_max + 1)],
    ['is too long', 'x'.repeat(LIMITS.webhook_template_chars_max + 1)],
  ])('that %s is refused', (_, template) => {
    expect(() => checkTemplate(template)).toThrow(expect.objectContaining({ code: 'template_failed' }));
  });

  it('reaches no function, no prototype and nothing of the program', () => {
    const probes = [
      'constructor',
      'constructor.constructor',
      '__proto__',
      'tags.map',
      'title.constructor',
      'data.toString',
    ];
    for (const name of probes) expect(body('template', alertOf(), `[{{${name}}}]`)).toBe('[]');
  });

  it('whose sections multiply is stopped', () => {
    const tags = Array.from({ length: 200 }, (_, i) => `t${i}`);
    const template = `{{#tags}}{{#data.tags}}{{#data.tags}}${'x'.repeat(100)}{{/data.tags}}{{/data.tags}}{{/tags}}`;
    const started_ms = performance.now();
    expect(() => body('template', alertOf({ tags }), template)).toThrow(
      expect.objectContaining({ code: 'template_failed' }),
    );
    expect(performance.now() - started_ms).toBeLessThan(2_000);
  });
});
