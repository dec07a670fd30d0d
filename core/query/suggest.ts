/** What somebody who mistyped a name may have meant. */

/** The candidate that is fewest typing errors away, if these are few for its length; '' stands for none. */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  const text = typed.toLowerCase().slice(0, 64);
  let best: { candidate: string; errors: number } | undefined;
  for (const candidate of candidates) {
    const errors = typingErrors(text, candidate.toLowerCase());
    const few = Math.max(1, Math.floor(Math.max(text.length, candidate.length) / 3));
    if (errors <= few && (best === undefined || errors < best.errors)) best = { candidate, errors };
  }
  return best?.candidate;
}

/** Optimal string alignment: letters added, left out, exchanged, and neighbours swapped. */
function typingErrors(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let errors = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) errors = Math.min(errors, (before[j - 2] ?? 0) + 1);
      row.push(errors);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
