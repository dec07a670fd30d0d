/** The rules of the house that a program can check. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['core', 'ingest', 'detectors', 'api', 'dashboards', 'cli', 'bench', 'test'] as const;

/** Which folders each folder may import from, beside itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  ingest: ['core'],
  detectors: ['core'],
  api: ['core', 'ingest', 'detectors', 'dashboards'],
  dashboards: ['core'],
  cli: ['core', 'ingest', 'detectors', 'api', 'dashboards'],
  bench: ['core', 'ingest', 'detectors', 'api', 'cli'],
  test: ['core', 'ingest', 'detectors', 'api', 'dashboards', 'cli', 'bench'],
};

/** Parts that read no file, no clock and no chance; with what they may still import. */
const PURE: readonly (readonly [pattern: RegExp, node_modules_allowed: readonly string[]])[] = [
  [/^core\/tlog\//, ['node:crypto', 'node:buffer']],
  [/^core\/json\//, ['node:buffer']],
  [/^core\/(session|groups|stored_event|core_record|event|event_examples|alert|limits)\.ts$/, ['node:buffer']],
  // The loaders read folders; unpacking is pure.
  [/^detectors\/(?!(?:\w+\/)?load(?:_\w+)?\.ts)/, ['node:crypto', 'node:buffer', 'node:zlib']],
  [
    /^ingest\/(sequencer|duplicate|derive_session|horizon|parse|cloudevents|encode)\.ts$/,
    ['node:crypto', 'node:buffer'],
  ],
];

interface Source {
  path: string;
  text: string;
  imports: string[];
}

function sources(): Source[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => {
        const path = join(folder, file);
        const text = readFileSync(join(ROOT, path), 'utf8');
        const imports = [
          ...text.matchAll(
            /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)import '([^']+)'/g,
          ),
        ];
        return { path, text, imports: imports.map((match) => match[1] ?? match[2] ?? match[3] ?? '') };
      }),
  );
}

const ALL = sources();
const isTest = ({ path }: Source) => /\.test\.ts$|^test\//.test(path);
const program = ALL.filter((source) => !isTest(source));
const folderOf = (path: string) => path.split('/')[0] ?? '';

it('has sources in every folder that is checked', () => {
  for (const folder of ['core', 'ingest', 'detectors', 'api', 'cli', 'bench', 'test']) {
    expect(ALL.some((source) => folderOf(source.path) === folder)).toBe(true);
  }
});

it('imports run one way: core, then ingest and detectors, then api, then cli', () => {
  const wrong = program.flatMap((source) =>
    source.imports
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(ROOT, resolve(ROOT, dirname(source.path), target)))
      .filter((target) => folderOf(target) !== folderOf(source.path) && target.includes('/'))
      .filter((target) => !MAY_IMPORT[folderOf(source.path)]?.includes(folderOf(target)))
      .map((target) => `${source.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

it('pure parts import nothing that reads a file, a clock, a network or chance', () => {
  const wrong = program.flatMap((source) => {
    const allowed = PURE.find(([pattern]) => pattern.test(source.path))?.[1];
    if (allowed === undefined) return [];
    return source.imports
      .filter((target) => target.startsWith('node:') && !allowed.includes(target))
      .map((target) => `${source.path} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

it('pure parts take no time and no chance from the outside', () => {
  const wrong = program
    .filter((source) => PURE.some(([pattern]) => pattern.test(source.path)))
    .filter((source) =>
      /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)|\brandomBytes\b|\bperformance\.now\(/.test(source.text),
    );
  expect(wrong.map((source) => source.path)).toEqual([]);
});

it('every source opens with a comment that says what it is for', () => {
  const wrong = ALL.filter(
    ({ text }) => !/^(#![^\n]*\n)?\s*\/\*\*/.test(text) && !/^import[\s\S]*?\n\n?\/\*\*/.test(text),
  );
  expect(wrong.filter((source) => !isTest(source)).map((source) => source.path)).toEqual([]);
});

it('files are named in snake_case', () => {
  const wrong = ALL.filter(({ path }) => !/^[a-z0-9_/]+(\.test)?\.tsx?$/.test(path));
  expect(wrong.map((source) => source.path)).toEqual([]);
});

it('nothing writes to the console but the command line', () => {
  const wrong = program.filter(
    ({ path, text }) => !/^(cli|bench)\//.test(path) && /\bconsole\.|process\.stdout/.test(text),
  );
  expect(wrong.map((source) => source.path)).toEqual([]);
});

it('no type is switched off and nothing is left for later in the text', () => {
  const marks = new RegExp(
    ['@ts-(ignore|nocheck|expect-error)', 'as any\\b', ': any(?=\\s*[;,)=>|\\]{]|$)', 'TO' + 'DO', 'FIX' + 'ME'].join(
      '|',
    ),
  );
  const wrong = ALL.filter(({ path, text }) => path !== 'test/tidy.test.ts' && marks.test(text));
  expect(wrong.map((source) => source.path)).toEqual([]);
});

it('every source stays below 450 lines', () => {
  const wrong = program.filter(({ text }) => text.split('\n').length > 450);
  expect(wrong.map((source) => source.path)).toEqual([]);
});
