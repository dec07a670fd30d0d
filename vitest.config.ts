import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    exclude: ['dist/**', 'node_modules/**'],
    include: ['**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The embedded engine binds one data folder to a process, so every file has a process of its own.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
  },
});
