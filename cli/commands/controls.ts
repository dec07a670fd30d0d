/** `tracewarden controls`: what the log of a period says about the controls of a framework. */
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Assessment } from '../../api/compliance/assessment.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { inert, print, printJson, say, table } from '../output.ts';

interface ControlFlags extends CommonFlags {
  framework?: string;
  from?: string;
  to?: string;
  tenant?: string;
  report?: string;
}

const CELL_CHARS = 90;

/** Adds `controls`. */
export function controlsCommand(program: Command): void {
  withBackend(program.command('controls').description('what the log of a period says about controls of a framework'))
    .option('--framework <id>', 'without it, the frameworks that there are')
    .option('--from <time>', 'RFC 3339, of arrival (default: 30 days before)')
    .option('--to <time>', 'RFC 3339 (default: now)')
    .option('--tenant <tenant>')
    .option('--report <file>', 'write the report as a page to print; never over a file that is there')
    .action(run);
}

async function run(flags: ControlFlags): Promise<void> {
  const { framework, from, to, tenant } = flags;
  await useLog(flags, async (backend) => {
    if (framework === undefined) {
      const { frameworks } = await backend.json<{ frameworks: { id: string; title: string; controls: number }[] }>(
        'GET',
        '/v1/frameworks',
      );
      if (flags.json) for (const each of frameworks) printJson({ ...each });
      else
        print(
          table(
            ['framework', 'title', 'controls'],
            frameworks.map((f) => [f.id, f.title, String(f.controls)]),
            CELL_CHARS,
          ),
        );
      return;
    }
    const query = queryOf({ framework, from, to, tenant });
    if (flags.report !== undefined) {
      const response = await backend.call('GET', `/v1/controls/report${query}`);
      writeReport(flags.report, await response.text());
      return;
    }
    const assessment = await backend.json<Assessment>('GET', `/v1/controls${query}`);
    if (flags.json) printJson({ ...assessment });
    else show(assessment);
  });
}

function writeReport(path: string, page: string): void {
  try {
    writeFileSync(path, page, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new AppError('file_unwritable', `${path}: ${messageOf(error)}`, { cause: error });
  }
  say(`${path}: open it in a browser to read or to print it`);
}

function show({ framework, from, to, gaps, indicators, controls }: Assessment): void {
  print(inert(`${framework.title}, ${from} to ${to}`));
  const number = (value: number | null) => (value === null ? 'none' : String(value));
  print('');
  print(
    table(
      ['what limits the picture', 'count'],
      gaps.map(({ about, value }) => [about, number(value)]),
      CELL_CHARS,
    ),
  );
  print('');
  const shown = indicators.map(({ title, unit, value, before, above_threshold }) => [
    title,
    `${number(value)}${above_threshold ? ' (look)' : ''}`,
    number(before),
    unit,
  ]);
  print(table(['indicator', 'now', 'before', 'unit'], shown, CELL_CHARS));
  print('');
  const rows = controls.map(({ id, title, evidence, observations }) => [
    id,
    evidence === 'none'
      ? 'NO EVIDENCE'
      : observations.map(({ measure, value }) => `${measure} ${number(value)}`).join(', '),
    title,
  ]);
  print(table(['control', 'observed', 'title'], rows, CELL_CHARS));
  say('observed, not judged: whether a control is satisfied is for an auditor to say');
}
