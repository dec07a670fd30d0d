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

/** The migrations in order. */
export function readMigrations(folder: string = FOLDER): Migration[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      return { name, sha256: createHash('sha256').update(text).digest('hex'), statements: splitStatements(text) };
    });
}

/** A comment, or a piece of SQL in which a semicolon and two dashes mean nothing, or a semicolon. */
const PIECE = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|;/g;

/** The statements of a file, without its comments and semicolons. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let statement = '';
  let from = 0;
  for (const { 0: piece, index } of text.matchAll(PIECE)) {
    statement += text.slice(from, index);
    from = index + piece.length;
    if (piece === ';') {
      statements.push(statement);
      statement = '';
    } else if (piece.startsWith('--') || piece.startsWith('/*')) statement += ' ';
    else statement += piece;
  }
  statements.push(statement + text.slice(from));
  return statements.map((each) => each.trim()).filter((each) => each !== '');
}

/**
 * Brings the store to the newest schema. Every statement may run twice, so a crash half way heals on the next start.
 * Throws `migration_changed` when a file differs from what was applied, before it changes anything.
 */
export async function migrate(store: Store, migrations: readonly Migration[] = readMigrations()): Promise<string[]> {
  await store.command(
    `CREATE TABLE IF NOT EXISTS schema_migrations (name String, sha256 String, applied_at DateTime('UTC') DEFAULT now())
     ENGINE = ReplacingMergeTree ORDER BY name`,
  );
  const rows = await store.rows<{ name: string; sha256: string }>('SELECT name, sha256 FROM schema_migrations FINAL');
  const applied = new Map(rows.map((row) => [row.name, row.sha256]));
  for (const { name, sha256 } of migrations) {
    if ((applied.get(name) ?? sha256) === sha256) continue;
    throw new AppError('migration_changed', `${name} is not the file that was applied to this store`);
  }
  const done: string[] = [];
  for (const { name, sha256, statements } of migrations) {
    if (applied.has(name)) continue;
    for (const statement of statements) await store.command(statement);
    await store.command('INSERT INTO schema_migrations (name, sha256) SELECT {name:String}, {sha256:String}', {
      name,
      sha256,
    });
    done.push(name);
  }
  return done;
}
