/** After the compiler: bundles the pages, copies what it leaves behind and makes the command executable. */
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { buildSync } from 'esbuild';

cpSync('core/store/schema', 'dist/core/store/schema', { recursive: true });
cpSync('core/query/grammar.peggy', 'dist/core/query/grammar.peggy');
cpSync('detectors/catalog/servers', 'dist/detectors/catalog/servers', { recursive: true });
for (const file of readdirSync('detectors/rules')) {
  if (file.endsWith('.yaml')) cpSync(`detectors/rules/${file}`, `dist/detectors/rules/${file}`);
}
cpSync('api/compliance/frameworks', 'dist/api/compliance/frameworks', { recursive: true });
cpSync('dashboards/web/style.css', 'dist/dashboards/web/style.css');
rmSync('dashboards/web/built', { recursive: true, force: true });
buildSync({
  entryPoints: { app: 'dashboards/web/main.tsx' },
  outdir: 'dashboards/web/built',
  tsconfig: 'dashboards/web/tsconfig.json',
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  chunkNames: 'part-[hash]',
  legalComments: 'none',
  logLevel: 'warning',
});
cpSync('dashboards/web/built', 'dist/dashboards/web/built', { recursive: true });
chmodSync('dist/cli/main.js', 0o755);
chmodSync('dist/cli/tracewarden.js', 0o755);
