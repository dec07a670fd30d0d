import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';
import { AppError } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'tracewarden-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(yaml: string): string {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, yaml);
  return path;
}

function refusal(yaml: string, env: Record<string, string> = {}): string {
  try {
    loadConfig({}, env, file(yaml));
  } catch (error) {
    if (error instanceof AppError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  return expect.unreachable();
}

/** Lists of lists that hold the one before nine times. */
function bomb(steps: number): string {
  const lines = ['a0: &a0 [x, x, x]'];
  for (let at = 1; at <= steps; at++) {
    const before = Array.from({ length: 9 }, () => `*a${at - 1}`).join(', ');
    lines.push(`a${at}: &a${at} [${before}]`);
  }
  return lines.join('\n');
}

describe('the configuration', () => {
  it('has a default for everything, on loopback and with keys', () => {
    expect(loadConfig({}, {})).toEqual({
      data: 'data',
      host: '127.0.0.1',
      port: 7733,
      hosts: [],
      rules_off: [],
      detection: true,
      enforcement_timeout_seconds: 30,
      webhook_hosts: [],
      webhook_credentials: {},
      webhook_retry_seconds: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
      insecure_loopback: false,
      log_level: 'info',
    });
    expect(loadConfig({}, {}, file(''))).toEqual(loadConfig({}, {}));
  });

  it('takes a flag before the environment, and the environment before the file', () => {
    const path = file('data: of-file\nport: 1\nhost: localhost');
    const env = { TRACEWARDEN_DATA: 'of-environment', TRACEWARDEN_PORT: '2', TRACEWARDEN_HOST: '' };
    expect(loadConfig({ data: 'of-flag', port: undefined }, env, path)).toMatchObject({
      data: 'of-flag',
      port: 2,
      host: 'localhost',
    });
  });

  it('replaces names in the file from the environment, and says which one is missing', () => {
    const yaml = `origin: ${'$'}{TEST_ORIGIN}/agents`;
    expect(loadConfig({}, { TEST_ORIGIN: 'example.com' }, file(yaml)).origin).toBe('example.com/agents');
    expect(refusal(yaml)).toContain('TEST_ORIGIN');
  });

  it('takes what a name stands for from a file that the environment names, without its last line end', () => {
    const yaml = `origin: ${'$'}{TEST_ORIGIN}/agents`;
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'example.com\n');
    expect(loadConfig({}, { TEST_ORIGIN_FILE: secret }, file(yaml)).origin).toBe('example.com/agents');
    const both = { TEST_ORIGIN: 'other.example.com', TEST_ORIGIN_FILE: secret };
    expect(loadConfig({}, both, file(yaml)).origin).toBe('other.example.com/agents');
    const missing = () => loadConfig({}, { TEST_ORIGIN_FILE: `${secret}.gone` }, file(yaml));
    expect(missing).toThrow(/TEST_ORIGIN_FILE: .*gone cannot be read/);
  });

  it.each([
    ['port: 70000', 'port'],
    ['port: hidden', 'port'],
    ['clickhouse_url: "hidden word"', 'clickhouse_url'],
    ['log_level: hidden', 'log_level'],
    ['hosts: hidden', 'hosts'],
    ['insecure_loopback: "hidden"', 'insecure_loopback'],
    ['nothing_of_ours: hidden', 'nothing_of_ours'],
    ['- hidden', 'config.yaml'],
  ])('names what is wrong in %s, and does not show its value', (yaml, name) => {
    expect(refusal(yaml)).toContain(name);
    expect(refusal(yaml)).not.toContain('hidden');
  });

  it.each([
    ['aliases that grow a thousandfold at each step', bomb(9), /aliases|alias/],
    [
      'aliases that are many',
      `a: &a [x]\nhosts: [${Array.from({ length: 60 }, () => '*a').join(', ')}]`,
      /more than 50/,
    ],
    ['an alias of nothing', 'hosts: *nothing', /alias/i],
    ['a list in a list, a hundred thousand times', `hosts: ${'['.repeat(100_000)}`, /line 1 is nested deeper than 64/],
    ['a hundred thousand dashes', `hosts:\n  ${'- '.repeat(100_000)}x`, /line 2 is nested deeper than 64/],
    ['more text than settings ever have', `# ${'x'.repeat(300_000)}`, /has 300002 characters, more than 262144/],
  ])('refuses %s at once', (_what, yaml, rule) => {
    const started_ms = performance.now();
    expect(refusal(yaml)).toMatch(rule);
    expect(performance.now() - started_ms).toBeLessThan(1_000);
  });

  it('reads a few aliases', () => {
    expect(loadConfig({}, {}, file('data: &name here\norigin: *name')).origin).toBe('here');
  });

  it('names a file that cannot be read', () => {
    expect(() => loadConfig({}, {}, join(folder, 'missing.yaml'))).toThrow(/missing\.yaml/);
  });
});
