import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob } from './glob.ts';
import { grantedAgainstUsed, type RoleTool } from './granted_against_used.ts';
import { parseGrants } from './grants_file.ts';

const TIME = '2026-01-15T09:00:00.000Z';

function called(role: string, name: string, calls = 1, listed = false): RoleTool {
  const [server = '', tool = ''] = name.split('/');
  return { role, server, tool, listed, calls, first_time: TIME, last_time: TIME };
}

function listed(role: string, name: string): RoleTool {
  return { ...called(role, name, 0, true), first_time: null, last_time: null };
}

describe('grantedAgainstUsed', () => {
  const rows = [
    called('clerk', 'till/refund', 3),
    called('clerk', 'mail/send', 1),
    called('auditor', 'till/read_day', 7),
    listed('auditor', 'till/open_drawer'),
  ];

  it('sets what a role was granted beside what it used, with counts and times', () => {
    const grants = parseGrants('clerk: [till/*]\nauditor: [till/read_*]\n', 'grants.yaml');
    const [auditor, clerk] = grantedAgainstUsed(rows, grants);
    expect(clerk).toEqual({
      role: 'clerk',
      granted: 3,
      used: [called('clerk', 'till/refund', 3)],
      unused: [
        { grant: 'till/open_drawer', seen: true },
        { grant: 'till/read_day', seen: true },
      ],
      not_granted: [called('clerk', 'mail/send', 1)],
    });
    expect(auditor).toMatchObject({ role: 'auditor', granted: 1, unused: [], not_granted: [] });
    expect(auditor?.used[0]).toMatchObject({ calls: 7, first_time: TIME, last_time: TIME });
  });

  it('names a grant that fits no tool that was ever seen, and a role that did nothing', () => {
    const grants = parseGrants('clerk: [till/refund, vault/*]\ncook: [oven/heat]\n', 'grants.yaml');
    const [auditor, clerk, cook] = grantedAgainstUsed(rows, grants);
    expect(clerk?.unused).toEqual([{ grant: 'vault/*', seen: false }]);
    expect(cook).toEqual({
      role: 'cook',
      granted: 0,
      used: [],
      unused: [{ grant: 'oven/heat', seen: false }],
      not_granted: [],
    });
    // A role that the file does not name was granted nothing.
    expect(auditor?.not_granted.map(({ tool }) => tool)).toEqual(['read_day']);
  });

  it('takes grants of the role * for every role', () => {
    const [auditor, clerk] = grantedAgainstUsed(rows, parseGrants('"*": ["*/*"]\n', 'grants.yaml'));
    expect([auditor?.not_granted, clerk?.not_granted]).toEqual([[], []]);
  });

  it('takes what servers listed for granted where no file says what was', () => {
    const [role] = grantedAgainstUsed([
      called('clerk', 'till/refund', 3, true),
      listed('clerk', 'till/close_day'),
      called('clerk', 'mail/send'),
    ]);
    expect(role).toMatchObject({
      granted: 2,
      used: [{ tool: 'refund' }],
      unused: [{ grant: 'till/close_day', seen: true }],
      not_granted: [{ tool: 'send' }],
    });
  });
});

describe('parseGrants', () => {
  it.each([
    ['clerk: till/refund\n', 'grants.yaml:1: clerk: must be a list of globs'],
    ['clerk:\n  - till/refund\n  - refund\n', 'grants.yaml:3: clerk: must be a server, a slash and a tool'],
    ['clerk:\n  - 7\n', 'grants.yaml:2: clerk: must be a text'],
    ['clerk: [\n', 'grants.yaml:2: '],
    ['', 'grants.yaml:1: must name a role'],
    ['a: [x/y]\n---\nb: [x/y]\n', 'grants.yaml:3: grants are one document'],
    ['a: [x/y]\na: [x/z]\n', 'grants.yaml:2: the key "a" stands here twice'],
  ])('refuses %j with line and reason', (text, message) => {
    expect(() => parseGrants(text, 'grants.yaml')).toThrow(message);
  });
});

describe('matchesGlob', () => {
  it.each([
    ['mail/send_*', 'mail/send_email', true],
    ['mail/send_*', 'mail/read', false],
    ['*/read_?', '@team/files/read_a', true],
    ['*/read_?', 'files/read_ab', false],
    ['mail/*', 'Mail/send', false],
    ['*', '', true],
    ['', 'a', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-b-b-cd', false],
    ['m.il/x', 'mail/x', false],
  ])('%s on %s: %s', (glob, name, fits) => {
    expect(matchesGlob(glob, name)).toBe(fits);
  });

  it('says what the same expression says', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 });
    const names = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
    fc.assert(
      fc.property(letters, names, (glob, name) => {
        const expression = new RegExp(`^${glob.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
        expect(matchesGlob(glob, name)).toBe(expression.test(name));
      }),
    );
  });

  it('does not grow beyond the product of the lengths', () => {
    const start = performance.now();
    expect(matchesGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(512))).toBe(false);
    expect(performance.now() - start).toBeLessThan(500);
  });
});
