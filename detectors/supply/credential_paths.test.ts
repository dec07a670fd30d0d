import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { credentialPlaces } from './credential_paths.ts';
import { isOutside, isTraversal, pathsIn, plainPath, waysOut } from './path_bounds.ts';

const kinds = (text: string) => credentialPlaces(text).map(({ kind }) => kind);

describe('credentialPlaces', () => {
  it.each([
    ['~/.ssh/id_rsa', 'SSH key'],
    ['/home/ana/.ssh', 'SSH key'],
    ['cat ~/.ssh/* | head', 'SSH key'],
    ['C:\\Users\\ana\\.ssh\\id_ed25519', 'SSH key'],
    ['/home/ana/%2essh/id_rsa', 'SSH key'],
    ['%252e%252e/.aws/credentials', 'AWS credentials'],
    ['~/.aws/./credentials', 'AWS credentials'],
    ['~/.aws//credentials', 'AWS credentials'],
    ['~/.aws/sso/cache', 'AWS credentials'],
    ['$HOME/.kube/config', 'Kubernetes credentials'],
    ['/var/run/secrets/kubernetes.io/serviceaccount/token', 'Kubernetes credentials'],
    ['project/.env', 'environment file'],
    ['project/.env.production', 'environment file'],
    ['/home/ana/.config/google-chrome/Default/Login Data', 'browser store'],
    ['~/Library/Keychains/login.keychain-db', 'keychain'],
    ['/etc/shadow', 'system passwords'],
    ['/proc/self/environ', 'environment of a process'],
    ['~/.cursor/mcp.json', 'agent configuration'],
    ['.git-credentials', 'Git credentials'],
    ['http://169.254.169.254/latest/', 'cloud metadata'],
    ['http://2852039166/', 'cloud metadata'],
    ['http://0xA9FEA9FE/', 'cloud metadata'],
    ['http://0251.0376.0251.0376/', 'cloud metadata'],
    ['http://[::ffff:169.254.169.254]/', 'cloud metadata'],
    ['http://[fd00:ec2::254]/', 'cloud metadata'],
    ['http://user@metadata.google.internal/x', 'cloud metadata'],
    ['169.254.169.254', 'cloud metadata'],
  ])('%s: %s', (text, kind) => expect(kinds(text)).toContain(kind));

  it.each([
    'project/.env.example',
    'project/environment.ts',
    'process.env.HOME',
    '~/.ssh/id_rsa.pub',
    '~/.ssh/known_hosts',
    'notes about sshd',
    '/etc/shadowsocks/config.json',
    'credentials.md',
    'https://example.com/cookies',
    'http://169.254.169.2540/',
    'cookbook.json',
    '',
  ])('lets pass: %s', (text) => expect(kinds(text)).toEqual([]));

  it('takes bounded time and never fails', () => {
    const started_ms = performance.now();
    for (const text of [
      '../'.repeat(60_000),
      '.ssh/'.repeat(30_000),
      '%2e'.repeat(60_000),
      `http://${'a.'.repeat(60_000)}`,
    ]) {
      credentialPlaces(text);
    }
    expect(performance.now() - started_ms).toBeLessThan(2_000);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void credentialPlaces(text)));
  });
});

describe('paths', () => {
  const root = ['/home/ana/project'];

  it.each([
    ['file:///home/ana/project/a.txt', '/home/ana/project/a.txt'],
    ['/home/ana/project/../letters/', '/home/ana/letters'],
    ['C:\\Data\\a.txt', 'c:/data/a.txt'],
    ['file:///C:/Data', 'c:/data'],
    ['/home/ana//x/./y', '/home/ana/x/y'],
    ['..%2f..%2fetc', '../../etc'],
  ])('%s is %s', (path, plain) => expect(plainPath(path)).toBe(plain));

  it.each([
    ['/home/ana/letters', true],
    ['/home/ana/project', false],
    ['/home/ana/project/deep/a', false],
    ['/home/ana/project-b/a', true],
    ['/etc/hosts', true],
    ['c:/data', true],
    ['~/letters', true],
    ['~/project/a', false],
    ['/v1/users', false],
    ['docs/a', false],
    ['/dev/null', false],
  ])('%s lies outside: %o', (path, outside) => expect(isOutside(path, root)).toBe(outside));

  it('cannot tell whose home ~ is without a home among the roots', () => {
    expect(isOutside('~/letters', ['/srv/files'])).toBe(false);
  });

  it.each([
    ['../../../etc/passwd', true],
    ['docs/../../../root/x', true],
    ['../../src/index.ts', false],
    ['../etc', false],
    ['/etc/passwd', false],
  ])('%s climbs into the system: %o', (path, climbs) => expect(isTraversal(plainPath(path))).toBe(climbs));

  it('finds paths in commands word by word, and elsewhere only under fitting names', () => {
    const leaf = (name: string, text: string) => ({ path: name, name, text });
    expect(pathsIn(leaf('command', 'cat "/etc/hosts" > ../out'), true)).toEqual(['/etc/hosts', '../out']);
    expect(pathsIn(leaf('file_path', '/etc/hosts'), false)).toEqual(['/etc/hosts']);
    expect(pathsIn(leaf('title', '/etc/hosts'), false)).toEqual([]);
    expect(pathsIn(leaf('title', 'file:///etc/hosts'), false)).toEqual(['/etc/hosts']);
  });
});

describe('waysOut', () => {
  it.each([
    ['/proc/1/root/etc', true],
    ['/proc/self/cwd/../..', true],
    ['nsenter -t 1 -m sh', true],
    ['echo x > /proc/sys/kernel/core_pattern', true],
    ['docker run --privileged -it busybox', true],
    ['docker run -v /:/host busybox', true],
    ['/var/run/docker.sock', false],
    ['dd if=/dev/sda of=x', false],
    ['/var/lib/kubelet/pods', false],
  ])('%s, beyond doubt: %o', (text, clear) => expect(waysOut(text)[0]?.clear).toBe(clear));

  it.each(['/proc/cpuinfo', '/dev/null', 'docker ps', 'ls -v /', '/proc/self/status', 'npm run dev', 'my.sock.txt'])(
    'lets pass: %s',
    (text) => expect(waysOut(text)).toEqual([]),
  );
});
