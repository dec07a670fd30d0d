/** After the compiler: copies what it leaves behind and makes the command executable. */
import { chmodSync, cpSync, readdirSync } from 'node:fs';

cpSync('core/store/schema', 'dist/core/store/schema', { recursive: true });
cpSync('detectors/catalog/servers', 'dist/detectors/catalog/servers', { recursive: true });
for (const file of readdirSync('detectors/rules')) {
  if (file.endsWith('.yaml')) cpSync(`detectors/rules/${file}`, `dist/detectors/rules/${file}`);
}
cpSync('dashboards/web/style.css', 'dist/dashboards/web/style.css');
chmodSync('dist/cli/main.js', 0o755);
