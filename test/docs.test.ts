/** The documents tell the truth: links, commands, tables and examples are compared with the code, or run. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mayDo, PERMISSIONS } from '../api/auth/roles.ts';
import { problem } from '../api/problem.ts';
import { type Listening, listen } from '../cli/listen.ts';
import { openService, type Service } from '../cli/service.ts';
import { loadConfig } from '../core/config.ts';
import { AppError } from '../core/errors.ts';
import { ProducerEvent } from '../core/event.ts';
import { LIMITS } from '../core/limits.ts';
import { ROLES } from '../core/role.ts';
import { GapSessions, sessionOf } from '../ingest/derive_session.ts';
import { findingOf, raiseAlerts } from './support/raise_alerts.ts';

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const NOT_OURS = new Set(['node_modules', 'dist', '.git', 'data', '.cache']);

function markdownFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(PROJECT, path)] : [];
  });
}

const FILES = markdownFiles(PROJECT).sort();
const textOf = (file: string) => readFileSync(join(PROJECT, file), 'utf8');

/** Prose without code and comments. */
const proseOf = (file: string) =>
  textOf(file)
    .replace(/^```[\s\S]*?^```$/gm, '')
    .replace(/<!--[\s\S]*?-->/g, '');

interface Block {
  file: string;
  language: string;
  code: string;
  /** Of a block under `<!-- run: ... -->`: what it must print. */
  prints: string | undefined;
}

function blocksOf(file: string): Block[] {
  const fences = textOf(file).matchAll(/(?:^<!-- run: (.*) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...fences].map(([, prints, language = '', code = '']) => ({ file, language, code, prints }));
}

/** The cells of the table under `<!-- table: name -->`, code marks taken off. */
function tableOf(file: string, name: string): string[][] {
  const lines = textOf(file).split('\n');
  const at = lines.indexOf(`<!-- table: ${name} -->`);
  expect(at, `${file} has a table ${name}`).toBeGreaterThanOrEqual(0);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('|'));
  return lines.slice(at + 3, end < 0 ? lines.length : end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const WIRE = 'docs/wire-format.md';
const PLATFORM = 'docs/guides/platform.md';

describe('links', () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-');
  const anchorsOf = (file: string) =>
    [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading));

  it.each(FILES)('of %s lead to files and headings that are there', (file) => {
    for (const [, target = ''] of proseOf(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : join(dirname(file), path);
      expect(existsSync(join(PROJECT, found)), `${file} links to ${target}`).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(found), `${file} links to ${target}`).toContain(anchor);
    }
  });

  it.each(FILES)('and paths in %s name files that are there', (file) => {
    const named = /`((?:core|ingest|detectors|api|cli|bench|test|docs)\/[\w./-]+)`/g;
    // The recipe for a new detector names a file that is still to be made.
    const paths = [...proseOf(file).matchAll(named)]
      .map(([, path = '']) => path)
      .filter((path) => !path.includes('your_'));
    for (const path of paths) expect(existsSync(join(PROJECT, path)), `${file} names ${path}`).toBe(true);
  });
});

/** The words of each command in fenced blocks and inline code, up to a pipe or a redirection. */
function commandsIn(file: string, name: string): string[][] {
  const fenced = blocksOf(file).filter((block) => ['sh', 'bash', 'console'].includes(block.language));
  const inline = [...proseOf(file).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  const lines = [...fenced.flatMap((block) => block.code.split('\n')), ...inline];
  return lines
    .flatMap((line) => line.split(/\s(?:\||&&|;)\s/))
    .map((command) => command.trim().split(/\s+/))
    .filter((words) => words[0] === name && words.length > 1)
    .map((words) => {
      const end = words.findIndex((word) => /^[>#|]/.test(word));
      return end < 0 ? words : words.slice(0, end);
    });
}

describe('commands', () => {
  const known = new Map<string, { flags: Set<string>; commands: Set<string> }>();

  async function learn(path: readonly string[]): Promise<void> {
    const { stdout } = await run('node', ['--import', 'tsx', 'cli/main.ts', ...path, '--help'], { cwd: PROJECT });
    const flags = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = '']) => flag);
    const commands = stdout.split('Commands:\n')[1] ?? '';
    const names = [...commands.matchAll(/^ {2}([a-z-]+)/gm)]
      .map(([, name = '']) => name)
      .filter((each) => each !== 'help');
    known.set(path.join(' '), { flags: new Set(flags), commands: new Set(names) });
    for (const name of names) await learn([...path, name]);
  }

  beforeAll(() => learn([]), 120_000);

  const ours = FILES.flatMap((file) => commandsIn(file, 'tracewarden').map((words) => ({ file, words })));

  it('are written down at all', () => expect(ours.length).toBeGreaterThan(20));

  it('of tracewarden exist with all their flags', () => {
    for (const { file, words } of ours) {
      const where = `${file}: ${words.join(' ')}`;
      const path: string[] = [];
      for (const word of words.slice(1)) {
        if (!known.get(path.join(' '))?.commands.has(word)) break;
        path.push(word);
      }
      // What stands after `--` is another program's.
      const own = words.includes('--') ? words.slice(1, words.indexOf('--')) : words.slice(1);
      const flags = own.filter((word) => word.startsWith('--'));
      if (path.length === 0 && flags.every((flag) => ['--help', '--version'].includes(flag)) && flags.length > 0)
        continue;
      expect(path.length, `${where} names a command`).toBeGreaterThan(0);
      // Of a command with subcommands, `list` is the default.
      if ((known.get(path.join(' '))?.commands.size ?? 0) > 0) path.push('list');
      const allowed = known.get(path.join(' '))?.flags ?? new Set();
      for (const flag of flags) expect([...allowed], where).toContain(flag.split('=')[0]);
    }
  });

  it('of npm are scripts of the package', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    for (const file of FILES) {
      for (const [, verb = '', name] of commandsIn(file, 'npm')) {
        if (['ci', 'link'].includes(verb)) continue;
        const script = verb === 'run' ? (name ?? '') : verb;
        expect(Object.keys(scripts), `${file}: npm ${verb} ${name ?? ''}`).toContain(script);
      }
    }
  });
});

describe('tables', () => {
  it('list every limit with its value', () => {
    const shown = tableOf(WIRE, 'limits').map(([name, value]) => [name, value]);
    const real = Object.entries(LIMITS).map(([name, value]) => [
      name,
      typeof value === 'number' ? value.toLocaleString('en-US') : value,
    ]);
    expect(shown).toEqual(real);
  });

  it('mark the limits that shape the core as the code does', () => {
    const marked = tableOf(WIRE, 'limits')
      .filter(([, , what]) => what?.includes('*core*'))
      .map(([name]) => name);
    const lines = textOf('core/limits.ts').split('\n');
    const real = lines.filter((line) => /\/\/ core\b/.test(line)).map((line) => line.trim().split(':')[0]);
    expect(marked).toEqual(real);
  });

  it('list every role and permission', () => {
    const heading = textOf(PLATFORM)
      .split('\n')
      .find((line) => line.startsWith('| permission |'));
    expect(heading).toBe(`| permission | ${ROLES.join(' | ')} |`);
    const real = PERMISSIONS.map((permission) => [
      permission,
      ...ROLES.map((role) => (mayDo(role, permission) ? 'x' : '')),
    ]);
    expect(tableOf(PLATFORM, 'roles')).toEqual(real);
  });

  it('list every setting with its default and its variable', () => {
    const source = textOf('core/config.ts');
    const settings = [...source.matchAll(/^ {2}(\w+): z\./gm)].map(([, name = '']) => name);
    const variables = [...source.matchAll(/^ {2}([A-Z_]+): '(\w+)'/gm)].map(([, variable = '', name = '']) => [
      name,
      variable,
    ]);
    const defaults: Record<string, unknown> = loadConfig({}, {});
    const shownDefault = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value ?? ''));
    const real = settings.map((name) => [
      name,
      Object.fromEntries(variables)[name] ?? '',
      shownDefault(defaults[name]),
    ]);
    expect(tableOf(PLATFORM, 'settings').map((cells) => cells.slice(0, 3))).toEqual(real);
  });

  it('list every type of event with what it needs', () => {
    const real = ProducerEvent.options.map((option) => {
      const needed = Object.entries(option.shape).filter(([, field]) => !field.safeParse(undefined).success);
      const names = needed.map(([name]) => name).filter((name) => !['event_id', 'time', 'type'].includes(name));
      return [option.shape.type.value, names.sort().join(', ')];
    });
    const shown = tableOf(WIRE, 'types').map(([type, needs = '']) => [type, needs.split(', ').sort().join(', ')]);
    expect(shown).toEqual(real);
  });

  it('say in which order the fields name a session', () => {
    const rows = tableOf(WIRE, 'sessions');
    for (const [i, [, source]] of rows.entries()) {
      const fields = Object.fromEntries(rows.slice(i).map(([field = '']) => [field, 'x']));
      expect(sessionOf(new GapSessions(), fields, 'default', 0).source).toBe(source);
    }
    expect(sessionOf(new GapSessions(), {}, 'default', 0).source).toBe('gap');
  });

  it('give the status and the wait of every problem', async () => {
    for (const [code = '', status, wait] of tableOf(WIRE, 'problems')) {
      const app = new Hono().get('/', (c) => problem(c, new AppError(code, 'told')));
      const response = await app.request('/');
      expect([code, response.status, response.headers.get('retry-after') ?? '']).toEqual([code, Number(status), wait]);
    }
  });
});

describe('decisions', () => {
  const files = FILES.filter((file) => file.startsWith('docs/adr/'));

  it('are numbered without a gap', () => {
    const numbers = files.map((file) => Number(/\/(\d{4})-/.exec(file)?.[1]));
    expect(numbers).toEqual(files.map((_, i) => i + 1));
  });

  it.each(files)('%s says context, choice and cost on a page', (file) => {
    const text = textOf(file);
    expect(text).toMatch(/^# \d{4} /);
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(['Context', 'Choice', 'Cost']);
    expect(text.split('\n').length).toBeLessThan(70);
  });

  it('that the code names are there', () => {
    const sources = ['core/core_record.ts', 'core/store/store.ts'].map(textOf).join('\n');
    for (const [, number] of sources.matchAll(/docs\/adr\/(\d{4})/g)) {
      expect(
        files.some((file) => file.includes(`/${number}-`)),
        `decision ${number}`,
      ).toBe(true);
    }
  });
});

describe('words', () => {
  it('of the glossary are sorted, said once, and used in the architecture', () => {
    const terms = [...textOf('docs/GLOSSARY.md').matchAll(/^\| ([a-z][a-z -]*) \|/gm)]
      .map(([, term = '']) => term)
      .slice(1);
    expect(terms).toEqual([...new Set(terms)].sort());
    const architecture = textOf('docs/ARCHITECTURE.md').toLowerCase();
    for (const term of terms) expect(architecture, term).toMatch(new RegExp(`\\b${term}(?:s|es)?\\b`));
  });

  it('of the detector in the README are those of its file', () => {
    const [block] = blocksOf('README.md').filter(({ language }) => language === 'ts');
    const source = textOf('detectors/rules/secret_to_other_tool.ts');
    const lines = block?.code.split('\n').filter((line) => line.trim() !== '' && !line.includes('/*')) ?? [];
    expect(lines.length).toBeGreaterThan(30);
    for (const line of lines) expect(source).toContain(line);
  });
});

describe('a running service', () => {
  const data = mkdtempSync(join(tmpdir(), 'docs-'));
  let service: Service;
  let listening: Listening;
  const keys = new Map<string, string>();
  /** Later than the examples of the wire format, which begin right after the first key. */
  let makeResponder: () => Promise<string>;

  beforeAll(async () => {
    service = await openService({ config: loadConfig({ data, log_level: 'silent' }, {}) });
    listening = await listen(service.api.app, '127.0.0.1', 0);
    const make = (role: 'ingest' | 'responder') =>
      service.context.access.create({ name: role, role, tenant: 'default' }, 'test');
    keys.set('ingest', (await make('ingest')).key);
    makeResponder = async () => {
      await raiseAlerts(service.writer, [findingOf()]);
      return (await make('responder')).key;
    };
    await service.checkpoint();
  });

  afterAll(async () => {
    await listening.close();
    await service.close();
    rmSync(data, { recursive: true, force: true });
  });

  const openApi = async () => {
    const response = await service.api.app.request('http://localhost/v1/openapi.json');
    return (await response.json()) as {
      paths: Record<string, Record<string, { requestBody?: { content: Record<string, unknown> } }>>;
    };
  };

  it('has the routes and permissions of the table, and the documents name no other', () => {
    const real = service.api.declared.map(({ method, path, permission }) => [
      `${method.toUpperCase()} ${path}`,
      permission,
    ]);
    expect(tableOf(PLATFORM, 'routes').sort()).toEqual(real.sort());
    const patterns = service.api.declared.map(({ path }) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`));
    for (const file of FILES) {
      // Paths of other products stand under /api and /public.
      for (const [path] of textOf(file).matchAll(/(?<!\/api|\/public)\/v1\/[\w./{}-]*[\w}]/g)) {
        expect(
          patterns.some((pattern) => pattern.test(path)),
          `${file} names ${path}`,
        ).toBe(true);
      }
    }
  });

  it('takes the content types that are listed', async () => {
    const line = textOf(WIRE)
      .split('\n')
      .find((each) => each.startsWith('Content types:'));
    const shown = [...((line ?? '').split('Encodings')[0]?.matchAll(/`([^`]+)`/g) ?? [])].map(([, type]) => type);
    const { paths } = await openApi();
    expect(shown).toEqual(Object.keys(paths['/v1/events']?.post?.requestBody?.content ?? {}));
  });

  it('keeps its folder as the table says', () => {
    for (const [path = '', mode] of tableOf(PLATFORM, 'folder')) {
      expect([path, (statSync(join(data, path)).mode & 0o777).toString(8)]).toEqual([path, mode]);
    }
  });

  /** Each reads the example from the variable CODE. */
  const RUNNERS: Record<string, string> = {
    sh: 'bash -euo pipefail -c "$CODE"',
    python: 'python3 -c "$CODE"',
    go: 'd=$(mktemp -d); printf %s "$CODE" > "$d/main.go"; go run "$d/main.go"; rm -r "$d"',
  };
  /** What an example needs beside the service; where that is missing, it is skipped. */
  const needed = ({ language, code }: Block): string => {
    if (language === 'sh') return 'curl --version && gzip --version';
    if (language === 'go') return 'go version';
    return code.includes('import requests') ? 'python3 -c "import requests"' : 'python3 --version';
  };
  const marked = FILES.flatMap(blocksOf).filter((block) => block.prints !== undefined);
  const inOrder = [...marked.filter(({ file }) => file === WIRE), ...marked.filter(({ file }) => file !== WIRE)];
  const titled = inOrder.map((block, i) => ({
    ...block,
    title: `${block.file}, example ${i + 1} (${block.language})`,
  }));

  it.for(titled)('does what $title says', { timeout: 180_000 }, async (block, { skip }) => {
    const { file, language, code, prints = '' } = block;
    const { PATH, HOME } = process.env;
    const need = needed(block);
    const there = await run('bash', ['-c', need], { env: { PATH, HOME } }).then(
      () => true,
      () => false,
    );
    if (!there) skip(`this machine has not what it needs: ${need}`);
    const role = file === WIRE ? 'ingest' : 'responder';
    if (!keys.has(role)) keys.set(role, await makeResponder());
    const env = {
      PATH,
      HOME,
      no_proxy: '127.0.0.1',
      CODE: code,
      TRACEWARDEN_URL: listening.url,
      TRACEWARDEN_KEY: keys.get(role),
    };
    const { stdout } = await run('bash', ['-euc', RUNNERS[language] ?? 'false'], { env });
    expect(stdout).toContain(prints);
  });
});
