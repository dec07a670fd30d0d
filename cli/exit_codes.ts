/** What the command's exit code says. */
export const EXIT = { failed: 1, usage: 2, configuration: 3, unreachable: 4, interrupted: 130 } as const;
