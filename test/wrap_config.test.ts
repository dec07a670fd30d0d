/** Configurations of MCP clients: the wrapper goes in front of their servers, and away again to the same bytes. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientConfigs } from '../cli/wrap_config/clients.ts';
import { planUndo, planWrap } from '../cli/wrap_config/config_file.ts';
import { unwrapText, wrapText } from '../cli/wrap_config/rewrite.ts';

const LAUNCHER = { command: '/usr/bin/node', args: ['/opt/tracewarden/dist/cli/tracewarden.js'] };
const MAPS = [['mcpServers']];
/** As people write them: comments, a trailing comma, their own order and spacing. */
const TEXT = `{
  // my servers
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ana/my project"],
      "env": { "TOKEN": "secret-value" } // keep
    },
    "bare": { "command": "uvx" },
    "remote": { "url": "https://mcp.example.com/mcp" },
  },
  "other":   [1,2,  3]
}
`;

let folder = '';
let file = '';
const wrapIt = (path = file) => {
  const plan = planWrap(path, MAPS, LAUNCHER);
  plan.apply();
  return plan;
};
const undoIt = (path = file) => planUndo(path, MAPS).apply();
const text = (path = file) => readFileSync(path, 'utf8');

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tracewarden-clients-')));
});
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  file = join(folder, 'mcp.json');
  writeFileSync(file, TEXT, { mode: 0o640 });
  chmodSync(file, 0o640);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('wrapping a text', () => {
  it('changes command and arguments of servers that are started, and nothing else', () => {
    const { text: after, changed, left } = wrapText(TEXT, MAPS, LAUNCHER);
    expect(changed).toEqual(['files', 'bare']);
    expect(left).toEqual([{ name: 'remote', why: 'is reached over HTTP' }]);
    expect(after).toContain('// my servers');
    expect(after).toContain('"env": { "TOKEN": "secret-value" } // keep');
    expect(after).toContain('"other":   [1,2,  3]');
  });

  it('starts the server that was there, behind its name', () => {
    const { text: after } = wrapText('{"mcpServers":{"my files":{"command":"npx","args":["-y","x"]}}}', MAPS, LAUNCHER);
    expect(JSON.parse(after)).toEqual({
      mcpServers: {
        'my files': {
          command: '/usr/bin/node',
          args: [LAUNCHER.args[0], 'wrap', '--name', 'my-files', '--', 'npx', '-y', 'x'],
        },
      },
    });
  });

  it('twice is the same as once', () => {
    const once = wrapText(TEXT, MAPS, LAUNCHER).text;
    const twice = wrapText(once, MAPS, LAUNCHER);
    expect(twice.text).toBe(once);
    expect(twice.changed).toEqual([]);
  });

  it('finds the servers of projects', () => {
    const of = JSON.stringify({ projects: { '/a': { mcpServers: { x: { command: 'c' } } }, '/b': {} } });
    const { changed } = wrapText(of, [['mcpServers'], ['projects', '*', 'mcpServers']], LAUNCHER);
    expect(changed).toEqual(['x']);
  });

  it.each([
    ['no JSON', '{"mcpServers": ', /line 1/],
    ['a list', '[]', /no JSON object/],
    ['servers that are no object', '{"mcpServers": []}', /no object/],
    ['a server that is no object', '{"mcpServers": {"x": 5}}', /no object/],
    ['a server that is there twice', '{"mcpServers": {"x": {"command":"a"}, "x": {"command":"b"}}}', /twice/],
    ['a member that is there twice', '{"mcpServers": {"x": {"command":"a","command":"b"}}}', /twice/],
  ])('is refused for %s', (_, of, why) => {
    expect(() => wrapText(of, MAPS, LAUNCHER)).toThrow(why);
  });

  it('leaves what it does not understand as it is', () => {
    const of = '{"mcpServers":{"a":{"command":["npx"]},"b":{"command":"x","args":[1]},"c":{}}}';
    const { text: after, left } = wrapText(of, MAPS, LAUNCHER);
    expect(after).toBe(of);
    expect(left.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('keeps a byte order mark, tabs and line ends of Windows', () => {
    const of = '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"a": {\r\n\t\t\t"command": "x"\r\n\t\t}\r\n\t}\r\n}\r\n';
    const { text: after } = wrapText(of, MAPS, LAUNCHER);
    expect(after.startsWith('\ufeff{\r\n\t"mcpServers"')).toBe(true);
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('and taking away again gives the same values, for any names, commands and arguments', () => {
    const word = fc.string({ unit: 'grapheme' });
    const server = fc.record(
      { command: word, args: fc.array(word), env: fc.dictionary(word, word), disabled: fc.boolean() },
      { requiredKeys: ['command'] },
    );
    fc.assert(
      fc.property(fc.dictionary(word, server), fc.constantFrom(undefined, 2, '\t'), (servers, indent) => {
        const of = JSON.stringify({ before: 1, mcpServers: servers, after: { x: [] } }, null, indent);
        const wrapped = wrapText(of, MAPS, LAUNCHER);
        const back = unwrapText(wrapped.text, MAPS);
        const plain = (json: string) =>
          JSON.parse(json, (key, value: unknown) =>
            key === 'args' && Array.isArray(value) && value.length === 0 ? undefined : value,
          ) as unknown;
        expect(plain(back.text)).toEqual(plain(of));
        expect(wrapText(wrapped.text, MAPS, LAUNCHER).text).toBe(wrapped.text);
      }),
    );
  });
});

describe('a file', () => {
  it('is taken back to the same bytes, and no trace stays', () => {
    wrapIt();
    expect(text()).not.toBe(TEXT);
    undoIt();
    expect(text()).toBe(TEXT);
    expect(readdirSync(folder)).toEqual(['mcp.json']);
  });

  it('keeps its mode; the copy of before is for its owner alone', () => {
    wrapIt();
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(statSync(`${file}.tracewarden-backup`).mode & 0o777).toBe(0o600);
  });

  it('that is wrapped again stays as it is, and goes back to the first bytes all the same', () => {
    wrapIt();
    const once = text();
    wrapIt();
    expect(text()).toBe(once);
    undoIt();
    expect(text()).toBe(TEXT);
  });

  it('that was edited since keeps the edits when the wrapper goes', () => {
    wrapIt();
    writeFileSync(file, text().replace('"other"', '"mine": true,\n  "other"'));
    undoIt();
    const after = text();
    expect(after).toContain('"mine": true');
    expect(after).not.toContain('tracewarden');
    expect(after).toContain('"uvx"');
  });

  it('to which a server was added is wrapped whole, and goes back to all servers without the wrapper', () => {
    wrapIt();
    writeFileSync(file, text().replace('"remote"', '"fresh": { "command": "new-server" },\n    "remote"'));
    expect(wrapIt().changed).toEqual(['fresh']);
    undoIt();
    expect(text()).not.toContain('tracewarden');
    expect(text()).toContain('"new-server"');
  });

  it('behind a link is written where it lies, and the link stays one', () => {
    const link = join(folder, 'link.json');
    symlinkSync(file, link);
    wrapIt(link);
    expect(readFileSync(file, 'utf8')).toContain('tracewarden.js');
    expect(realpathSync(link)).toBe(file);
  });

  it('that somebody else wrote in the meantime is not touched', () => {
    const plan = planWrap(file, MAPS, LAUNCHER);
    writeFileSync(file, '{"mcpServers":{}}');
    expect(() => plan.apply()).toThrow(/somebody else/);
    expect(text()).toBe('{"mcpServers":{}}');
    expect(existsSync(`${file}.tracewarden-backup`)).toBe(false);
  });

  it('that is not UTF-8 is refused', () => {
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    expect(() => planWrap(file, MAPS, LAUNCHER)).toThrow(/mcp\.json/);
  });

  it('with a copy of before that is none of ours is refused', () => {
    writeFileSync(`${file}.tracewarden-backup`, 'something');
    expect(() => planWrap(file, MAPS, LAUNCHER)).toThrow(/no backup of this program/);
  });
});

describe('the places of clients', () => {
  it.each([
    [
      'darwin',
      '/Users/ana/Library/Application Support/Claude/claude_desktop_config.json',
      '/Users/ana/Library/Application Support/Code/User/mcp.json',
    ],
    ['linux', '/Users/ana/.config/Claude/claude_desktop_config.json', '/Users/ana/.config/Code/User/mcp.json'],
  ] as const)('are those of %s', (platform, desktop, code) => {
    const all = clientConfigs({ home: '/Users/ana', project: '/work', platform, appdata: undefined });
    const files = all.map((each) => each.file);
    expect(files).toContain(desktop);
    expect(files).toContain(code);
    expect(files).toContain('/Users/ana/.cursor/mcp.json');
    expect(files).toContain('/work/.vscode/mcp.json');
    expect(all.find((each) => each.file === '/work/.vscode/mcp.json')?.maps).toEqual([['servers']]);
  });
});

describe('the command', () => {
  const run = (...args: string[]) =>
    execFileSync('node', ['dist/cli/main.js', 'wrap-config', ...args], {
      env: { ...process.env, HOME: folder, NO_COLOR: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('shows with --dry-run what would change, without the lines around it, and changes nothing', () => {
    const shown = run('--file', file, '--dry-run');
    expect(shown).toContain('+');
    expect(shown).toContain('tracewarden.js');
    expect(shown).not.toContain('secret-value');
    expect(text()).toBe(TEXT);
  });

  it('wraps what it finds in the home folder, and undoes it', () => {
    mkdirSync(join(folder, '.cursor'));
    const cursor = join(folder, '.cursor', 'mcp.json');
    writeFileSync(cursor, TEXT);
    run('--project', folder);
    expect(readFileSync(cursor, 'utf8')).toContain('"wrap"');
    run('--project', folder, '--undo');
    expect(readFileSync(cursor, 'utf8')).toBe(TEXT);
  });

  it('says which clients there are for one that is not known', () => {
    expect(() => run('emacs')).toThrow(/claude-desktop, claude-code, cursor, vscode, windsurf/);
  });
});
