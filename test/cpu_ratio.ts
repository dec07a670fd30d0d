/** Measures how the cost of a function grows, for tests that must not depend on how busy the machine is. */

/** Processor time of eight times the size over that of the size: near 8 for linear work, near 64 for quadratic work. */
export function cpuRatio(run: (size: number) => unknown, size: number): number {
  const cost = (of: number): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn < 3; turn++) {
      const before = process.cpuUsage();
      run(of);
      const { user } = process.cpuUsage(before);
      best = Math.min(best, user);
    }
    return best;
  };
  run(size); // compiles
  // What is too quick to be measured is quick enough.
  return cost(size * 8) / Math.max(cost(size), 1_500);
}
