/** After the compiler: copies what it leaves behind and makes the command executable. */
import { chmodSync, cpSync } from 'node:fs';

cpSync('core/store/schema', 'dist/core/store/schema', { recursive: true });
cpSync('dashboards/web/style.css', 'dist/dashboards/web/style.css');
chmodSync('dist/cli/main.js', 0o755);
