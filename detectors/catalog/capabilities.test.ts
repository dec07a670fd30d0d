import { describe, expect, it } from 'vitest';
import { createCatalog, profileCall, profileTool } from './capabilities.ts';
import { parameterRole } from './destinations.ts';

const NO_USE = { address: false, host: false };

describe('profileTool', () => {
  it.each([
    ['send_email', ['write', 'egress']],
    ['sendMessage', ['write', 'egress']],
    ['notes-publish', ['write', 'egress']],
    ['sharingFiles', ['write', 'egress']],
    ['email_search', ['untrusted_source']],
    ['mail.list', ['untrusted_source']],
    ['fetch_page', ['untrusted_source', 'egress']],
    ['get_secret', ['secret_read']],
    ['readPatientRecord', ['sensitive_read']],
    ['delete_volume', ['write', 'destructive']],
    ['run_query', ['exec', 'write']],
    ['create_cron_entry', ['write', 'persist']],
    ['update_memory', ['write', 'memory_write']],
    ['grant_role', ['auth']],
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

describe('createCatalog', () => {
  it('puts the entries of data files before the heuristic, the nearest first', () => {
    const catalog = createCatalog([
      { tool: 'beam', capabilities: ['egress'] },
      { server: 'lab', tool: 'beam', capabilities: ['exec'] },
    ]);
    expect([...catalog.profile('lab', 'beam').capabilities]).toEqual(['exec']);
    expect([...catalog.profile('home', 'beam').capabilities]).toEqual(['egress']);
    expect(catalog.profile('home', 'send_beam').basis).toBe('name');
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
