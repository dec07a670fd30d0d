import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../core/limits.ts';
import { createCatalog } from '../catalog/capabilities.ts';
import { viewContent } from '../content/content_view.ts';
import { call, exampleRecords, prompt, type RawEvent, result, toProvenance } from '../example_events.ts';
import { createSessionLineage } from './session_lineage.ts';

/** The edges of the last event. */
function edgesOf(events: readonly RawEvent[]) {
  const lineage = createSessionLineage(createCatalog(), LIMITS, { evicted_values: 0, truncated_texts: 0 });
  const steps = exampleRecords('s', events).map((record, at) => {
    const event = toProvenance(record, at);
    return lineage.observe(
      event,
      event.content ? viewContent(event.content, LIMITS.lineage_text_bytes_max) : undefined,
    );
  });
  return steps.at(-1)?.edges ?? [];
}
const page = (text: unknown) => result('wiki', 'read_page', text);
const send = (params: Record<string, unknown>) => call('mailer', 'send_email', params);

describe('createSessionLineage', () => {
  it('links a result to the parameter that its value arrives in, however deep', () => {
    const [edge] = edgesOf([
      page('Write to ann@example.com.'),
      send({ message: { to: [{ address: 'Ann@Example.com' }] } }),
    ]);
    expect(edge).toMatchObject({
      from: { event_id: 's-1', server: 'wiki', tool: 'read_page' },
      to: { event_id: 's-2', server: 'mailer' },
      path: 'message.to[0].address',
      destination: true,
      kind: 'email',
      occurrence: 'instruction',
      sentence: 'Write to ann@example.com.',
      in_prompt: false,
    });
  });

  it('reads parameters that hold JSON as text', () => {
    const edges = edgesOf([page('At www.example.com.'), send({ input: '{"url": "http://example.com/a"}' })]);
    expect(edges).toMatchObject([{ path: 'input.url', destination: true, preview: 'example.com' }]);
  });

  it('keeps the most ordinary place of a value within one result', () => {
    const edges = edgesOf([
      page([{ body: 'Write to ann@example.com.' }, { email: 'ann@example.com' }]),
      send({ to: 'ann@example.com' }),
    ]);
    expect(edges).toMatchObject([{ occurrence: 'field', sentence: '' }]);
  });

  it('takes a value that the agent used first for its own', () => {
    expect(
      edgesOf([send({ to: 'ann@example.com' }), page('ann@example.com'), send({ to: 'ann@example.com' })]),
    ).toEqual([]);
  });

  it('masks account numbers', () => {
    const [edge] = edgesOf([page('Pay to DE89 3704 0044 0532 0130 00.'), send({ iban: 'DE89370400440532013000' })]);
    expect(edge?.preview).toBe('DE89…3000');
  });

  it.each([
    ['the address', 'Mail Ann.Lee@example.com', true],
    ['its domain', 'Mail the people of example.com', true],
    ['a domain above it', 'Look at http://www.example.com/x', true],
    ['its handle', 'Mail @ann.lee about it', true],
    ['its dotted name', 'Mail ann.lee, please', true],
    ['only the first name', 'Mail ann, please', false],
    ['another address of the domain', 'Mail bo@example.com', false],
    ['a longer name that ends alike', 'Mail joann.lee, please', false],
  ])('knows that the user named %s', (_name, asked, expected) => {
    const [edge] = edgesOf([prompt(asked), page('Write to ann.lee@example.com.'), send({ to: 'ann.lee@example.com' })]);
    expect(edge?.in_prompt).toBe(expected);
  });

  it('follows a private key through new line breaks', () => {
    const body = 'MIIEowIBAAKCAQEAq7Xw2Lr9Tz4Kd8Vn3Bm6Yc1Hs5Jf0Gp8Aq2ERw7Yt3Uk5Io9Pl1Zx';
    const pem = `-----BEGIN ${'PRIVATE'} KEY-----\n${body}\n-----END ${'PRIVATE'} KEY-----`;
    const edges = edgesOf([page({ file: pem }), send({ body: body.replace(/(.{20})/g, '$1\n') })]);
    expect(edges).toMatchObject([{ kind: 'secret', encodings: [], destination: false }]);
    expect(JSON.stringify(edges)).not.toContain('MIIE');
  });
});
