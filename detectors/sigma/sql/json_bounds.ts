/**
 * Values inside of a JSON document in SQL. The engine's reader sees a value by its path where every step leads through an
 * object. Where a list stands on the way, or the value is a list or an object, only the text of the document says what it
 * cannot hold; and a document that the engine's reader refuses, such as one with a whole number above 2^64, is let
 * through whatever it says.
 */
import type { Binds } from './binds.ts';
import { allOf, type Bounds, exactly, FALSE, TRUE } from './bounds.ts';
import { documentHint, numberTest, textBounds, type ValueCompare } from './text_test.ts';

/** Whether there is a value at a path of a document. */
export function jsonExists(doc: string, path: readonly string[], binds: Binds): Bounds {
  // The values of a whole document are looked for nowhere in particular.
  if (path.length === 0) return { may: `length(${doc}) > 2`, must: FALSE };
  const { text, type, uncertain } = reading(doc, path, binds);
  const sees = `if(${type} = 'String', ${text} != '', ${type} NOT IN ('Null', 'Array', 'Object'))`;
  return {
    may: allOf([hasKeys(doc, path, binds), `(${uncertain} OR ${sees})`]),
    must: sees,
  };
}

/** Whether a value at a path of a document satisfies a comparison. */
export function jsonHolds(doc: string, path: readonly string[], compare: ValueCompare, binds: Binds): Bounds {
  const hint = documentHint(doc, compare, binds);
  if (path.length === 0) return { may: hint, must: FALSE };
  const { text, type, number, uncertain } = reading(doc, path, binds);
  const of_text = textBounds(text, compare, binds);
  // Numbers and booleans are compared as texts too, but the engine need not write a number as JSON does.
  const of_other = compare.kind === 'number' ? exactly(numberTest(number, compare, binds)) : { may: TRUE, must: FALSE };
  const is_number = `${type} IN ('Int64', 'UInt64', 'Double')`;
  const seen = (which: keyof Bounds, other: string) =>
    `multiIf(${type} = 'String', ${allOf([`${text} != ''`, of_text[which]])}, ${is_number}, ${of_other[which]}, ${type} = 'Bool', ${other}, 0)`;
  const may_bool = compare.kind === 'number' ? FALSE : TRUE;
  return {
    may: allOf([hasKeys(doc, path, binds), hint, `(${uncertain} OR ${seen('may', may_bool)})`]),
    must: seen('must', FALSE),
  };
}

/** Every key on the way stands somewhere in the document as canonical JSON writes it. */
function hasKeys(doc: string, path: readonly string[], binds: Binds): string {
  return allOf(path.map((key) => `position(${doc}, ${binds.text(`${JSON.stringify(key)}:`)}) > 0`));
}

function reading(doc: string, path: readonly string[], binds: Binds) {
  const at = (length: number) => [doc, ...path.slice(0, length).map((key) => binds.text(key))].join(', ');
  const whole = at(path.length);
  const lists = path.slice(1).map((_key, before) => `JSONType(${at(before + 1)}) = 'Array'`);
  const type = `JSONType(${whole})`;
  return {
    text: `JSONExtractString(${whole})`,
    type,
    number: `JSONExtractFloat(${whole})`,
    uncertain: `(${[`NOT isValidJSON(${doc})`, `${type} IN ('Array', 'Object')`, ...lists].join(' OR ')})`,
  };
}
