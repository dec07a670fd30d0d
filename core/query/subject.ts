/** What can be asked about: a subject such as sessions, with a table of its fields, their types and their columns. */

interface Common {
  /** What it means, for the documents. */
  about: string;
  /** SQL over the subject's rows. A constant of the program: nothing of a query is ever in it. */
  column: string;
  /** Other names for it. */
  aliases?: readonly string[];
  /** May repeat what was said or done in a session: only for readers of content. */
  content?: true;
  /** Words without a field are looked for here. */
  searched?: true;
}

export type Field =
  | (Common & { type: 'text' | 'list' | 'number' | 'time' | 'flag' })
  /** One of a few values; with `ordered` they can be compared, the least comes first. */
  | (Common & { type: 'choice'; values: readonly string[]; ordered?: true })
  /** Words of a longer text. `column` is a condition with `WORDS` where the list of words is bound. */
  | (Common & { type: 'words' });

export interface Subject {
  name: string;
  about: string;
  fields: Readonly<Record<string, Field>>;
}

/** A row as the evaluator sees it, by names of fields: a time is milliseconds, a list holds texts. */
export type QueryRow = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** The field of a name or of another name for it. */
export function findField(subject: Subject, name: string): [string, Field] | undefined {
  const entries = Object.entries(subject.fields);
  return entries.find(([each, field]) => each === name || field.aliases?.includes(name));
}

/** Every name that a query may use. */
export function fieldNames(subject: Subject): string[] {
  return Object.entries(subject.fields).flatMap(([name, field]) => [name, ...(field.aliases ?? [])]);
}

/** A field of a tree that was made for this subject. */
export function fieldOf(subject: Subject, name: string): Field {
  const field = subject.fields[name];
  if (field === undefined) throw new Error(`the subject ${subject.name} has no field ${name}`);
  return field;
}

/** The fields in which words without a field are looked for. */
export function searchedFields(subject: Subject, with_content: boolean): [string, Field][] {
  return Object.entries(subject.fields).filter(
    ([, field]) => field.searched === true && (with_content || field.content !== true),
  );
}
