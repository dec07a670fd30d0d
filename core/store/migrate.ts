/** Applies the numbered `.sql` files of `schema/` once each, in order, on the embedded engine and on a server alike. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../errors.ts';
import type { Store } from './store.ts';

const FOLDER = fileURLToPath(new URL('./schema/', import.meta.url));

export interface Migration {
  name: string;
  sha256: string;
  statements: string[];
}

/** The migrations in order. A statement ends with a semicolon at the end of a line. */
export function readMigrations(folder: string = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const statements = text.split(/;\s*$/m).filter((part) => part.replace(/^\s*--.*$/gm, '').trim() !== '');
      return { name, sha256: createHash('sha256').update(text).digest('hex'), statements };
    });
}

/**
 * Brings the store to the newest schema. Every statement may run twice, so a crash half way heals on the next start.
 * Throws `migration_changed` when a file differs from what was applied.
 */
export async function migrate(store: Store, migrations: readonly Migration[] = readMigrations()): Promise<string[]> {
  await store.command(
    `CREATE TABLE IF NOT EXISTS schema_migrations (name String, sha256 String, applied_at DateTime('UTC') DEFAULT now())
     ENGINE = ReplacingMergeTree ORDER BY name`,
  );
  const rows = await store.rows<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations FINAL');
  const applied = new Map(rows.map((row) => [row.name, row.sha256]));
  const done: string[] = [];
  for (const migration of migrations) {
    const before = applied.get(migration.name);
    if (before === migration.sha256) continue;
    if (before !== undefined) {
      throw new AppError('migration_changed', `${migration.name} is not the file that was applied to this store`);
    }
    for (const statement of migration.statements) await store.command(statement);
    await store.command('INSERT INTO schema_migrations (name, sha256) SELECT {name:String}, {sha256:String}', {
      name: migration.name,
      sha256: migration.sha256,
    });
    done.push(migration.name);
  }
  return done;
}
