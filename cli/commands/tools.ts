/** `tracewarden tools list`: the tools that were called, and what they are taken to be able to do. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { print, printJson, say, table } from '../output.ts';

interface ListFlags extends CommonFlags {
  tenant?: string;
  unlisted?: boolean;
  limit?: string;
  all?: boolean;
}

interface ToolJson {
  server: string;
  tool: string;
  listed: boolean;
  basis: string;
  verb: string;
  capabilities: string[];
  system: string | null;
  calls: number;
  last_time: string;
}

export function toolsCommand(program: Command): void {
  const tools = program.command('tools').description('list tools, and what they are taken to be able to do');
  withBackend(tools.command('list', { isDefault: true }).description('list the tools that were called'))
    .option('--tenant <tenant>')
    .option('--unlisted', 'only those that no file of the catalog lists, which are judged by their words')
    .option('--limit <n>', 'rows a page', '500')
    .option('--all', 'every page')
    .action(list);
}

async function list(flags: ListFlags): Promise<void> {
  const { tenant, limit } = flags;
  await useLog(flags, async (backend) => {
    let cursor: string | undefined;
    const rows: ToolJson[] = [];
    do {
      const path = `/v1/tools${queryOf({ tenant, limit, cursor })}`;
      const page = await backend.json<{ tools: ToolJson[]; next_cursor: string | null }>('GET', path);
      rows.push(...page.tools.filter((tool) => flags.unlisted !== true || !tool.listed));
      if (flags.json) for (const tool of rows.splice(0)) printJson({ ...tool });
      cursor = page.next_cursor ?? undefined;
    } while (flags.all && cursor !== undefined);
    if (!flags.json) printTools(rows);
    if (cursor !== undefined) say('more tools follow; --all lists them, --limit N up to 1000 a page');
  });
}

function printTools(rows: readonly ToolJson[]): void {
  if (rows.length === 0) {
    say('no tool was called, or none that matches');
    return;
  }
  const cells = rows.map((row) => [
    row.server,
    row.tool,
    row.listed ? (row.system ?? '') : '-',
    row.basis,
    row.verb,
    row.capabilities.join(' '),
    String(row.calls),
    row.last_time.slice(0, 19).replace('T', ' '),
  ]);
  print(table(['server', 'tool', 'listed as', 'judged by', 'verb', 'can', 'calls', 'last call'], cells, 48));
  const gaps = rows.filter((row) => !row.listed).length;
  if (gaps > 0)
    print(pc.dim(`${gaps} of ${rows.length} are in no file of the catalog; see the setting catalog_folder`));
}
