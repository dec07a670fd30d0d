// biome-ignore-all lint/suspicious/noTemplateCurlyInString: sources are searched for templates here
/** Rules of the program's SQL that no compiler knows, checked on its sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['core', 'ingest', 'detectors', 'api', 'cli'];
const SCHEMA = join(ROOT, 'core/store/schema');

/** Files that may name the base tables `events` and `content`, which hold rows that were not committed. */
const BASE_TABLES: Record<string, string> = {
  'core/store/tables.ts': 'the columns of inserts',
  'core/store/queries/committed.ts': 'holds the one way in which readers name the tables: below the head',
  'core/store/queries/head.ts': 'removes what a crash left above the head, which views do not show',
  'core/store/queries/takeover.ts':
    'reads the ids of records below the head, where a row that stands twice does no harm',
  'core/store/queries/records.ts': 'verification and export read rows as they are stored',
  'core/store/queries/erase.ts': 'erases content',
  'core/store/queries/record_rows.ts': 'verification reads rows as they are stored',
  'cli/demo/tamper.ts': 'plays the attacker of the demonstration',
};

/** Parts of SQL in small letters or calls that were looked at: each is made of constants of the program alone. */
const INTERPOLATED: Record<string, readonly string[]> = {
  'core/store/store.ts': [
    'sql', // what a query passes, or a statement and its FORMAT or SETTINGS
    'format',
    'query_ms_max / 1000',
    'table',
    'columns',
    'columnsOf(table)',
    'structureOf(table)',
    'settings',
    'inlineParams(sql, params)',
  ],
  // Pieces of the program's own statements; the two names are checked where they come from.
  'core/store/cluster.ts': [
    'local(table)',
    'whole(table)',
    'columns',
    'replicated',
    'order',
    'rest.trimEnd()',
    'settings',
    'cluster.database',
    'cluster.name',
    'table',
    'shardingKey(order)',
    "whole(view[1] ?? '')",
    'view[2]',
    'everywhere(change)',
    'change',
    "local(deleted[1] ?? '')",
    "everywhere(deleted[2] ?? '')",
    "local(optimized[1] ?? '')",
    'optimized[2]',
  ],
  'core/store/bind.ts': ['hex', 'type.replaceAll("\'", "\'\'")'],
  'core/store/queries/head.ts': ['table', 'condition', 'where'],
  'core/store/queries/erase.ts': ['table'],
  'core/store/queries/retention.ts': ['table', 'column'],
  // Columns of the subject's table and placeholders; core/query/compile.test.ts shows that no text of a query is in it.
  'core/store/queries/sessions.ts': ['matching.sql'],
  'core/store/queries/alerts.ts': ['matching.sql'],
  'core/store/queries/suppressions.ts': ['matching.sql'],
  'core/store/queries/action_trail.ts': ['matching.sql'],
  'core/store/queries/events.ts': ['matching.sql', 'order'],
  'core/store/queries/records.ts': ['scoped(scope)'],
  'core/store/queries/takeover.ts': ['pairs'],
  // Made of constants and placeholders; rule_query.test.ts shows that no text of a rule reaches the statement.
  'detectors/sigma/sql/statement.ts': [
    'columns',
    'from',
    'where',
    'flags',
    'any',
    "[...keys, stretch].join(', ')",
    'names',
    'named',
    'stretch',
    'thinning.having',
  ],
  'detectors/sigma/sql/field_bounds.ts': ['condition', 'view', 'known'],
  'core/store/queries/record_rows.ts': [
    'scoped(scope)',
    'name',
    "EVENT_TEXTS.map((name) => `toUInt32(length(${name}))`).join(', ')",
    "EVENT_TEXTS.map((name) => `toString(${name})`).join(', ')",
  ],
};

/** Queries that bind no tenant, with the reason. Whoever calls them answers for the whole log. */
const LOG_WIDE: Record<string, string> = {
  readHeads: 'a head is of the whole log',
  readLatestSessions: 'detection restores the whole log',
  readToolListings: 'detection learns from the whole log',
  readAccessKeys: 'the guard knows all keys, of all tenants',
  readKnownAlerts: 'detection replays the whole log',
  readLastCheckpoint: 'a checkpoint is of the whole log',
  readCheckpointPage: 'a checkpoint is of the whole log',
  readNodesOfLevel: 'the tree is of the whole log',
  readHead: 'the head is of the whole log',
  sessionsAbove: 'the writer repairs what a crash left',
  removeAbove: 'the writer repairs what a crash left',
  readAbove: 'the writer repairs what a crash left',
  removeForeign: 'the writer repairs what a crash left',
  ABOVE: 'the writer repairs what a crash left',
  readCursor: 'a cursor is of the whole log',
  streamAlertRows: 'verification reads the whole log',
  streamActionRows: 'verification reads the whole log',
  streamSuppressedRows: 'verification reads the whole log',
  readSuppressions: 'detection looks findings of the whole log up',
  readFeedback: 'detection weighs findings of the whole log; verdicts are joined to alerts within their tenant',
  streamKeyRows: 'verification reads the whole log',
  EVENT_SQL: 'verification reads the whole log, or one session of one tenant',
  CONTENT_SQL: 'verification reads the whole log, or one session of one tenant',
  streamSessionRows: 'verification reads the whole log, or one session of one tenant',
  streamLeafRows: 'leaves have no tenant',
  streamNodeRows: 'nodes have no tenant',
  readLeaves: 'leaves have no tenant',
  readStored: 'leaves and nodes have no tenant',
  readOpenGaps: 'the writer takes the whole log over',
  readRecentSessions: 'the writer takes the whole log over',
  readHorizon: 'the writer takes the whole log over',
  readTail: 'the writer takes the whole log over',
  readConfiguration: 'the configuration is of the whole log',
  readSessionsEvents: 'the writer repairs the sessions that a crash touched, by pairs of tenant and session',
  readParts: 'the writer compares repeated ids, which are taken by tenant before',
  readEventRange: 'detection reads the whole log in its order',
  streamObservations: 'detection rebuilds what the correlators of the whole log knew',
  readActions: 'what is read from the records of the whole log at a start',
  readAlertsBetween: 'the outbox reads the whole log in its order',
  readWaiting: 'a subscription may be for all tenants',
  countWaiting: 'the deliverer knows what waits in the whole log',
  readErasures: 'the writer remembers erasures of the whole log',
  readTenants: 'retention goes through all tenants',
  inactiveParts: 'files of the store have no tenant',
};

const LOOKS_LIKE_SQL =
  /\b(SELECT|INSERT INTO|DELETE FROM|ALTER TABLE|CREATE (OR|TABLE|VIEW|MATERIALIZED)|DROP TABLE|OPTIMIZE TABLE|FORMAT)\s/;

interface Literal {
  text: string;
  at: number;
  /** The expressions in `${}` of a template. */
  parts: string[];
}

/** The strings and templates of a source, without those in comments. Templates inside of templates come out too. */
function literalsOf(source: string, base = 0): Literal[] {
  const found: Literal[] = [];
  const skip =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<=(?:[=(,:[!&|?{};\n]|\breturn)\s*)\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[dgimsuvy]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`/g;
  for (let match = skip.exec(source); match !== null; match = skip.exec(source)) {
    const [token] = match;
    if (token === '`') {
      const end = templateEnd(source, match.index + 1);
      const parts = partsOf(source.slice(match.index + 1, end - 1));
      found.push({ text: source.slice(match.index, end), at: base + match.index, parts });
      for (const part of parts) found.push(...literalsOf(part, base + match.index));
      skip.lastIndex = end;
    } else if (/^['"]/.test(token)) found.push({ text: token, at: base + match.index, parts: [] });
  }
  return found;
}

/** Where a template ends whose inside begins at `at`. */
function templateEnd(source: string, at: number): number {
  for (let i = at; i < source.length; i++) {
    if (source[i] === '\\') i++;
    else if (source[i] === '`') return i + 1;
    else if (source[i] === '$' && source[i + 1] === '{') i = partEnd(source, i + 2);
  }
  throw new Error('a template has no end');
}

/** Where the brace stands that ends an expression which begins at `at`. */
function partEnd(source: string, at: number): number {
  for (let i = at, depth = 0; i < source.length; i++) {
    if (source[i] === '`') i = templateEnd(source, i + 1) - 1;
    else if (source[i] === '{') depth++;
    else if (source[i] === '}' && depth-- === 0) return i;
  }
  throw new Error('an expression of a template has no end');
}

function partsOf(inside: string): string[] {
  const parts: string[] = [];
  for (let i = 0; i < inside.length; i++) {
    if (inside[i] === '\\') i++;
    else if (inside[i] === '$' && inside[i + 1] === '{') {
      const end = partEnd(inside, i + 2);
      parts.push(inside.slice(i + 2, end).trim());
      i = end;
    }
  }
  return parts;
}

interface Source {
  path: string;
  source: string;
  literals: Literal[];
}

const SOURCES: Source[] = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => {
      const full = join(ROOT, folder, file);
      const source = readFileSync(full, 'utf8');
      return { path: relative(ROOT, full).split(sep).join('/'), source, literals: literalsOf(source) };
    }),
);

const sqlOf = ({ literals }: Source) => literals.filter(({ text }) => LOOKS_LIKE_SQL.test(text));
const lineOf = (source: string, at: number) => source.slice(0, at).split('\n').length;

/** The function or constant at the left margin in which a place stands. */
function ownerOf(source: string, at: number): string {
  const owners = [...source.slice(0, at).matchAll(/^(?:export )?(?:async )?(?:function\*?|const|class) (\w+)/gm)];
  return owners.at(-1)?.[1] ?? '';
}

describe('the search for SQL in sources', () => {
  it('finds strings and templates with their parts, and nothing in comments', () => {
    const source = "/* `a` */ f(`b ${g(`c ${D}`)} e`, 'h'); // 'i'\nconst r = /[`']/; j(\"k\", `l ${ {m: 1} }`);";
    const found = literalsOf(source).map(({ text, parts }) => [text, ...parts]);
    expect(found).toEqual([
      ['`b ${g(`c ${D}`)} e`', 'g(`c ${D}`)'],
      ['`c ${D}`', 'D'],
      ["'h'"],
      ['"k"'],
      ['`l ${ {m: 1} }`', '{m: 1}'],
    ]);
  });

  it('finds the queries of the program', () => {
    expect(SOURCES.filter((each) => sqlOf(each).length > 0).length).toBeGreaterThan(8);
  });
});

describe('SQL', () => {
  it('names the tables of uncommitted rows only where that was looked at; readers use the views', () => {
    const wrong = SOURCES.flatMap((each) =>
      each.literals
        .filter(({ text }) => /\b(FROM|JOIN|INTO|TABLE|UPDATE)\s+`?(events|content)\b/i.test(text))
        .filter(({ text }) => LOOKS_LIKE_SQL.test(text) && BASE_TABLES[each.path] === undefined)
        .map(({ at }) => `${each.path}:${lineOf(each.source, at)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of readers names a table of records below the head, or a view that does', () => {
    const phrases = SOURCES.find(({ path }) => path === 'core/store/queries/committed.ts')?.literals ?? [];
    const tables = phrases.filter(({ text }) => /\b(events|content|alerts)\b.*\bWHERE\b/.test(text));
    expect(tables.length).toBeGreaterThan(3);
    for (const { text } of tables) expect(text).toMatch(/^`(events|content|alerts) .*WHERE \$\{BELOW_HEAD\}`$/);
  });

  it('is made of constants: nothing else is written into it, unless it was looked at', () => {
    const wrong = SOURCES.flatMap((each) =>
      sqlOf(each).flatMap(({ parts, at }) =>
        parts
          .filter((part) => !/^[A-Z][A-Z0-9_]*$/.test(part) && !INTERPOLATED[each.path]?.includes(part))
          .map((part) => `${each.path}:${lineOf(each.source, at)} \${${part}}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('is never put together with +', () => {
    const wrong = SOURCES.flatMap((each) =>
      sqlOf(each)
        .filter(({ text, at }) => {
          const before = each.source.slice(0, at).trimEnd();
          const after = each.source.slice(at + text.length).trimStart();
          return /[^+]\+$/.test(before) || /^\+[^+]/.test(after);
        })
        .map(({ at }) => `${each.path}:${lineOf(each.source, at)}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of a query binds a tenant, or the query is one that is known to be for a whole log', () => {
    const wrong = SOURCES.filter(({ path }) => path.startsWith('core/store/queries/')).flatMap((each) =>
      sqlOf(each)
        .filter(({ text }) => /\b(FROM|JOIN|DELETE)\b/.test(text) && !/\{tenants?:(Array\()?String/.test(text))
        .map(({ at }) => ({ owner: ownerOf(each.source, at), place: `${each.path}:${lineOf(each.source, at)}` }))
        .filter(({ owner }) => LOG_WIDE[owner] === undefined)
        .map(({ owner, place }) => `${place} ${owner}`),
    );
    expect(wrong).toEqual([]);
  });

  it('of the schema makes no materialized view, which would hold copies that no erasure reaches', () => {
    for (const file of readdirSync(SCHEMA)) {
      const statements = readFileSync(join(SCHEMA, file), 'utf8').replace(/--.*$/gm, '');
      expect(statements).not.toMatch(/MATERIALIZED\s+VIEW|PROJECTION/i);
    }
  });

  it('reaches the engine through the store alone: no other file loads a driver', () => {
    const drivers = /from '(@clickhouse\/\w+|chdb(\/\w+)?)'|import\('chdb/;
    const loading = SOURCES.filter(({ source }) => drivers.test(source)).map(({ path }) => path);
    expect(loading.sort()).toEqual(['core/store/store.ts', 'core/store/store_error.ts']);
  });
});
