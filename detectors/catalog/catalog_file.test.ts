import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATALOG_FILE_LIMITS, type CatalogFile, parseCatalogFile } from './catalog_file.ts';

const GOOD = `system: ledger
title: The ledger
names: [ledger, my ledger]
packages: ['@acme/ledger-mcp']
tools:
  - names: [book_entry]
    capabilities: [write]
    destinations: [target.account]
    audience: team
  - names: [show_entries, find_entry]
    capabilities: [sensitive_read]
    untrusted: [memo]
    sources: [query]
`;

function file(text: string): CatalogFile {
  const parsed = parseCatalogFile(text, 'a.yaml');
  if (!('file' in parsed)) throw new Error(JSON.stringify(parsed.faults));
  return parsed.file;
}

function faults(text: string): string[] {
  const parsed = parseCatalogFile(text, 'a.yaml');
  return 'faults' in parsed ? parsed.faults.map((fault) => `${fault.file}:${fault.line}: ${fault.rule}`) : [];
}

describe('a catalog file', () => {
  it('becomes one entry for each tool', () => {
    const { system, names, packages, server_info, tools } = file(GOOD);
    expect({ system, names, packages, server_info }).toEqual({
      system: 'ledger',
      names: ['ledger', 'my ledger'],
      packages: ['@acme/ledger-mcp'],
      server_info: [],
    });
    expect(tools).toEqual([
      { tool: 'book_entry', capabilities: ['write'], destinations: ['target.account'], audience: 'team' },
      ...['show_entries', 'find_entry'].map((tool) => ({
        tool,
        capabilities: ['sensitive_read', 'untrusted_source'],
        sources: ['query'],
        untrusted_fields: ['memo'],
        sensitivity: 'confidential',
      })),
    ]);
  });

  it('takes secrets for secret where it says nothing else', () => {
    const text = 'system: s\ntools: [{ names: [a], capabilities: [secret_read] }]';
    expect(file(text).tools[0]?.sensitivity).toBe('secret');
  });

  it.each([
    [
      'a word that is no capability',
      GOOD.replace('[write]', '[wirte]'),
      'a.yaml:7: tools.0.capabilities.0: must be one of',
    ],
    [
      'a setting that does not exist',
      GOOD.replace('audience:', 'audince:'),
      'a.yaml:6: tools.0: holds what does not exist: audince',
    ],
    ['another type', GOOD.replace('[book_entry]', 'book_entry'), 'a.yaml:6: tools.0.names: must be of type array'],
    ['no tools', 'system: a\ntools: []\n', 'a.yaml:2: tools: '],
    ['a list instead of a file', '- a\n- b\n', 'a.yaml:1: the file: must be of type object'],
    ['nothing at all', '', 'a.yaml:1: the file: must be of type object'],
    [
      'a tool that is named twice',
      GOOD.replace('find_entry', 'book_entry'),
      'a.yaml:10: tools.1.names.1: is named twice',
    ],
    [
      'control characters',
      'system: a\ntools: [{ names: ["a\\u0000b"], capabilities: [] }]',
      'a.yaml:2: tools.0.names.0: ',
    ],
    ['broken YAML', 'system: a\ntools: [}\n', 'a.yaml:2: is not YAML'],
    ['one key twice', 'system: a\nsystem: b\ntools: []\n', 'a.yaml:2: is not YAML (DUPLICATE_KEY)'],
    ['a system name with a slash', GOOD.replace('system: ledger', 'system: ../x'), 'a.yaml:1: system: must be'],
    [
      'sensitivity in other words',
      GOOD.replace('sources: [query]', 'sensitivity: high'),
      'a.yaml:13: tools.1.sensitivity: ',
    ],
  ])('is refused with file, line and rule for %s', (_, text, start) => {
    const [first = 'no fault'] = faults(text);
    expect(first.slice(0, start.length)).toBe(start);
  });

  it('does not repeat in a fault what stands in the file', () => {
    const told = faults(GOOD.replace('[write]', '[hunter2-is-my-password]')).join('\n');
    expect(told).not.toBe('');
    expect(told).not.toContain('hunter2');
  });

  it('is refused when it uses aliases, so that none can grow', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 9; at++) {
      const [name, before] = ['abcdefghi'[at], 'abcdefghi'[at - 1]];
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    expect(faults(bomb.join('\n'))).toEqual(['a.yaml:1: must be plain YAML without aliases, merges and tags']);
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(50_000)],
    ['indentation', Array.from({ length: 400 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')],
  ])('is refused when it nests too deep, by %s', (_, text) => {
    expect(faults(text)[0]).toMatch(/nests deeper than 32/);
  });

  it('is refused when it is too large or names too many tools', () => {
    const { catalog_file_bytes_max, catalog_tools_max } = CATALOG_FILE_LIMITS;
    expect(faults(`# ${'x'.repeat(catalog_file_bytes_max)}`)[0]).toMatch(/bytes, more than 131072/);
    const list = (from: number) => Array.from({ length: catalog_tools_max }, (_, at) => `t${from + at}`).join(', ');
    const text = `system: a\ntools:\n  - {names: [${list(0)}], capabilities: []}\n  - {names: [${list(5_000)}], capabilities: []}\n`;
    expect(faults(text)[0]).toBe(`a.yaml:4: tools: must not name more than ${catalog_tools_max} tools`);
  });

  it('never throws and never takes long, whatever the text', () => {
    const piece = fc.constantFrom(
      'system: a\n',
      'tools:\n',
      '  - names: [a]\n',
      '    capabilities: []\n',
      '&x ',
      '*x ',
      '<<: ',
    );
    const text = fc.array(
      fc.oneof(piece, fc.string({ maxLength: 20 }), fc.constantFrom('\t', '{', '[', '? ', '!!map ', '|\n')),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const parsed = parseCatalogFile(parts.join(''), 'a.yaml');
        expect('file' in parsed || parsed.faults.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
