/** `tracewarden tools`: the tools that were called and what they are taken to be able to do, and what roles were granted. */
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import pc from 'picocolors';
import { AppError, messageOf } from '../../core/errors.ts';
import {
  type Grants,
  grantedAgainstUsed,
  nameOf,
  type RoleGrants,
  type RoleTool,
} from '../../detectors/tools/granted_against_used.ts';
import { parseGrants } from '../../detectors/tools/grants_file.ts';
import { type Backend, queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

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
  withBackend(tools.command('used').description('for each role, the tools it was granted beside those it used'))
    .option('--tenant <tenant>')
    .option(
      '--granted <file>',
      'YAML: under each role a list of globs over server/tool; without it, what servers listed',
    )
    .action(used);
}

interface UsedFlags extends CommonFlags {
  tenant?: string;
  granted?: string;
}

const GRANTS_BYTES_MAX = 1_048_576;
const PAGE_ROWS = 1_000;
/** Rows of roles and tools that one report takes in. */
const ROWS_MAX = 200_000;

async function used(flags: UsedFlags): Promise<void> {
  const grants = flags.granted === undefined ? undefined : readGrants(flags.granted);
  await useLog(flags, async (backend) => {
    const roles = grantedAgainstUsed(await roleTools(backend, flags.tenant), grants);
    if (flags.json) for (const role of roles) printJson({ ...role });
    else printRoles(roles);
  });
}

function readGrants(file: string): Grants {
  let text: string;
  try {
    const { size } = statSync(file);
    if (size > GRANTS_BYTES_MAX) {
      throw new AppError('grants_invalid', `${file} has ${size} bytes; grants have at most ${GRANTS_BYTES_MAX}`);
    }
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('grants_unreadable', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseGrants(text, file);
}

async function roleTools(backend: Backend, tenant: string | undefined): Promise<RoleTool[]> {
  const rows: RoleTool[] = [];
  let cursor: string | undefined;
  do {
    const path = `/v1/tools/used${queryOf({ tenant, limit: PAGE_ROWS, cursor })}`;
    const page = await backend.json<{ tools: RoleTool[]; next_cursor: string | null }>('GET', path);
    for (const row of page.tools) rows.push(row);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && rows.length < ROWS_MAX);
  if (cursor !== undefined) say(`the report takes in the first ${ROWS_MAX} pairs of role and tool; more follow`);
  return rows;
}

function printRoles(roles: readonly RoleGrants[]): void {
  if (roles.length === 0) {
    say('no tool was called or listed');
    return;
  }
  const cells = roles.flatMap(({ role, used: of_role, unused, not_granted }) => [
    ...not_granted.map((row) => usedCells(role, 'not granted', row)),
    ...of_role.map((row) => usedCells(role, 'used', row)),
    ...unused.map(({ grant, seen }) => [role || '-', seen ? 'never used' : 'never seen', grant, '0', '', '']),
  ]);
  print(table(['role', 'grant', 'server/tool', 'calls', 'first call', 'last call'], cells, 60));
  for (const { role, granted, used: of_role, not_granted } of roles) {
    const beyond = not_granted.length > 0 ? `; ${not_granted.length} used without a grant` : '';
    print(pc.dim(inert(`${role || 'no role'}: ${of_role.length} of ${granted} granted tools used${beyond}`)));
  }
}

function usedCells(role: string, grant: string, row: RoleTool): string[] {
  const when = (time: string | null): string => (time ?? '').slice(0, 19).replace('T', ' ');
  return [role || '-', grant, nameOf(row), String(row.calls), when(row.first_time), when(row.last_time)];
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
