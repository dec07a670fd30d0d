/** The README's minute, done as it stands: a key, the clients' configuration, and a real client that notices nothing. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';
import { startTestService, type TestService } from './support/http_service.ts';

const run = promisify(execFile); // not in this thread, which is the service's
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const SCRIPT = /<!-- minute -->\n```sh\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
const SERVER = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-memory/dist/index.js'));

let cli: CommandLine;
let test: TestService;
let home: string;

beforeAll(async () => {
  cli = buildCommandLine();
  test = await startTestService();
  home = realpathSync(mkdtempSync(join(tmpdir(), 'tracewarden-minute-')));
}, 120_000);
afterAll(async () => {
  await test.close();
  cli.close();
  rmSync(home, { recursive: true, force: true });
});

it('puts the wrapper in front of a server of a client, and every call arrives', { timeout: 120_000 }, async () => {
  expect(SCRIPT).toContain('wrap-config');
  const config = join(home, '.cursor', 'mcp.json');
  const memory = join(home, 'memory.json');
  const before = `{\n  "mcpServers": {\n    "memory": { "command": "${process.execPath}", "args": ["${SERVER}"], "env": { "MEMORY_FILE_PATH": "${memory}" } }\n  }\n}\n`;
  mkdirSync(join(home, '.cursor'));
  writeFileSync(config, before);
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const main = join(cli.folder, 'dist/cli/main.js');
  writeFileSync(join(bin, 'tracewarden'), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 });
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    TRACEWARDEN_URL: test.url,
    TRACEWARDEN_KEY: test.service.admin_key,
  };
  await run('bash', ['-euo', 'pipefail', '-c', SCRIPT], { env, cwd: home, timeout: 60_000 });
  expect(statSync(join(home, '.config/tracewarden/wrap.json')).mode & 0o777).toBe(0o600);

  const started = (JSON.parse(readFileSync(config, 'utf8')) as { mcpServers: Record<string, Started> }).mcpServers
    .memory;
  const { command = '', args = [] } = started ?? {};
  expect(args).toContain('wrap');
  const transport = new StdioClientTransport({
    command,
    args,
    // As a client starts it: without the key of the person who set it up.
    env: { PATH: process.env.PATH ?? '', HOME: home, TRACEWARDEN_URL: test.url, ...started?.env },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'cursor', version: '1' });
  await client.connect(transport);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('create_entities');
  const entities = [{ name: 'plum', entityType: 'fruit', observations: ['is blue'] }];
  await client.callTool({ name: 'create_entities', arguments: { entities } });
  await client.close();

  const found = async () =>
    (await test.read<{ events: { type: string; server: string; tool: string }[] }>('/v1/events?q=type:tool.result'))
      .events;
  await expect.poll(async () => (await found()).length, { timeout: 15_000 }).toBe(1);
  expect((await found())[0]).toMatchObject({ server: 'memory', tool: 'create_entities' });

  await run('tracewarden', ['wrap-config', '--undo'], { env, cwd: home, timeout: 60_000 });
  expect(readFileSync(config, 'utf8')).toBe(before);
});

interface Started {
  command: string;
  args: string[];
  env: Record<string, string>;
}
