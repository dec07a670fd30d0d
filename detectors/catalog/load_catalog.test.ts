import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCatalog } from './capabilities.ts';
import { CAPABILITIES } from './capability.ts';
import { faultText, loadCatalogFiles } from './load_catalog.ts';
import { toolKey } from './server_name.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderWith(files: Record<string, string | Buffer>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'catalog-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const override = (system: string, tool: string, capabilities: string) =>
  `system: ${system}\ntools:\n  - names: [${tool}]\n    capabilities: [${capabilities}]\n`;

describe('the shipped files', () => {
  it('all load, at least sixty of them, each called like its system', async () => {
    const { shipped, faults } = await loadCatalogFiles();
    expect(faults).toEqual([]);
    expect(shipped.length).toBeGreaterThanOrEqual(60);
    expect(new Set(shipped.map(({ system }) => system)).size).toBe(shipped.length);
  });

  it('hold known words only, and two spellings of one tool never say different things', async () => {
    const { shipped } = await loadCatalogFiles();
    for (const { system, names, packages, tools } of shipped) {
      expect([system, names.length + packages.length]).not.toEqual([system, 0]);
      const by_key = new Map<string, string>();
      for (const { tool, capabilities } of tools) {
        expect(capabilities.filter((word) => !CAPABILITIES.includes(word))).toEqual([]);
        const said = [...capabilities].sort().join();
        expect([system, tool, by_key.get(toolKey(tool)) ?? said]).toEqual([system, tool, said]);
        by_key.set(toolKey(tool), said);
      }
    }
  });

  it('call a tool destructive or sending only if it also writes, runs or fetches', async () => {
    const { shipped } = await loadCatalogFiles();
    const odd = shipped.flatMap(({ system, tools }) =>
      tools
        .filter(
          ({ capabilities: can }) => can.includes('destructive') && !can.includes('write') && !can.includes('exec'),
        )
        .map(({ tool }) => `${system}.${tool}`),
    );
    expect(odd).toEqual([]);
  });
});

describe('overrides', () => {
  it('hold for all tenants, or for the tenant that their folder names', async () => {
    const folder = await folderWith({
      'all.yaml': override('github', 'create_issue', 'write'),
      'acme/own.yaml': override('github', 'create_issue', 'write, auth'),
      'notes.txt': 'not read',
      '.hidden/own.yaml': override('github', 'create_issue', 'exec'),
    });
    const loaded = await loadCatalogFiles(folder);
    expect(loaded.faults).toEqual([]);
    expect([...loaded.tenants.keys()]).toEqual(['acme']);
    const catalog = createCatalog([], loaded);
    expect([...catalog.profile('github', 'create_issue', undefined, 'acme').capabilities]).toEqual(['write', 'auth']);
    expect(catalog.profile('github', 'create_issue', undefined, 'acme').basis).toBe('tenant');
    expect([...catalog.profile('github', 'create_issue', undefined, 'other').capabilities]).toEqual(['write']);
    expect(catalog.profile('github', 'create_issue').basis).toBe('operator');
  });

  it('that are faulty are refused with file, line and reason, and the others still load', async () => {
    const folder = await folderWith({
      'good.yaml': override('a', 'x', 'exec'),
      'bad.yaml': override('b', 'x', 'sending'),
      'binary.yaml': Buffer.from([0xff, 0xfe, 0x00]),
      'huge.yaml': `# ${'x'.repeat(300_000)}`,
      'acme/bad.yaml': 'system: c\n',
    });
    const { operator, tenants, faults } = await loadCatalogFiles(folder);
    expect(operator.map(({ system }) => system)).toEqual(['a']);
    expect(tenants.size).toBe(0);
    const told = faults.map((fault) => faultText({ ...fault, file: basename(fault.file) }));
    expect(told[0]).toMatch(/^bad\.yaml:4: tools\.0\.capabilities\.0: must be one of untrusted_source/);
    expect(told[1]).toBe('binary.yaml: is not UTF-8');
    expect(told[2]).toMatch(/^huge\.yaml:1: has 131073 bytes, more than 131072/);
    expect(told[3]).toMatch(/^bad\.yaml:1: tools: must be of type array/);
    expect(told).toHaveLength(4);
  });

  it('come from a folder that must be there', async () => {
    await expect(loadCatalogFiles('/nowhere/overrides')).rejects.toMatchObject({ code: 'catalog_invalid' });
  });

  it('are the operator’s risk, a faulty shipped file is an error', async () => {
    const shipped = await folderWith({ 'bad.yaml': 'system: B\n' });
    await expect(loadCatalogFiles(undefined, shipped)).rejects.toThrow(/bad\.yaml:1: system: must be 1 to 64/);
  });
});
