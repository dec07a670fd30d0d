/** Trees of queries about a subject, with values that are drawn from rows, and such as an attacker would write. */
import fc from 'fast-check';
import { LIMITS } from '../core/limits.ts';
import type { Field, QueryRow, Subject } from '../core/query/subject.ts';
import { depthOf, joinNodes, leavesOf, type Pattern, type QueryNode } from '../core/query/tree.ts';

const HOSTILE = [
  '',
  "'",
  '"',
  '\\',
  '%',
  '_',
  "x' OR 1=1 --",
  '{q0:String}',
  '\\%',
  'a*b',
  'and',
  'NOT',
  '(',
  'tool:x',
  '>= 3',
  'İ',
  'ß😀',
  ' a ',
  'WORDS',
  '$&',
];
const TIMES = [
  '2026-03-01',
  '2026-03-01T12:00Z',
  '2026-03-01T12:00:00Z',
  '2026-03-01T12:00:00.5+02:00',
  'now',
  'now-36h',
];
const OPERATORS = ['=', '>', '>=', '<', '<='] as const;

/** Texts that stand in the rows, whole and in part, and others. */
function texts(rows: readonly QueryRow[], name: string): fc.Arbitrary<string> {
  const there = rows.flatMap((row) => row[name] ?? []).filter((value): value is string => typeof value === 'string');
  const parts = there.flatMap((text) => [text.slice(0, 2), text.slice(-2), text.slice(1, 4)]);
  const known = [...new Set([...there, ...parts, ...HOSTILE])].map((text) => text.slice(0, 80).toWellFormed());
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...known) }, fc.string({ unit: 'grapheme', maxLength: 8 }));
}

/** A wildcard alone asks whether something is there, which is another node. Control characters need quotation marks. */
function patterns(text: fc.Arbitrary<string>): fc.Arbitrary<Pattern> {
  const exact = text.map((each): Pattern => [each]);
  const wild = fc
    .array(text, { minLength: 2, maxLength: 4 })
    .filter((parts) => parts.some((part) => part !== '') && parts.slice(1, -1).every((part) => part !== ''))
    .filter((parts) => parts.every((part) => !/\p{Cc}/u.test(part)))
    .map((parts) => parts as unknown as Pattern);
  return fc.oneof(exact, wild);
}

function leaves(name: string, field: Field, rows: readonly QueryRow[]): fc.Arbitrary<QueryNode> {
  const exists = fc.constant<QueryNode>({ kind: 'exists', field: name });
  const compared = (value: fc.Arbitrary<string | number>) =>
    fc.record({
      kind: fc.constant('compare' as const),
      field: fc.constant(name),
      op: fc.constantFrom(...OPERATORS),
      value,
    });
  const is = (text: fc.Arbitrary<Pattern>): fc.Arbitrary<QueryNode> =>
    text.map((each) => ({ kind: 'is', field: name, text: each }));
  switch (field.type) {
    case 'text':
    case 'list':
      return fc.oneof({ weight: 6, arbitrary: is(patterns(texts(rows, name))) }, exists);
    case 'words':
      return is(
        texts(rows, name)
          .filter((text) => /[a-z0-9]/i.test(text) && text.split(/\W+/).length < 8)
          .map((t) => [t]),
      );
    case 'number': {
      const known = rows.map((row) => Number(row[name])).filter(Number.isFinite);
      return fc.oneof(
        exists,
        compared(
          fc.oneof(
            fc.constantFrom(0, -1, 0.5, 70, ...known),
            fc.integer({ min: -5, max: Number.MAX_SAFE_INTEGER }),
            fc.constantFrom(1e-7, 2 ** 53 - 1),
          ),
        ),
      );
    }
    case 'time':
      return fc.oneof(exists, compared(fc.constantFrom(...TIMES)));
    case 'flag':
      return fc.boolean().map((value): QueryNode => ({ kind: 'compare', field: name, op: '=', value }));
    case 'choice': {
      const values = fc.constantFrom(...field.values);
      const wild = fc.tuple(values, fc.nat(), fc.nat()).map(([value, cut, more]): Pattern => {
        const at = 1 + (cut % value.length);
        return [value.slice(0, at), value.slice(at + (more % (value.length - at + 1)))];
      });
      const equal = fc.oneof(is(values.map((value): Pattern => [value])), is(wild), exists);
      const ordered = compared(values).filter(({ op }) => op !== '=');
      return field.ordered ? fc.oneof(equal, ordered) : equal;
    }
  }
}

const withinLimits = (tree: QueryNode) => {
  const all = leavesOf(tree);
  const wildcards = all.reduce((sum, each) => sum + ('text' in each ? each.text.length - 1 : 0), 0);
  return (
    depthOf(tree) <= LIMITS.query_depth_max &&
    all.length <= LIMITS.query_terms_max &&
    wildcards <= LIMITS.query_wildcards_max
  );
};

/** Trees as the parser makes them: nothing stands in a bracket of its own kind, and none is above a limit. */
export function arbitraryQuery(subject: Subject, rows: readonly QueryRow[]): fc.Arbitrary<QueryNode> {
  const searched = Object.entries(subject.fields).filter(([, field]) => field.searched);
  const word = fc
    .constantFrom(...searched.map(([name]) => name))
    .chain((name) => patterns(texts(rows, name)))
    .map((text): QueryNode => ({ kind: 'word', text }));
  const leaf = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.constantFrom(...Object.entries(subject.fields)).chain(([name, field]) => leaves(name, field, rows)),
    },
    { weight: 1, arbitrary: word },
    { weight: 1, arbitrary: fc.constant<QueryNode>({ kind: 'all' }) },
  );
  const { node } = fc.letrec<{ node: QueryNode }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      tie('node').map((part): QueryNode => ({ kind: 'not', part })),
      fc
        .record({ kind: fc.constantFrom('and', 'or'), parts: fc.array(tie('node'), { minLength: 2, maxLength: 3 }) })
        .map(({ kind, parts }) => joinNodes(kind as 'and' | 'or', parts)),
    ),
  }));
  return node.filter(withinLimits);
}
