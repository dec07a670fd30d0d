/**
 * What SQL can say of a comparison: a condition that holds whenever the comparison does (`may`), and one that holds only
 * when it does (`must`). Where SQL sees a value as the rule does, both are the same. Where it does not, such as the
 * values inside of an object, `may` lets more rows through, and the code of the stream has the last word on them.
 */
export interface Bounds {
  may: string;
  must: string;
}

export const TRUE = '1';
export const FALSE = '0';

/** A comparison that SQL decides exactly. */
export function exactly(sql: string): Bounds {
  return { may: sql, must: sql };
}

/** All must hold; constants are left out. */
export function allOf(parts: readonly string[]): string {
  const rest = [...new Set(parts)].filter((part) => part !== TRUE);
  if (rest.includes(FALSE)) return FALSE;
  return rest.length === 0 ? TRUE : rest.length === 1 ? (rest[0] as string) : `(${rest.join(' AND ')})`;
}

/** One must hold; constants are left out. */
export function anyOf(parts: readonly string[]): string {
  const rest = [...new Set(parts)].filter((part) => part !== FALSE);
  if (rest.includes(TRUE)) return TRUE;
  return rest.length === 0 ? FALSE : rest.length === 1 ? (rest[0] as string) : `(${rest.join(' OR ')})`;
}

/** The opposite of a condition. */
export function opposite(sql: string): string {
  return sql === TRUE ? FALSE : sql === FALSE ? TRUE : `NOT (${sql})`;
}

/** Bounds of `and` and `or`. */
export function joinBounds(op: 'and' | 'or', parts: readonly Bounds[]): Bounds {
  const join = op === 'and' ? allOf : anyOf;
  return { may: join(parts.map(({ may }) => may)), must: join(parts.map(({ must }) => must)) };
}

/** Bounds of `not`: whatever surely holds surely does not, the other way around. */
export function negateBounds({ may, must }: Bounds): Bounds {
  return { may: opposite(must), must: opposite(may) };
}
