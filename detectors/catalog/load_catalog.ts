/**
 * Reads the data files of the catalog: those that come with the program, and an operator's folder of overrides. There
 * `<folder>/*.yaml` holds for all tenants and `<folder>/<tenant>/*.yaml` for one. A faulty override is refused with its
 * place and the others still load; a faulty shipped file is an error.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError, messageOf } from '../../core/errors.ts';
import { CATALOG_FILE_LIMITS, type CatalogFault, type CatalogFile, parseCatalogFile } from './catalog_file.ts';

const SHIPPED = fileURLToPath(new URL('./servers/', import.meta.url));
const YAML_FILE = /^[^.].*\.ya?ml$/;
/** Of all folders together; further files are refused. */
const FILES_MAX = 2_000;
const TENANTS_MAX = 1_000;

/** What was read, and what was refused. The first three are what `createCatalog` takes. */
export interface LoadedCatalog {
  shipped: CatalogFile[];
  operator: CatalogFile[];
  tenants: Map<string, CatalogFile[]>;
  faults: CatalogFault[];
}

/** Reads the shipped files and, if a folder is given, the overrides in it. */
export async function loadCatalogFiles(overrides?: string, shipped = SHIPPED): Promise<LoadedCatalog> {
  const own = await readFolder(shipped, FILES_MAX);
  const [fault] = own.faults;
  if (fault !== undefined) throw new AppError('catalog_invalid', faultText(fault));
  const loaded: LoadedCatalog = { shipped: own.files, operator: [], tenants: new Map(), faults: [] };
  if (overrides === undefined) return loaded;
  let left = FILES_MAX;
  const take = async (folder: string): Promise<CatalogFile[]> => {
    const { files, faults } = await readFolder(folder, left);
    left -= files.length + faults.length;
    loaded.faults.push(...faults);
    return files;
  };
  loaded.operator = await take(overrides);
  const folders = (await entriesOf(overrides)).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  for (const { name } of folders.slice(0, TENANTS_MAX)) {
    const files = await take(join(overrides, name));
    if (files.length > 0) loaded.tenants.set(name, files);
  }
  if (folders.length > TENANTS_MAX) {
    loaded.faults.push({ file: overrides, line: 0, rule: `holds more than ${TENANTS_MAX} folders of tenants` });
  }
  return loaded;
}

/** A fault in one sentence, with file, line and rule. */
export function faultText({ file, line, rule }: CatalogFault): string {
  return `${file}${line > 0 ? `:${line}` : ''}: ${rule}`;
}

async function readFolder(
  folder: string,
  files_max: number,
): Promise<{ files: CatalogFile[]; faults: CatalogFault[] }> {
  const names = (await entriesOf(folder))
    .filter((entry) => entry.isFile() && YAML_FILE.test(entry.name))
    .map((entry) => entry.name)
    .sort();
  const files: CatalogFile[] = [];
  const faults: CatalogFault[] = [];
  for (const name of names.slice(0, files_max)) {
    const path = join(folder, name);
    const text = await readText(path, faults);
    if (text === undefined) continue;
    const parsed = parseCatalogFile(text, path);
    if ('file' in parsed) files.push(parsed.file);
    else faults.push(...parsed.faults);
  }
  if (names.length > files_max) faults.push({ file: folder, line: 0, rule: `files beyond ${files_max} are not read` });
  return { files, faults };
}

/** A file's text, read no further than one byte past the maximum. */
async function readText(path: string, faults: CatalogFault[]): Promise<string | undefined> {
  const { catalog_file_bytes_max } = CATALOG_FILE_LIMITS;
  try {
    const file = await open(path);
    try {
      const buffer = Buffer.alloc(catalog_file_bytes_max + 1);
      const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
      return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead));
    } finally {
      await file.close();
    }
  } catch (error) {
    const rule = error instanceof TypeError ? 'is not UTF-8' : `cannot be read: ${messageOf(error)}`;
    faults.push({ file: path, line: 0, rule });
    return undefined;
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    throw new AppError('catalog_invalid', `${folder}: ${messageOf(error)}`, { cause: error });
  }
}
