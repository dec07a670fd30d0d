import { describe, expect, it } from 'vitest';
import type { ToolDefinition } from '../../core/event.ts';
import { type Capability, createCatalog } from './capabilities.ts';
import { loadCatalogFiles } from './load_catalog.ts';
import { packageKey, serverKey, splitToolName } from './server_name.ts';

const files = await loadCatalogFiles();
const catalog = createCatalog([], files);
const can = (server: string, tool: string): Capability[] => [...catalog.profile(server, tool).capabilities].sort();
const named = (...names: string[]): ToolDefinition[] => names.map((name) => ({ name }));

describe('a server is known by its name', () => {
  it.each([
    ['github', 'github'],
    ['GitHub', 'git hub'],
    ['github-mcp', 'github'],
    ['mcp-server-github', 'github'],
    ['github-mcp-server', 'github'],
    ['my_github', 'github'],
    ['io.github.acme/github', 'github acme'],
    ['claude_ai_Gmail', 'gmail'],
    ['MongoDB', 'mongo db'],
    ['server', 'server'],
  ])('%s is %s', (name, key) => expect(serverKey(name)).toBe(key));

  it.each(['github', 'GitHub', 'github-mcp', 'mcp-server-github', 'my_github', 'acme-GitHub-backend', 'github2'])(
    '%s is GitHub',
    (server) => {
      const profile = catalog.profile(server, 'create_gist');
      expect(profile).toMatchObject({ basis: 'catalog', system: 'github' });
    },
  );

  it.each([
    ['npm:@acme/x@1.2.0', '@acme/x'],
    ['acme_x==1.0', 'acme-x'],
    ['ghcr.io/acme/x:latest', 'ghcr.io/acme/x'],
    ['@acme/x', '@acme/x'],
    ['docker.io/mcp/git', 'mcp/git'],
  ])('the package %s is %s', (name, key) => expect(packageKey(name)).toBe(key));

  it.each([
    ['mcp__github__create_issue', undefined, 'create_issue', 'github'],
    ['mcp__a__b__c', undefined, 'b__c', 'a'],
    ['github:create_issue', 'github', 'create_issue', 'github'],
    ['github__create_issue', 'my-github', 'create_issue', 'my-github'],
    ['file.read', 'storage', 'file.read', 'storage'],
    ['create_issue', 'github', 'create_issue', 'github'],
  ])('the tool %s of %s is %s of %s', (tool, server, local, of) => {
    expect(splitToolName(tool, server)).toEqual({ local, server: of });
  });
});

describe('known tools', () => {
  it.each([
    ['filesystem', 'read_text_file', 'sensitive_read untrusted_source'],
    ['filesystem', 'list_allowed_directories', ''],
    ['git', 'git_commit', 'write'],
    ['github', 'get_issue', 'untrusted_source'],
    ['github', 'push_files', 'egress write'],
    ['github', 'delete_file', 'destructive write'],
    ['gitlab', 'create_merge_request', 'egress write'],
    ['slack', 'slack_post_message', 'egress write'],
    ['slack', 'conversations_history', 'sensitive_read untrusted_source'],
    ['gmail', 'send_email', 'egress write'],
    ['gmail', 'create_filter', 'egress persist write'],
    ['ms365', 'list-mail-messages', 'sensitive_read untrusted_source'],
    ['google-calendar', 'list-events', 'sensitive_read untrusted_source'],
    ['notion', 'API-post-search', 'sensitive_read untrusted_source'],
    ['jira', 'jira_get_issue', 'untrusted_source'],
    ['postgres', 'query', 'sensitive_read untrusted_source'],
    ['postgres', 'execute_sql', 'sensitive_read untrusted_source write'],
    ['redis', 'hdel', 'destructive write'],
    ['playwright', 'browser_navigate', 'egress untrusted_source'],
    ['playwright', 'browser_evaluate', 'egress exec untrusted_source'],
    ['fetch', 'fetch', 'egress untrusted_source'],
    ['brave-search', 'brave_web_search', 'untrusted_source'],
    ['desktop-commander', 'start_process', 'exec write'],
    ['e2b', 'run_code', 'exec write'],
    ['memory', 'add_observations', 'memory_write write'],
    ['qdrant', 'qdrant-store', 'memory_write write'],
    ['stripe', 'create_refund', 'egress write'],
    ['aws-api', 'call_aws', 'exec secret_read sensitive_read write'],
    ['k8s', 'pods_exec', 'exec write'],
    ['vault', 'read_secret', 'secret_read'],
    ['doppler', 'secrets_get', 'secret_read'],
    ['home-assistant', 'HassTurnOn', 'write'],
    ['twilio', 'TwilioApiV2010--CreateMessage', 'egress write'],
    ['time', 'get_current_time', ''],
  ])('%s.%s can do: %s', (server, tool, expected) => {
    expect(can(server, tool)).toEqual(expected.split(' ').filter(Boolean));
    expect(catalog.profile(server, tool)).toMatchObject({ basis: 'catalog' });
  });

  it('are found under other spellings, and with or without the name of their system', () => {
    for (const tool of [
      'create_issue',
      'create-issue',
      'createIssue',
      'github_create_issue',
      'mcp__github__create_issue',
    ]) {
      expect([tool, catalog.profile('github', tool).basis]).toEqual([tool, 'catalog']);
    }
    expect(catalog.profile('slack', 'post_message').basis).toBe('catalog');
    expect(catalog.profile(undefined, 'mcp__slack__slack_post_message').system).toBe('slack');
  });

  it('tell where things go, what is read, whose words the result holds and who sees what is written', () => {
    expect([...(catalog.profile('gmail', 'send_email').destinations ?? [])]).toEqual(['to', 'cc', 'bcc']);
    expect([...(catalog.profile('github', 'get_issue').untrusted_fields ?? [])]).toContain('body');
    expect([...(catalog.profile('filesystem', 'read_file').sources ?? [])]).toContain('path');
    expect(catalog.profile('vault', 'read_secret').sensitivity).toBe('secret');
    expect(catalog.profile('github', 'create_gist').audience).toBe('public');
  });

  it('that a file does not list read what the other tools of that server read', () => {
    const profile = catalog.profile('slack', 'list_starred_things');
    expect(profile).toMatchObject({ basis: 'name', system: 'slack' });
    expect([...profile.capabilities].sort()).toEqual(['sensitive_read', 'untrusted_source']);
  });
});

describe('a server whose name only holds that of a system', () => {
  it('has the tools of that system, and others are not taken for them', () => {
    expect(catalog.profile('acme-slack-config', 'slack_post_message').system).toBe('slack');
    expect([...catalog.profile('acme-slack-config', 'get_version').capabilities]).toEqual([]);
  });

  it.each(['docs-search', 'team-memory-bank', 'file-share'])('%s is none that has a general name', (server) => {
    expect(catalog.profile(server, 'zorb').system).toBeUndefined();
  });
});

describe('a renamed server', () => {
  it('is recognised by its list of tools', () => {
    const own = createCatalog([], files);
    own.learn('s1', { tools: named('slack_post_message', 'slack_get_users', 'slack_list_channels', 'frobnicate') });
    expect(own.profile('s1', 'slack_list_channels')).toMatchObject({ basis: 'lookalike', system: 'slack' });
  });

  it('is recognised by its tools without the name of the system before them, too', () => {
    const own = createCatalog([], files);
    own.learn('s1', { tools: named('post_message', 'reply_to_thread', 'get_channel_history') });
    expect(own.profile('s1', 'reply_to_thread')).toMatchObject({ basis: 'lookalike', system: 'slack' });
  });

  it.each([
    ['fewer than three of its tools', named('conversations_history', 'channels_list')],
    ['less than 60 % of the list', named('conversations_history', 'channels_list', 'users_search', 'a', 'b', 'c')],
  ])('is not recognised by %s', (_, tools) => {
    const own = createCatalog([], files);
    own.learn('s1', { tools });
    expect(own.profile('s1', 'channels_list').basis).toBe('definition');
  });

  it('is recognised by its package and by what it calls itself', () => {
    const own = createCatalog([], files);
    own.learn('s1', { package: 'npm:@modelcontextprotocol/server-filesystem@2026.1.1' });
    expect(own.profile('s1', 'read_file')).toMatchObject({ basis: 'catalog', system: 'filesystem' });
    own.learn('s2', { server_info: 'secure-filesystem-server' });
    expect(own.profile('s2', 'read_file')).toMatchObject({ basis: 'lookalike', system: 'filesystem' });
  });

  it('is recognised by the system’s name before a tool’s name', () => {
    expect(catalog.profile('s1', 'firecrawl_scrape')).toMatchObject({ basis: 'lookalike', system: 'firecrawl' });
  });

  it('that only pretends to be a known one keeps what its tools’ names say', () => {
    const own = createCatalog([], files);
    const tools = named('get_current_time', 'convert_time', 'get_forecast');
    own.learn('s1', { server_info: 'time', tools: [...tools, { name: 'send_all_mails' }] });
    expect([...own.profile('s1', 'send_all_mails').capabilities]).toEqual(['write', 'egress']);
    own.learn('s2', { server_info: 'weather', tools: named('delete_forecast') });
    expect([...own.profile('s2', 'delete_forecast').capabilities]).toContain('destructive');
  });

  it('is one of its own tenant: another tenant’s server of that name is not', () => {
    const own = createCatalog([], files);
    own.learn('s1', { server_info: 'mcp-server-qdrant' }, 'acme');
    expect(own.profile('s1', 'qdrant-store', undefined, 'acme').system).toBe('qdrant');
    expect(own.profile('s1', 'find', undefined, 'acme').system).toBe('qdrant');
    expect(own.profile('s1', 'find', undefined, 'other').system).toBeUndefined();
  });
});
