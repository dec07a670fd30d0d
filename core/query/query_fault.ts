/** What is wrong with a query: a sentence, the place in its text, and what may have been meant. */
import { AppError } from '../errors.ts';

export interface QueryPlace {
  /** Where in the text the fault stands, in UTF-16 units from 0. */
  at: number;
  chars: number;
  suggestion?: string | undefined;
}

/** An error `query_invalid` whose cause says where. */
export function queryFault(message: string, place: QueryPlace): AppError {
  const hint = place.suggestion === undefined ? '' : `; did you mean ${place.suggestion}?`;
  const sentence = `${message}, at character ${place.at + 1} of the query${hint}`;
  return new AppError('query_invalid', sentence, { cause: { query: place } });
}

/** The place of an error that `queryFault` made, here or at the other end of a connection. */
export function faultPlace(error: unknown): QueryPlace | undefined {
  return (error as { cause?: { query?: QueryPlace } } | undefined)?.cause?.query;
}

/** The query with a caret under the fault. `shown` makes text safe to show, and as wide as it looks. */
export function caretLines(text: string, { at, chars }: QueryPlace, shown: (text: string) => string): string[] {
  const before = shown(text.slice(0, at));
  const marked = shown(text.slice(at, at + chars));
  return [shown(text), `${' '.repeat(before.length)}${'^'.repeat(Math.max(1, marked.length))}`];
}

/** A value of a query in a message: short, and inert. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
