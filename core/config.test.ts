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

describe('the configuration', () => {
  it('has a default for everything, on loopback and with keys', () => {
    expect(loadConfig({}, {})).toEqual({
      data: 'data',
      host: '127.0.0.1',
      port: 7733,
      hosts: [],
      detection: true,
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

  it('names a file that cannot be read', () => {
    expect(() => loadConfig({}, {}, join(folder, 'missing.yaml'))).toThrow(/missing\.yaml/);
  });
});
