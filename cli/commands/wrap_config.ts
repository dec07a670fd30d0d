/** `tracewarden wrap-config`: puts the wrapper in front of the MCP servers of the clients on this computer. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { createTwoFilesPatch } from 'diff';
import { AppError } from '../../core/errors.ts';
import { inert, print, say } from '../output.ts';
import { CLIENTS, type ClientConfig, clientConfigs } from '../wrap_config/clients.ts';
import { type Planned, planUndo, planWrap } from '../wrap_config/config_file.ts';
import type { Launcher } from '../wrap_config/rewrite.ts';

interface WrapConfigFlags {
  file?: string;
  key: string;
  project: string;
  dryRun?: boolean;
  undo?: boolean;
}

/** The light command, which starts without the parts of the service. */
const PROGRAM = fileURLToPath(new URL('../tracewarden.js', import.meta.url));

/** Adds `wrap-config`. */
export function wrapConfigCommand(program: Command): void {
  program
    .command('wrap-config')
    .description('put the wrapper in front of the MCP servers that clients on this computer start')
    .argument('[clients...]', `some of ${CLIENTS.join(', ')} (default: all that are there)`)
    .option('--project <dir>', 'a project whose shared configuration counts too', '.')
    .addOption(new Option('--file <file>', 'this file instead, whatever client it is of'))
    .addOption(new Option('--key <name>', 'with --file: the member that holds the servers').default('mcpServers'))
    .option('--dry-run', 'show what would change, and change nothing')
    .option('--undo', 'take the wrapper away again')
    .action(run);
}

function run(clients: string[], flags: WrapConfigFlags): void {
  const launcher: Launcher = { command: process.execPath, args: [PROGRAM] };
  const configs = wanted(clients, flags);
  if (configs.length === 0) {
    say('no configuration of a client was found; name one with --file');
    return;
  }
  for (const { client, file, maps } of configs) {
    const plan = flags.undo ? planUndo(file, maps) : planWrap(file, maps, launcher);
    tell(client, plan, flags);
  }
}

function wanted(clients: readonly string[], { file, key, project }: WrapConfigFlags): ClientConfig[] {
  if (file !== undefined) return [{ client: 'file', file: resolve(file), maps: [[key]] }];
  const unknown = clients.find((client) => !(CLIENTS as readonly string[]).includes(client));
  if (unknown !== undefined) {
    throw new AppError('usage', `there is no client ${JSON.stringify(unknown)}; there are ${CLIENTS.join(', ')}`);
  }
  const places = {
    home: homedir(),
    project: resolve(project),
    platform: process.platform,
    appdata: process.env.APPDATA,
  };
  return clientConfigs(places).filter(
    (each) => (clients.length === 0 || clients.includes(each.client)) && existsSync(each.file),
  );
}

function tell(client: string, plan: Planned, { dryRun, undo }: WrapConfigFlags): void {
  const { file, before, text, changed, left } = plan;
  const same = before === text;
  if (dryRun && !same) {
    // Without lines around it: these may hold keys of servers.
    const patch = createTwoFilesPatch(file, file, before, text, undefined, undefined, { context: 0 });
    print(patch.split('\n').map(inert).join('\n'));
  }
  if (!dryRun && !same) plan.apply();
  const verb = undo ? 'unwrapped' : 'wrapped';
  const names = changed.length === 0 ? 'nothing' : changed.join(', ');
  say(inert(`${client} ${file}: ${dryRun && !same ? 'would be ' : ''}${verb}: ${names}`));
  for (const { name, why } of left) say(inert(`  ${name} ${why}`));
}
