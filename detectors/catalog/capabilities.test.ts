import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Capability, createCatalog, profileCall, profileTool } from './capabilities.ts';
import type { CatalogFile, ToolEntry } from './catalog_file.ts';
import { parameterRole, parameterRoleIn } from './destinations.ts';

const NO_USE = { address: false, host: false };

function fileOf(system: string, tools: ToolEntry[], names = [system]): CatalogFile {
  return { system, title: system, names, packages: [], server_info: [], tools };
}

describe('profileTool', () => {
  it.each([
    ['send_email', ['write', 'egress']],
    ['sendMessage', ['write', 'egress']],
    ['notes-publish', ['write', 'egress']],
    ['sharingFiles', ['write', 'egress']],
    ['email_search', ['untrusted_source', 'sensitive_read']],
    ['mail.list', ['untrusted_source', 'sensitive_read']],
    ['fetch_page', ['untrusted_source', 'egress']],
    ['get_secret', ['secret_read']],
    ['readPatientRecord', ['sensitive_read']],
    ['delete_volume', ['write', 'destructive']],
    ['run_query', ['sensitive_read', 'write']],
    ['create_cron_entry', ['write', 'persist']],
    ['update_memory', ['write', 'memory_write']],
    ['grant_role', ['write', 'auth']],
    ['frobnicate', ['unknown']],
  ])('judges %s by its name', (name, expected) => {
    expect([...profileTool(name).capabilities].sort()).toEqual([...expected].sort());
  });

  it('asks the description when the name has no verb', () => {
    const profile = profileTool('guest_access', { name: 'guest_access', description: 'Invites a guest to the door.' });
    expect(profile).toMatchObject({ verb: 'send', basis: 'definition' });
  });

  it('lets annotations add a capability and never take one away', () => {
    const annotations = { readOnlyHint: true, openWorldHint: true };
    const profile = profileTool('send_report', { name: 'send_report', annotations });
    expect([...profile.capabilities]).toEqual(expect.arrayContaining(['egress', 'untrusted_source']));
  });
});

describe('profileCall', () => {
  it.each([
    ['send_note', NO_USE, true],
    ['get_page', { address: false, host: true }, true],
    ['get_person', { address: true, host: false }, false],
    ['create_event', { address: true, host: false }, true],
    ['create_event', NO_USE, false],
    ['frobnicate', { address: true, host: false }, true],
    ['frobnicate', NO_USE, false],
  ])('%s with %o sends out: %s', (name, use, egress) => {
    expect(profileCall(profileTool(name), use).egress).toBe(egress);
  });
});

describe('profileCall, of tools that a file knows', () => {
  const entries = [
    { tool: 'peek', capabilities: [] },
    { tool: 'pull', capabilities: ['untrusted_source', 'egress'] as const },
    { tool: 'push', capabilities: ['write', 'egress'] as const },
  ];
  const catalog = createCatalog(entries);
  const host = { address: false, host: true };

  it.each([
    ['peek', { egress: false, fetch: false }],
    ['pull', { egress: true, fetch: true }],
    ['push', { egress: true, fetch: false }],
  ])('%s, handed a host, is %o', (tool, expected) => {
    expect(profileCall(catalog.profile('s', tool), host)).toMatchObject(expected);
  });

  it('still takes a host for a destination when only the name says that it reads', () => {
    expect(profileCall(catalog.profile('s', 'get_peek'), host)).toMatchObject({ egress: true, fetch: true });
  });
});

describe('createCatalog', () => {
  const shipped = [fileOf('lab', [{ tool: 'beam', capabilities: ['exec'] }])];
  const override = (capabilities: Capability[]) => [fileOf('lab', [{ tool: 'beam', capabilities }], [])];

  it('puts the entries of data files before the heuristic, the nearest first', () => {
    const catalog = createCatalog([
      { tool: 'beam', capabilities: ['egress'] },
      { server: 'lab', tool: 'beam', capabilities: ['exec'] },
    ]);
    expect([...catalog.profile('lab', 'beam').capabilities]).toEqual(['exec']);
    expect([...catalog.profile('home', 'beam').capabilities]).toEqual(['egress']);
    expect(catalog.profile('home', 'send_beam').basis).toBe('name');
  });

  it('asks the tenant, then the operator, then the shipped files', () => {
    const tenants = new Map([['acme', override(['auth'])]]);
    const catalog = createCatalog([], { shipped, operator: override(['persist']), tenants });
    expect(catalog.profile('lab', 'beam', undefined, 'acme')).toMatchObject({ basis: 'tenant', system: 'lab' });
    expect([...catalog.profile('lab', 'beam', undefined, 'acme').capabilities]).toEqual(['auth']);
    expect([...catalog.profile('lab', 'beam', undefined, 'other').capabilities]).toEqual(['persist']);
    expect([...createCatalog([], { shipped }).profile('lab', 'beam').capabilities]).toEqual(['exec']);
  });

  it('takes the star in an override for any server', () => {
    const operator = [fileOf('everywhere', [{ tool: 'beam', capabilities: ['auth'] }], ['*'])];
    expect(createCatalog([], { operator }).profile('whatever', 'beam').basis).toBe('operator');
  });

  it('can leave the shipped files out', () => {
    const catalog = createCatalog([], { shipped, operator: override(['persist']), without_shipped: true });
    expect(catalog.profile('lab', 'beam').basis).toBe('operator');
    expect(createCatalog([], { shipped, without_shipped: true }).profile('lab', 'beam').basis).toBe('name');
  });

  it('believes an override before annotations, and lets annotations add to a shipped file', () => {
    const definition = { name: 'beam', annotations: { destructiveHint: true } };
    const catalog = createCatalog([], { shipped });
    expect([...catalog.profile('lab', 'beam', definition).capabilities]).toEqual(['exec', 'destructive']);
    const overridden = createCatalog([], { shipped, operator: override(['write']) });
    expect([...overridden.profile('lab', 'beam', definition).capabilities]).toEqual(['write']);
  });

  it('records that a server calls a tool harmless and takes nothing away for it', () => {
    const annotations = { readOnlyHint: true, openWorldHint: false };
    const profile = createCatalog().profile('home', 'send_beam', { name: 'send_beam', annotations });
    expect(profile).toMatchObject({ read_only_claim: true, basis: 'annotations' });
    expect([...profile.capabilities]).toEqual(['write', 'egress']);
  });

  it('gives the same profile and the same call profile again, so that a call costs a lookup', () => {
    const catalog = createCatalog([], { shipped });
    const profile = catalog.profile('lab', 'beam', undefined, 'acme');
    expect(catalog.profile('lab', 'beam', undefined, 'acme')).toBe(profile);
    expect(profileCall(profile, { address: true, host: false })).toBe(
      profileCall(profile, { address: true, host: false }),
    );
    const definition = () => ({ name: 'beam', description: 'Beams.' });
    expect(catalog.profile('lab', 'beam', definition())).toBe(catalog.profile('lab', 'beam', definition()));
  });

  it('uses what it learnt of a server until it learns otherwise', () => {
    const catalog = createCatalog();
    expect(catalog.profile('s', 'beam').basis).toBe('name');
    catalog.learn('s', { tools: [{ name: 'beam', description: 'Deletes a user.' }] });
    expect([...catalog.profile('s', 'beam').capabilities]).toContain('destructive');
    catalog.learn('s', { tools: [{ name: 'beam', description: 'Sends a mail.' }] });
    expect([...catalog.profile('s', 'beam').capabilities]).toEqual(['write', 'egress']);
  });

  it('names the tools that no file lists, with what the judgement rests on', () => {
    const catalog = createCatalog([], { shipped });
    catalog.profile('lab', 'beam', undefined, 'acme');
    catalog.profile('lab', 'zorb', undefined, 'acme');
    catalog.profile('home', 'zorb', { name: 'zorb', description: 'Deletes all.' }, 'other');
    expect(catalog.unlisted()).toEqual([
      { tenant: 'acme', server: 'lab', tool: 'zorb', basis: 'name', capabilities: ['unknown'], system: 'lab' },
      { tenant: 'other', server: 'home', tool: 'zorb', basis: 'definition', capabilities: ['write', 'destructive'] },
    ]);
    expect(catalog.unlisted('acme')).toHaveLength(1);
  });

  it('stays small when servers and tools never end, and counts what it forgot', () => {
    const catalog = createCatalog();
    for (let at = 0; at < 25_000; at++) catalog.profile('s', `get_thing_${at}`);
    for (let at = 0; at < 6_000; at++) catalog.profile(`s${at}`, 'get_thing');
    expect(catalog.counters.cache_resets).toBeGreaterThanOrEqual(2);
    expect(catalog.unlisted()).toHaveLength(2_000);
    expect(catalog.counters.unlisted_dropped).toBeGreaterThan(0);
  });
});

describe('a server’s own words', () => {
  const word = fc.constantFrom(
    'get',
    'send',
    'list',
    'zorb',
    'patient',
    'file',
    'run',
    'code',
    'Reads',
    'a',
    'mail',
    'Deletes',
  );
  const words = fc.array(word, { minLength: 1, maxLength: 4 });
  const annotations = fc.record(
    { readOnlyHint: fc.boolean(), openWorldHint: fc.boolean(), destructiveHint: fc.boolean() },
    { requiredKeys: [] },
  );
  const schema = fc.oneof(
    fc.jsonValue(),
    fc.constant({ properties: { to: { type: 'string', format: 'email' }, cmd: {} } }),
  );
  const uses = [NO_USE, { address: true, host: false }, { address: false, host: true }];

  it('only ever add a capability, and never keep a call from being one that sends', () => {
    fc.assert(
      fc.property(words, words, annotations, schema, (name_words, text, hints, inputSchema) => {
        const name = name_words.join('_');
        const definition = { name, description: text.join(' '), annotations: hints, inputSchema };
        const [before, after] = [profileTool(name), profileTool(name, definition)];
        const missing = [...before.capabilities].filter((each) => each !== 'unknown' && !after.capabilities.has(each));
        expect(missing).toEqual([]);
        for (const use of uses) if (profileCall(before, use).egress) expect(profileCall(after, use).egress).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are read in bounded time, however large', () => {
    let deep: unknown = { type: 'string', format: 'email' };
    for (let at = 0; at < 1_000; at++) deep = { type: 'object', properties: { inner: deep } };
    const properties = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, at) => [`p${at}`, { description: 'recipient' }]),
    );
    const definition = {
      name: 'beam',
      description: 'x'.repeat(1_000_000),
      inputSchema: { properties: { ...properties, deep } },
    };
    expect(profileTool('beam', definition).destinations?.size).toBeLessThanOrEqual(512);
  });
});

describe('parameterRole', () => {
  it.each(['to', 'recipients', 'bccAddresses', 'webhook_url', 'user_email', 'remote-host', 'beneficiaryIban'])(
    '%s names a destination',
    (name) => expect(parameterRole(name).destination).toBe(true),
  );
  it.each(['from_account', 'sender_email', 'email_body', 'subject', 'amount', 'message'])('%s names none', (name) =>
    expect(parameterRole(name).destination).toBe(false),
  );
});

describe('parameterRoleIn', () => {
  const tool = profileTool('file_report', {
    name: 'file_report',
    inputSchema: {
      properties: {
        desk: { type: 'string', format: 'email' },
        place: { type: 'string', description: 'Where to send it: the URL to post to.' },
        from_desk: { type: 'string', format: 'email' },
        remark: { type: 'string', description: 'Anything else.' },
        copies: { type: 'array', items: { type: 'object', properties: { who: { type: 'string', format: 'email' } } } },
      },
    },
  });

  it.each([
    ['desk', 'desk', true],
    ['place', 'place', true],
    ['who', 'copies[3].who', true],
    ['to', 'to', true],
    ['from_desk', 'from_desk', false],
    ['remark', 'remark', false],
  ])('%s at %s names a destination: %s', (name, path, destination) => {
    expect(parameterRoleIn(tool, name, path).destination).toBe(destination);
  });

  it('takes the names and the dotted paths of a data file', () => {
    const profile = createCatalog([
      { tool: 'beam', capabilities: ['egress'], destinations: ['dock', 'ship.bay'] },
    ]).profile('s', 'beam');
    expect(parameterRoleIn(profile, 'dock', 'dock').destination).toBe(true);
    expect(parameterRoleIn(profile, 'bay', 'ship.bay').destination).toBe(true);
    expect(parameterRoleIn(profile, 'bay', 'bay').destination).toBe(false);
  });
});
