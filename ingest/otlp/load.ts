/** Reads the folder of dialects, so that a new one is one new file and no edit elsewhere. */
import { readdir } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import type { Dialect } from './otlp_record.ts';

const DIALECTS = new URL('./dialects/', import.meta.url);
const DIALECT_FILE = /^([a-z0-9_]+)\.(?:ts|js)$/;

/** All dialects by name, the general ones last. Throws `dialect_invalid`. */
export async function loadDialects(folder: URL = DIALECTS): Promise<Dialect[]> {
  const files = (await readdir(folder)).filter((file) => DIALECT_FILE.test(file)).sort();
  const dialects: Dialect[] = [];
  for (const file of files) {
    const { default: dialect }: { default?: unknown } = await import(new URL(file, folder).href);
    if (!isDialect(dialect) || dialect.name !== DIALECT_FILE.exec(file)?.[1]) {
      throw new AppError('dialect_invalid', `${file} must export by default a dialect of that name`);
    }
    dialects.push(dialect);
  }
  return dialects.sort((a, b) => Number(a.general ?? false) - Number(b.general ?? false));
}

function isDialect(value: unknown): value is Dialect {
  const dialect = Object(value) as Partial<Dialect>;
  return typeof dialect.name === 'string' && typeof dialect.knows === 'function' && typeof dialect.read === 'function';
}
