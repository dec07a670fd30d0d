/** Queries as they are given to commands: words are joined, and a fault is shown with a caret under it. */
import { caretLines, faultPlace } from '../core/query/query_fault.ts';
import { inert, say } from './output.ts';

/** The query of a command's words, or undefined without one. */
export function queryText(words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : words.join(' ');
}

/** Does the work; a fault in the query is shown before it goes on as an error. */
export async function withCaret<T>(query: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const place = faultPlace(error);
    if (query !== undefined && place !== undefined)
      for (const line of caretLines(query, place, inert)) say(`  ${line}`);
    throw error;
  }
}
