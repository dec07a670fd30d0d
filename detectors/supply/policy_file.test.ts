import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../core/errors.ts';
import { type Detector, isCorrelator } from '../detector.ts';
import { createEngine } from '../engine.ts';
import { exampleRecords, type RawEvent, toProvenance } from '../example_events.ts';
import { loadDetectors } from '../load.ts';
import { loadPolicy } from './load_policy.ts';
import { packageName } from './package_name.ts';
import { applyPolicy } from './policy.ts';
import { parsePolicy } from './policy_file.ts';

const SHA = (digit: string) => digit.repeat(64);
const FILE = `
vulnerable:
  - package: "@example/tickets-server"
    versions: "<2.2.0"
    fixed_in: "2.2.0"
    advisory: EXAMPLE-2026-1
  - server: shelf
    versions: ["1.x", ">=3.0.0 <3.0.4"]
    severity: medium
servers:
  - server: tickets
    versions: ["2.2.0"]
    executable_sha256: ["sha256:${SHA('1')}"]
configurations:
  - name: agent.json
    sha256: ["${SHA('7')}"]
`;

function refusal(text: string): string {
  try {
    parsePolicy(text, 'policy.yaml');
  } catch (error) {
    expect((error as AppError).code).toBe('policy_invalid');
    return (error as Error).message;
  }
  return 'accepted';
}

describe('parsePolicy', () => {
  it('reads the three lists', () => {
    const policy = parsePolicy(FILE, 'policy.yaml');
    expect(policy.vulnerable).toEqual([
      {
        package: '@example/tickets-server',
        versions: ['<2.2.0'],
        fixed_in: '2.2.0',
        advisory: 'EXAMPLE-2026-1',
        severity: 'high',
      },
      { server: 'shelf', versions: ['1.x', '>=3.0.0 <3.0.4'], severity: 'medium' },
    ]);
    expect(policy.servers).toEqual([{ server: 'tickets', versions: ['2.2.0'], executable_sha256: [SHA('1')] }]);
    expect(policy.configurations).toEqual([{ name: 'agent.json', sha256: [SHA('7')] }]);
  });

  it('takes what repairs it for the range where none is given', () => {
    expect(parsePolicy('vulnerable: [{ package: a, fixed_in: "1.2.0" }]', 'p').vulnerable[0]?.versions).toEqual([
      '<1.2.0',
    ]);
  });

  it('takes an empty file for no policy', () => {
    for (const text of ['', '# nothing yet\n', '{}']) {
      expect(parsePolicy(text, 'p')).toEqual({ vulnerable: [], servers: [], configurations: [] });
    }
  });

  it.each([
    ['vulnerable:\n  - package: a\n    versions: latest\n', 'policy.yaml:3: vulnerable[0].versions'],
    ['vulnerable:\n  - versions: "<1.0.0"\n', 'policy.yaml:2: vulnerable[0] must name a package or a server'],
    ['vulnerable:\n  - package: a\n', 'policy.yaml:2: vulnerable[0] must name versions or fixed_in'],
    [
      'servers:\n  - server: a\n    versions: [1.2]\n',
      'policy.yaml:3: servers[0].versions[0] must be a version between quotation marks',
    ],
    [
      'servers:\n  - server: a\n    executable_sha256: ["abc"]\n',
      'policy.yaml:3: servers[0].executable_sha256[0] must be a SHA-256',
    ],
    ['server:\n  - server: a\n', 'policy.yaml:1: the policy'],
    ['servers: [\n', 'policy.yaml:'],
    ['a: 1\n---\nb: 2\n', 'a policy is one document'],
    ['- 1\n', 'policy.yaml:1: the policy'],
  ])('names file, line and rule of what is wrong: %o', (text, expected) => expect(refusal(text)).toContain(expected));

  it('does not read aliases for ever', () => {
    const bomb = `a: &a [x, x]\n${[...'bcdefghi'].map((name, at) => `${name}: &${name} [${`*${'abcdefghi'[at]}, `.repeat(9)}]`).join('\n')}`;
    const started_ms = performance.now();
    expect(refusal(bomb)).not.toBe('accepted');
    expect(performance.now() - started_ms).toBeLessThan(2_000);
  });

  it('never fails otherwise', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parsePolicy(text, 'p');
        } catch (error) {
          expect(error).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});

describe('loadPolicy', () => {
  it('reads a file, and says which one it cannot read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'policy-'));
    try {
      await writeFile(join(folder, 'policy.yaml'), FILE);
      const { policy, sha256 } = await loadPolicy(join(folder, 'policy.yaml'));
      expect(policy.servers).toHaveLength(1);
      expect(sha256).toBe(createHash('sha256').update(FILE).digest('hex'));
      await expect(loadPolicy(join(folder, 'none.yaml'))).rejects.toMatchObject({ code: 'policy_unreadable' });
      await writeFile(join(folder, 'big.yaml'), '#'.repeat(1_048_577));
      await expect(loadPolicy(join(folder, 'big.yaml'))).rejects.toMatchObject({ code: 'policy_invalid' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('packageName', () => {
  it.each([
    ['pkg:npm/%40example/tickets@1.2?x=1#y', '@example/tickets'],
    ['@Example/Tickets@1.2.0', '@example/tickets'],
    ['@example/tickets', '@example/tickets'],
    ['pkg:pypi/Tickets', 'tickets'],
    ['pkg:npm/%zz', '%zz'],
  ])('%s is %s', (text, name) => expect(packageName(text)).toBe(name));
});

describe('a policy', async () => {
  const detectors = applyPolicy(await loadDetectors(), parsePolicy(FILE, 'policy.yaml'));

  function found(detector_id: string, events: RawEvent[], of: readonly Detector[] = detectors) {
    const engine = createEngine({ detectors: of.filter(({ metadata }) => metadata.id === detector_id) });
    const records = exampleRecords('s', events).map(toProvenance);
    const findings = [...records.map((event) => engine.observe(event)), engine.flush()].flatMap(
      (step) => step.findings,
    );
    expect(engine.errors).toEqual([]);
    return findings;
  }
  const runs = (server: string, info: Record<string, unknown>): RawEvent => ({
    type: 'server.version',
    server,
    host: 'desk-4.example.com',
    server_info: info,
  });

  it('leaves every detector what it was', () => {
    for (const detector of detectors) {
      expect(typeof detector.step).toBe('function');
      expect(isCorrelator(detector) || detector.group_by === 'session').toBe(true);
    }
  });

  it('lists versions that must not run', () => {
    const bad = runs('tickets', { version: '2.1.0', package: '@example/tickets-server' });
    const [finding] = found('server_version_vulnerable', [bad]);
    expect(finding).toMatchObject({ severity: 'high' });
    expect(finding?.reason).toContain('EXAMPLE-2026-1');
    expect(found('server_version_vulnerable', [runs('shelf', { version: '1.7.2' })])[0]?.severity).toBe('medium');
    expect(
      found('server_version_vulnerable', [runs('tickets', { version: '2.2.0', package: '@example/tickets-server' })]),
    ).toEqual([]);
  });

  it('lists builds that were looked at', () => {
    const approved = runs('tickets', { version: '2.2.0', executable_sha256: SHA('1') });
    const other = runs('tickets', { version: '2.2.0', executable_sha256: SHA('2') });
    expect(found('server_binary_changed', [approved])).toEqual([]);
    expect(found('server_binary_changed', [other])[0]).toMatchObject({ severity: 'medium' });
    expect(found('server_binary_changed', [approved, other])[0]).toMatchObject({ severity: 'high' });
    expect(found('server_binary_changed', [other, approved]).map(({ severity }) => severity)).toEqual(['medium']);
    expect(found('server_binary_changed', [runs('tickets', { version: '9.0.0' })])[0]?.reason).toContain('version');
  });

  it('lists configurations', () => {
    const snapshot = (sha256: string): RawEvent => ({
      type: 'config.snapshot',
      config: { name: 'agent.json', sha256, approved: true },
    });
    expect(found('configuration_drift', [snapshot(SHA('7'))])).toEqual([]);
    expect(found('configuration_drift', [snapshot(SHA('8'))])[0]?.severity).toBe('medium');
  });
});
