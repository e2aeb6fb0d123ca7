/** The page in a browser that has no screen: what a reader would see. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test, { type ExecutionContext } from "ava";
import { launch, type Browser, type Page } from "puppeteer-core";
import { columns, type Outcome } from "../figure.ts";
import { colours, lineColours } from "./colours.ts";
import { pageData, type PageData } from "./data.ts";
import { parseHistory } from "./history.ts";
import { writePage } from "./write.ts";

const program = "/usr/bin/chromium";
const limitMs = 300_000;
const phone = { width: 360, height: 740, deviceScaleFactor: 2 };

const hash = (digit: string): string => digit.repeat(40);
const line = (digit: string, value: number): string =>
  JSON.stringify({
    commit: hash(digit),
    date: "2026-01-02T03:04:05Z",
    figures: { "exit.cpuid.typevisor": { value, unit: "instructions" } },
  });
const both = `${line("a", 400)}\n${line("b", 223)}\n`;
const outcomes: readonly Outcome[] = [
  { name: "memory.hypervisor.bytes.typevisor", value: 391_435, unit: "B" },
  ...columns.map((column) => ({
    name: `exit.cpuid.${column}`,
    value: column === "typevisor" ? 223 : column === "bare" ? 3 : 2705,
    unit: "instructions",
    ...(column === "kvm" && { note: "a remark of </script> many words" }),
  })),
  { name: "image.hypervisor.bytes.typevisor", value: 96_896, unit: "B" },
  { name: "image.hypervisor.bytes.xen", reason: "its package is missing" },
];
const commit = { commit: hash("c"), date: "2026-01-04T03:04:05Z" };

/** How many dots of a colour the canvases of a kind have, canvas by canvas. */
const dotsOf = (kind: string, colour: string): string => `
  [...document.querySelectorAll(".${kind} canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const wanted = [1, 3, 5].map((at) => parseInt("${colour}".slice(at, at + 2), 16));
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] === 255 && wanted.every((value, part) => data[i + part] === value)) count++;
    return count;
  })`;

let browser: Browser | undefined;
test.before(async () => {
  // Chromium refuses to run as root in its own sandbox.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  browser = await launch({
    executablePath: program,
    timeout: limitMs,
    protocolTimeout: limitMs,
    args: [...sandbox, "--disable-gpu", "--disable-dev-shm-usage"],
  });
});
test.after.always(() => browser?.close());

/** Shows a page, of which the browser must not complain, and which must not ask the network for anything. */
async function show(t: ExecutionContext, data: PageData): Promise<Page> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "bench/index.html");
  await writePage(data, file);
  const page = await browser!.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) complaints.push(`asks for ${request.url()}`);
  });
  await page.setViewport(phone);
  await page.goto(pathToFileURL(file).href, { waitUntil: "load", timeout: limitMs });
  t.deepEqual(complaints, []);
  return page;
}

test.serial(
  "every column has its bar and every figure its line, and the browser has no complaint",
  async (t) => {
    const history = parseHistory(both);
    const page = await show(t, pageData(outcomes, commit, history));
    for (const colour of Object.values(colours)) {
      const [first] = (await page.evaluate(dotsOf("bars", colour))) as number[];
      t.true(first > 10, `${first} dots of ${colour}`);
    }
    const ofTypevisor = (await page.evaluate(dotsOf("bars", colours.typevisor))) as number[];
    t.is(ofTypevisor.length, 2);
    t.true(ofTypevisor[1] > ofTypevisor[0], "a bar is as long as its value is of the greatest");
    t.is(((await page.evaluate(dotsOf("bars", colours.xen))) as number[])[1], 0, "what is absent has no bar");
    const lines = (await page.evaluate(dotsOf("history", colours.typevisor))) as number[];
    t.is(lines.length, 1);
    t.true(lines[0] > 100, `${lines[0]} dots of the line`);
  },
);

test.serial("what must be known is written out, and a remark is text and nothing else", async (t) => {
  const page = await show(t, pageData(outcomes, commit, parseHistory("")));
  const text = (await page.evaluate("document.body.innerText")) as string;
  for (const said of [
    "cccccccccccc of 2026-01-04",
    "0.08 times kvm",
    "kvm: a remark of </script> many words",
  ])
    t.true(text.includes(said), said);
  t.true(text.includes("typevisor 391,435 B"), "what nobody else has is a number without a bar");
  t.deepEqual(await page.evaluate("[...document.querySelectorAll('section h1')].map((h) => h.innerText)"), [
    "exit",
    "image",
    "memory, Typevisor alone",
  ]);
  t.true(text.includes("xen: its package is missing"));
});

test.serial("a history with a broken line still draws, and the line is told", async (t) => {
  const history = parseHistory([line("a", 400), '{"commit":', line("b", 223)].join("\n"));
  const page = await show(t, pageData(outcomes, commit, history));
  const lines = (await page.evaluate(dotsOf("history", colours.typevisor))) as number[];
  t.true(lines[0] > 100);
  const text = (await page.evaluate("document.body.innerText")) as string;
  t.regex(text, /line 2 of the history is left out: /);
});

test.serial("what grows with a number is a line for each name in one chart", async (t) => {
  const grown = [1, 2, 32].flatMap((count): Outcome[] => [
    { name: `scaling.devices.${count}.exit.first`, value: 250, unit: "instructions" },
    { name: `scaling.devices.${count}.exit.last`, value: 250 + 2 * count, unit: "instructions" },
  ]);
  const page = await show(t, pageData([...outcomes, ...grown], commit, parseHistory("")));
  for (const colour of lineColours.slice(0, 2)) {
    const dots = (await page.evaluate(dotsOf("curve", colour))) as number[];
    t.is(dots.length, 1);
    t.true(dots[0] > 100, `${dots[0]} dots of ${colour}`);
  }
  const text = (await page.evaluate("document.body.innerText")) as string;
  t.true(text.includes("instructions along the number of devices"));
});

test.serial("one run alone makes no line", async (t) => {
  const page = await show(t, pageData(outcomes, commit, parseHistory(line("a", 400))));
  t.is(await page.evaluate("document.querySelectorAll('.history').length"), 0);
});

test.serial("on a phone nothing is wider than the screen", async (t) => {
  const long = { name: `image.ledger.${"feature".repeat(12)}.typevisor`, value: 1, unit: "B" };
  const page = await show(t, pageData([...outcomes, long], commit, parseHistory(both)));
  t.is(await page.evaluate("document.documentElement.scrollWidth"), phone.width);
  const widths = (await page.evaluate(
    "[...document.querySelectorAll('canvas')].map((canvas) => canvas.getBoundingClientRect().width)",
  )) as number[];
  for (const width of widths) t.true(width > 250 && width <= phone.width, `a canvas is ${width} wide`);
});
