import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Detector } from './detector.ts';
import { loadDetectors } from './load.ts';
import { runExample } from './run_examples.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const folders: string[] = [];

/** A copy of the detectors, with what they import, whose rules a test may change. */
async function copyOfRules(): Promise<URL> {
  const folder = await mkdtemp(join(tmpdir(), 'detectors-'));
  folders.push(folder);
  await cp(join(PROJECT, 'detectors'), join(folder, 'detectors'), { recursive: true });
  await cp(join(PROJECT, 'core'), join(folder, 'core'), { recursive: true });
  await symlink(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return pathToFileURL(join(folder, 'detectors/rules/'));
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const idsOf = (detectors: readonly Detector[]) => detectors.map((detector) => detector.metadata.id);

describe('loadDetectors', () => {
  it('reads every file of the folder, and nothing else decides which detectors there are', async () => {
    const all = await loadDetectors();
    for (const removed of all) {
      const folder = await copyOfRules();
      await rm(new URL(`${removed.metadata.id}.ts`, folder));
      const rest = await loadDetectors(folder);
      expect(idsOf(rest)).toEqual(idsOf(all).filter((id) => id !== removed.metadata.id));
      for (const example of removed.examples.filter((each) => each.fires)) {
        expect(runExample(all, removed.metadata.id, example).fires).toBe(true);
        expect(runExample(rest, removed.metadata.id, example).fires).toBe(false);
      }
    }
  });

  it('refuses a file whose detector has another id', async () => {
    const folder = await copyOfRules();
    await cp(new URL('secret_to_other_tool.ts', folder), new URL('another_name.ts', folder));
    await expect(loadDetectors(folder)).rejects.toMatchObject({ code: 'detector_misnamed' });
  });

  it('refuses a file that exports no detector', async () => {
    const folder = await copyOfRules();
    await writeFile(new URL('empty.ts', folder), 'export default {};\n');
    await expect(loadDetectors(folder)).rejects.toMatchObject({ code: 'detector_invalid' });
  });
});
