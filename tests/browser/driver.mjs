// A browser on strings: one JSON command a line on stdin, one JSON answer a line.
//   {do: "open", url, width, height, dark, script}   a new page, the old one goes
//   {do: "text", selector}                           what stands there; null: nothing does
//   {do: "wait", selector, pattern, ms}              until its text matches; the time taken
//   {do: "axe"}                                      findings of axe-core
//   {do: "facts"}                                    width of the page, requests, complaints
//   {do: "scrolls"}                                  what is wider than its place, by its label
//   {do: "shot", path}                               a picture of the whole page
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.GWBOT_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update'],
});
let context, page, complaints = [], requests = [];

const verbs = {
  async open({url, width = 1280, height = 800, dark = false, script = true}) {
    await context?.close();
    complaints = [];
    requests = [];
    // The page's own policy forbids axe's script; it is let in here and nowhere else.
    context = await browser.newContext({viewport: {width, height}, javaScriptEnabled: script,
      colorScheme: dark ? 'dark' : 'light', timezoneId: 'Europe/Vienna', locale: 'en-GB'});
    page = await context.newPage();
    page.on('console', (message) => message.type() === 'log' || complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    const answer = await page.goto(url);
    return {status: answer.status(), title: await page.title(), headers: answer.headers()};
  },
  text: async ({selector}) => (await page.locator(selector).first().isVisible())
    ? page.locator(selector).first().innerText() : null,
  async wait({selector, pattern, ms}) {
    const began = performance.now(), wanted = new RegExp(pattern, 's');
    let text = '';
    while (performance.now() - began < ms) {
      text = await page.locator(selector).first().innerText().catch(() => '');
      if (wanted.test(text)) return {ms: performance.now() - began, text};
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`${selector} does not match ${pattern}: ${text}`);
  },
  async axe() {
    const session = await context.newCDPSession(page);
    await session.send('Page.setBypassCSP', {enabled: true});
    await session.send('Runtime.evaluate', {expression: axe});
    const found = await page.evaluate(() => globalThis.axe.run());
    return found.violations.map((row) => `${row.id}: ${row.help}: ${row.nodes.map((node) => node.html)}`);
  },
  facts: async () => ({complaints, requests, wide: await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth)}),
  scrolls: () => page.evaluate(() => [...document.querySelectorAll('.scroll')].filter(
    (place) => place.scrollWidth > place.clientWidth).map((place) => place.ariaLabel)),
  shot: async ({path}) => void await page.screenshot({path, fullPage: true}),
};

for await (const line of createInterface({input: process.stdin})) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = {ok: await verbs[command.do](command) ?? null};
  } catch (error) {
    answer = {error: error.message};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
