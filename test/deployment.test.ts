/**
 * The files for containers, as far as they can be tried without any: their form, that every command, setting, file and
 * metric in them exists, and the service's command itself, over a stand-in for the server. No container was started.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../api/metrics.ts';
import { loadConfig } from '../core/config.ts';
import { type Front, startFront } from './clickhouse_front.ts';
import { buildCommandLine, type CommandLine } from './support/command_line.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8');

interface ComposeService {
  image?: string;
  command?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  networks?: string[];
  ports?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}
interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean }>;
  secrets: Record<string, { file: string }>;
}

const compose = parse(textOf('docker-compose.yml')) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image?.startsWith('tracewarden:'));
const dockerfile = textOf('Dockerfile');

let command: CommandLine;
let front: Front;
const folder = mkdtempSync(join(tmpdir(), 'tracewarden-deployment-'));
beforeAll(async () => {
  command = buildCommandLine();
  front = await startFront(folder, 'tracewarden', 'a1b2c3');
}, 120_000);
afterAll(async () => {
  command?.close();
  await front?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A service's command with paths of containers replaced by those here, and a port that is free. */
function here(words: readonly string[], data: string): string[] {
  return words.map((word) =>
    word.replace(/^\/etc\/tracewarden\//, join(ROOT, 'deploy/')).replace('/var/lib/tracewarden', data),
  );
}

describe('docker-compose.yml', () => {
  it('is of the form that the Compose Specification gives', () => {
    const schema = JSON.parse(textOf('test/vectors/compose/compose-spec.json')) as object;
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    expect([validate(compose), validate.errors]).toEqual([true, null]);
    expect(validate({ services: { a: { image: 'a', comand: [] } } })).toBe(false);
  });

  it('pins every image, checks the health of every service, and says who waits for whom', () => {
    for (const [name, { image = '', healthcheck, depends_on = {} }] of services) {
      expect(image, name).toMatch(/^[\w./-]+:v?\d+\.\d+[\w.-]*$/);
      expect(healthcheck !== undefined || (name !== 'clickhouse' && dockerfile.includes('HEALTHCHECK')), name).toBe(
        true,
      );
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(compose.services[other], `${name} waits for ${other}`).toBeDefined();
        expect(condition).toBe('service_healthy');
      }
    }
  });

  it('uses volumes, networks and secrets that it declares, and mounts files that are there', () => {
    for (const [name, { volumes = [], networks = [], secrets = [] }] of services) {
      for (const each of networks) expect(compose.networks, name).toHaveProperty(each);
      for (const each of secrets) expect(compose.secrets, name).toHaveProperty(each);
      for (const each of volumes) {
        const [source = ''] = each.split(':');
        if (source.startsWith('./')) expect(existsSync(join(ROOT, source)), `${name}: ${source}`).toBe(true);
        else expect(compose.volumes, name).toHaveProperty(source);
      }
    }
  });

  it('publishes to this machine alone, and holds no secret', () => {
    for (const [name, { ports = [], environment = {} }] of services) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
      for (const [variable, value] of Object.entries(environment)) {
        if (/PASSWORD|KEY|SECRET|TOKEN/.test(variable)) expect(value, variable).toMatch(/^\/run\/secrets\//);
      }
    }
    const made = textOf('deploy/secrets.sh');
    for (const { file } of Object.values(compose.secrets)) expect(made).toContain(file.replace('deploy/secrets/', ''));
    expect(textOf('.gitignore')).toContain('/deploy/secrets/');
    expect(textOf('.dockerignore').split('\n')[0]).toBe('**');
  });

  it('gives each service the secrets that its files name', () => {
    const named = (text: string) => [...text.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, name = '']) => name);
    const filesOf: Record<string, string[]> = {
      clickhouse: ['deploy/clickhouse/init.sh'],
      prometheus: ['deploy/prometheus/prometheus.yml'],
      grafana: ['dashboards/grafana/provisioning/datasources/tracewarden.yaml'],
    };
    for (const [name, service] of services) {
      const texts = [JSON.stringify(service), ...(filesOf[name] ?? []).map(textOf)];
      for (const secret of texts.flatMap(named)) expect(service.secrets, name).toContain(secret);
    }
  });

  it('makes its secrets once, for their owner alone', () => {
    const script = join(folder, 'secrets.sh');
    writeFileSync(script, textOf('deploy/secrets.sh'));
    execFileSync('sh', [script]);
    const names = readdirSync(join(folder, 'secrets')).sort();
    const read = () => names.map((name) => readFileSync(join(folder, 'secrets', name), 'utf8'));
    expect(names).toEqual(Object.keys(compose.secrets).sort());
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);
    const first = read();
    expect(first.filter((each) => /^[0-9a-f]{48}$/.test(each))).toHaveLength(3);
    execFileSync('sh', [script]);
    expect(read()).toEqual(first);
  });
});

describe('the commands of our services', () => {
  it('exist, with all their flags', async () => {
    expect(ours.length).toBeGreaterThan(0);
    const words = [
      ...ours.map(([, { command: each = [] }]) => each),
      JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[],
    ];
    for (const [name = '', ...rest] of words) {
      const { code, stdout } = await command.run([name, '--help']);
      expect([name, code]).toEqual([name, 0]);
      for (const flag of rest.filter((each) => each.startsWith('--'))) expect(stdout, name).toContain(`${flag} `);
    }
  });

  it('read settings that exist, from variables that are given', () => {
    for (const [name, { environment = {} }] of ours) {
      const password = join(folder, 'password');
      writeFileSync(password, 'a1b2c3\n');
      const config = loadConfig(
        {},
        { ...environment, CLICKHOUSE_PASSWORD_FILE: password },
        join(ROOT, 'deploy/tracewarden.yaml'),
      );
      expect(config.clickhouse_url, name).toBe('http://tracewarden:a1b2c3@clickhouse:8123/tracewarden');
      expect(config.hosts, name).toContain('tracewarden');
    }
  });

  it('work as they are written: the schema is applied, events are taken, the health check passes, SIGTERM ends them', async () => {
    const [, service] = ours[0] ?? [];
    const password = join(folder, 'password');
    writeFileSync(password, 'a1b2c3\n');
    const words = here(service?.command ?? [], join(folder, 'data'));
    const env = {
      ...service?.environment,
      CLICKHOUSE_PASSWORD_FILE: password,
      CLICKHOUSE_ADDRESS: new URL(front.url).host,
    };
    Object.assign(process.env, env);
    const up = await command.start([...words, '--port', '0'], /tracewarden listens on (\S+)/);
    for (const variable of Object.keys(env)) delete process.env[variable];
    const { port } = new URL(up.match[1] ?? '');
    const url = `http://127.0.0.1:${port}`;
    const key = readFileSync(join(folder, 'data/admin.key'), 'utf8').trim();
    const event = {
      event_id: 'e-1',
      time: new Date().toISOString(),
      type: 'prompt',
      user_id: 'ana@example.com',
      content: 'hello',
    };
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const sent = await fetch(`${url}/v1/events`, { method: 'POST', headers, body: JSON.stringify(event) });
    expect(sent.status).toBe(200);
    const [, check = '[]'] = /HEALTHCHECK[^[]*CMD (\[.*\])/.exec(dockerfile) ?? [];
    const [file = '', ...args] = JSON.parse(check) as string[];
    execFileSync(
      file,
      args.map((each) => each.replace('127.0.0.1:7733', `127.0.0.1:${port}`)),
    );
    expect(() =>
      execFileSync(
        file,
        args.map((each) => each.replace('127.0.0.1:7733', '127.0.0.1:9')),
        { stdio: 'ignore' },
      ),
    ).toThrow();
    up.child.kill('SIGTERM');
    expect((await up.ended).code).toBe(0);
    expect(front.requests.some(({ query }) => /CREATE TABLE/.test(query))).toBe(true);
  });
});

describe('Dockerfile', () => {
  it('builds in stages on glibc, pins its base, and does not run as root', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/^node:20\.\d+\.\d+-bookworm-slim$/);
    expect(bases.length).toBeGreaterThan(2);
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile.indexOf('USER node')).toBeLessThan(dockerfile.indexOf('ENTRYPOINT'));
  });

  it('copies what is there, and lets everything in that the build needs', () => {
    const let_in = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const path of let_in) expect(existsSync(join(ROOT, path)), path).toBe(true);
    const built = parse(textOf('tsconfig.build.json')) as { include: string[] };
    for (const each of built.include) expect(let_in).toContain(each.split('/')[0]);
  });
});

describe('Prometheus', () => {
  it('alerts as the runbook says, on metrics that there are', async () => {
    const rules = textOf('deploy/prometheus/tracewarden_alerts.yml');
    expect(textOf('docs/runbook.md')).toContain(`\`\`\`yaml\n${rules}\`\`\``);
    const { text } = await createMetrics().read();
    const counters = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name));
    const documented = textOf('docs/runbook.md');
    for (const [name] of rules.matchAll(/tracewarden_\w+/g)) {
      expect(counters.has(name) || documented.includes(`| \`${name}\` |`), name).toBe(true);
    }
  });

  it('asks the service by a name that it answers to', () => {
    const settings = parse(textOf('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = settings.scrape_configs.flatMap(({ static_configs }) =>
      static_configs.flatMap((each) => each.targets),
    );
    const { hosts, port } = parse(textOf('deploy/tracewarden.yaml')) as { hosts: string[]; port: number };
    for (const target of targets) {
      expect(hosts.map((host) => `${host}:${port}`)).toContain(target);
      expect(Object.keys(compose.services)).toContain(target.split(':')[0]);
    }
  });
});
