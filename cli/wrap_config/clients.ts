/** Where MCP clients keep the servers that they start, on each system, and under which key. */
import { join } from 'node:path';

export interface ClientConfig {
  client: string;
  file: string;
  /** Paths of maps from a server's name to how it is started; `*` stands for any key. */
  maps: readonly (readonly string[])[];
}

export interface Places {
  home: string;
  /** Of the project that is open; where people share servers with it. */
  project: string;
  platform: NodeJS.Platform;
  /** `APPDATA` of Windows. */
  appdata: string | undefined;
}

export const CLIENTS = ['claude-desktop', 'claude-code', 'cursor', 'vscode', 'windsurf'] as const;

const SERVERS = [['mcpServers']] as const;

/** Every place that a client may have, whether it is there or not. */
export function clientConfigs({ home, project, platform, appdata }: Places): ClientConfig[] {
  const roaming = appdata ?? join(home, 'AppData', 'Roaming');
  const support = platform === 'darwin' ? join(home, 'Library', 'Application Support') : join(home, '.config');
  const settings = platform === 'win32' ? roaming : support;
  return [
    { client: 'claude-desktop', file: join(settings, 'Claude', 'claude_desktop_config.json'), maps: SERVERS },
    {
      client: 'claude-code',
      file: join(home, '.claude.json'),
      maps: [['mcpServers'], ['projects', '*', 'mcpServers']],
    },
    { client: 'claude-code', file: join(project, '.mcp.json'), maps: SERVERS },
    { client: 'cursor', file: join(home, '.cursor', 'mcp.json'), maps: SERVERS },
    { client: 'cursor', file: join(project, '.cursor', 'mcp.json'), maps: SERVERS },
    { client: 'vscode', file: join(settings, 'Code', 'User', 'mcp.json'), maps: [['servers']] },
    { client: 'vscode', file: join(project, '.vscode', 'mcp.json'), maps: [['servers']] },
    { client: 'windsurf', file: join(home, '.codeium', 'windsurf', 'mcp_config.json'), maps: SERVERS },
    { client: 'windsurf', file: join(home, '.codeium', 'mcp_config.json'), maps: SERVERS },
  ];
}
