/** Whom a token names, in one spelling: a token for a service is good for what stands below its address. */

const NAME_CHARS_MAX = 2_048;

/** An address without its user, query and last slash, in the letters that compare; any other name in lower case. */
export function audienceName(audience: string): string {
  const text = audience.trim().slice(0, NAME_CHARS_MAX);
  if (!/^https?:\/\//i.test(text)) return text.toLowerCase();
  try {
    const url = new URL(text);
    return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  } catch {
    return text.toLowerCase();
  }
}

/** Whether one of the names is the other, or lies above or below it on the same host. */
export function audiencesMeet(a: readonly string[], b: readonly string[]): boolean {
  const left = a.map(audienceName);
  const right = b.map(audienceName);
  return left.some((one) => right.some((other) => isWithin(one, other) || isWithin(other, one)));
}

function isWithin(name: string, above: string): boolean {
  return name === above || (above.includes('://') && name.startsWith(`${above}/`));
}
