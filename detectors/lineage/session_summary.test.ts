import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { createCatalog } from '../catalog/capabilities.ts';
import { viewContent } from '../content/content_view.ts';
import { call, exampleRecords, prompt, type RawEvent, result, toProvenance } from '../example_events.ts';
import { createSessionLineage } from './session_lineage.ts';
import { addToSummary, emptySummary, SUMMARY_BYTES_MAX } from './session_summary.ts';

function summaryOf(events: readonly RawEvent[]) {
  const summary = emptySummary();
  const lineage = createSessionLineage(createCatalog(), LIMITS, { evicted_values: 0, truncated_texts: 0 });
  for (const [at, record] of exampleRecords('s', events).entries()) {
    const event = toProvenance(record, at);
    const content = event.content ? viewContent(event.content, LIMITS.lineage_text_bytes_max) : undefined;
    addToSummary(summary, event, { ...lineage.observe(event, content), ...(content && { content }) });
  }
  return summary;
}
const bytesOf = (summary: unknown) => Buffer.byteLength(JSON.stringify(summary));
const PASSWORD = 'Teal-Otter-4417';

describe('addToSummary', () => {
  it('says what a session did', () => {
    const summary = summaryOf([
      prompt('Mail the report.'),
      call('files', 'read_file', { path: '/srv/data/report.csv' }),
      {
        ...result('files', 'read_file', 'a,b\n1,2\n'),
        data_sources: [{ uri: 'file:///srv/data/report.csv', sensitivity: 'internal' }],
      },
      call('shell', 'run_command', { command: 'wc -l /srv/data/report.csv' }),
      { ...result('shell', 'run_command', 'no such command'), is_error: true },
      call('files', 'write_file', { path: 'out/summary.md', content: 'two lines' }),
      call('web', 'http_post', {
        url: 'https://www.example.com/hooks/q7Xw2Lr9Tz4Kd8Vn3Bm6Yc1H/in?key=1#x',
        body: '12345',
      }),
      call('mailer', 'send_email', { to: 'ann@example.com', body: 'It has two lines.' }),
      call('bank', 'send_money', { recipient: 'DE89370400440532013000', amount: 5 }),
    ]);
    expect(summary).toMatchObject({
      events: 9,
      calls: 6,
      errors: 1,
      commands: ['wc -l /srv/data/report.csv'],
      files_read: ['/srv/data/report.csv'],
      files_written: ['out/summary.md'],
      endpoints: ['example.com/hooks/…/in'],
      parties: ['ann@example.com', 'DE89…3000'],
      data_sources: ['file:///srv/data/report.csv (internal)'],
      left_out: 0,
    });
    expect(summary.last_ms).toBe((summary.first_ms ?? 0) + 8_000);
    expect(summary.servers.files).toEqual({ calls: 2, in: 8, out: 0 });
    expect(summary.servers.mailer?.out).toBe('ann@example.com'.length + 'It has two lines.'.length);
    expect(summary.tools).toMatchObject({ 'files/read_file': 1, 'shell/run_command': 1 });
  });

  it('holds no secret, whether it has a known shape or was seen in a result', () => {
    const token = `ghp_${'q7Xw2Lr9Tz4Kd8Vn3Bm6'}${'Yc1Hs5Jf0Gp8Aq2E'}`;
    const summary = summaryOf([
      result('vault', 'get_secret', { password: PASSWORD }),
      call('shell', 'run_command', { command: `curl -u me:${PASSWORD} example.com` }),
      call('shell', 'run_command', { command: `git clone https://${token}@example.com/a` }),
    ]);
    expect(summary.commands).toHaveLength(2);
    expect(JSON.stringify(summary)).not.toContain(PASSWORD);
    expect(JSON.stringify(summary)).not.toContain(token);
  });

  it('keeps the beginning and the end of what is too much, and counts the rest', () => {
    const commands = Array.from({ length: 200 }, (_, at) =>
      call('shell', 'run_command', { command: `step ${at} ${'x'.repeat(60)}` }),
    );
    const { commands: kept, left_out } = summaryOf(commands);
    expect(kept[0]).toContain('step 0 ');
    expect(kept.at(-1)).toContain('step 199 ');
    expect(kept.length + left_out).toBe(200);
  });

  it('counts what there is no room for under one name', () => {
    const events = Array.from({ length: 60 }, (_, at) => call(`server${at}`, 'now', {}));
    const { servers, tools } = summaryOf(events);
    expect(Object.values(servers).reduce((sum, { calls }) => sum + calls, 0)).toBe(60);
    expect(Object.values(tools).reduce((sum, count) => sum + count, 0)).toBe(60);
    expect(servers['…']?.calls).toBeGreaterThan(30);
  });

  it('is not led astray by names that objects have anyway', () => {
    const summary = emptySummary();
    for (const name of ['__proto__', 'constructor', 'toString']) {
      addToSummary(summary, toProvenance(exampleRecords('s', [call(name, name, {})])[0], 0), {});
    }
    const { servers, tools } = summary;
    expect(servers.constructor).toEqual({ calls: 1, in: 0, out: 0 });
    expect(Object.values(tools)).toEqual([1, 1, 1]);
    expect({}).not.toHaveProperty('calls');
  });

  it('stays plain JSON below its maximum, whatever happens', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.constantFrom('\u0001'.repeat(300), '"'.repeat(300), '\ud800'.repeat(300), '会'.repeat(300)),
    );
    const params = fc.record({
      command: text,
      path: text.map((each) => `/${each}.txt`),
      url: text.map((each) => `https://a.test/${each}`),
      to: text.map((each) => `${each}@example.test`),
    });
    const event = fc.tuple(text, params).map(([content, each]) => [
      {
        ...call('shell', 'run_command', each),
        server: 's',
        data_sources: [{ uri: `x${content.replace(/[\u0000-\u001f\u007f-\u009f]/g, '')}` }],
      },
      result('shell', 'run_command', content === '' ? 'none' : content),
    ]);
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const summary = summaryOf(Array.from({ length: 4 }, () => events).flat(2));
        expect(bytesOf(summary)).toBeLessThan(SUMMARY_BYTES_MAX);
        expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
      }),
      { numRuns: 30 },
    );
  });

  it('stays below its maximum when every list and every name is as long as it can be', () => {
    const wide = '会'.repeat(80);
    const events = Array.from({ length: 300 }, (_, at) => [
      { ...call(`${wide}${at}`, `t${at}${wide}`, { command: `${wide}${wide}${at}` }) },
      {
        ...call('shell', 'run_command', {
          command: `${at} ${wide.repeat(3)}`,
          path: `/${at}${wide}.txt`,
          file: `/${at}/${wide.repeat(3)}.txt`,
        }),
        data_sources: [{ uri: `u${at}${wide.repeat(3)}` }],
      },
      call('web', 'http_post', {
        url: `https://h${at}.test/${wide.repeat(3)}`,
        to: `a${at}${'b'.repeat(40)}@${'c'.repeat(60)}.test`,
      }),
      call('files', 'write_file', { path: `/${at}${wide.repeat(2)}.txt` }),
    ]).flat();
    const summary = summaryOf(events);
    expect(bytesOf(summary)).toBeGreaterThan(8_000);
    expect(bytesOf(summary)).toBeLessThan(SUMMARY_BYTES_MAX);
  });
});
