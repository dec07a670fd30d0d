/** Reads the folder of hook sources, so that a new one is one new file and no edit elsewhere. */
import { readdir } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import type { HookSource } from './hook_source.ts';

const HOSTS = new URL('./hosts/', import.meta.url);
const SOURCE_FILE = /^([a-z0-9_]+)\.(?:ts|js)$/;

/** All hook sources of a folder, by name. Throws `hook_source_invalid`. */
export async function loadHookSources(folder: URL = HOSTS): Promise<Map<string, HookSource>> {
  const files = (await readdir(folder)).filter((file) => SOURCE_FILE.test(file)).sort();
  const sources = new Map<string, HookSource>();
  for (const file of files) {
    const { default: source }: { default?: unknown } = await import(new URL(file, folder).href);
    const name = SOURCE_FILE.exec(file)?.[1]?.replaceAll('_', '-');
    if (!isHookSource(source) || source.name !== name) {
      throw new AppError('hook_source_invalid', `${file} must export a hook source named "${name}" by default`);
    }
    sources.set(source.name, source);
  }
  return sources;
}

function isHookSource(value: unknown): value is HookSource {
  const source = Object(value) as Partial<HookSource>;
  return typeof source.name === 'string' && typeof source.read === 'function' && typeof source.refusal === 'function';
}
