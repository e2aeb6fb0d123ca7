/** The built site: what a reader with a browser sees, and that no link leads nowhere. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import test, { type ExecutionContext } from "ava";
import { launch, type Browser, type Page } from "puppeteer-core";
import { buildSite } from "./build-site.ts";
import { serveSite } from "./serve-site.ts";

const program = "/usr/bin/chromium";
const limitMs = 300_000;
const phone = { width: 375, height: 740, deviceScaleFactor: 2 };
const sample = [
  "index.html",
  "guide/first-device.html",
  "devices/index.html",
  "devices/uart16550.html",
  "devices/ioapic.html",
  "devices/viridian.html",
  "guide/device-in-a-guest.html",
  "diagnostics/TV2212.html",
  "language/switch.html",
  "api/index.html",
  "api/dsl/image/functions/image.html",
  "changelog.html",
];

let folder = "";
let server: Server | undefined;
let address = "";
let browser: Browser | undefined;
test.before(async (t) => {
  t.timeout(limitMs);
  folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  await buildSite(folder);
  const served = await serveSite(folder, 0);
  server = served.server;
  address = served.url;
  // Chromium refuses to run as root in its own sandbox.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  browser = await launch({
    executablePath: program,
    timeout: limitMs,
    protocolTimeout: limitMs,
    args: [...sandbox, "--disable-gpu", "--disable-dev-shm-usage"],
  });
});
test.after.always(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Shows a page on a phone, of which the browser must not complain, and which must not ask another machine for anything. */
async function show(t: ExecutionContext, path: string): Promise<Page> {
  const page = await browser!.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:")) complaints.push(`asks for ${url}`);
  });
  await page.setViewport(phone);
  await page.goto(address + path, { waitUntil: "networkidle0", timeout: limitMs });
  t.deepEqual(complaints, [], path);
  return page;
}

test("every link within the site leads to a page, and to an anchor that is there", (t) => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const pages = new Map(
    files
      .filter((file) => file.endsWith(".html"))
      .map((file) => [file, readFileSync(join(folder, file), "utf8")]),
  );
  const anchors = new Map<string, ReadonlySet<string>>();
  const anchorsOf = (file: string): ReadonlySet<string> => {
    const found =
      anchors.get(file) ?? new Set([...pages.get(file)!.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id!));
    anchors.set(file, found);
    return found;
  };
  const broken: string[] = [];
  let checked = 0;
  for (const [file, html] of pages) {
    for (const [, link] of html.matchAll(/<a [^>]*href="([^"]*)"/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path, anchor] = link!.split("#") as [string, string | undefined];
      const absolute = posix.join("/", path.startsWith("/") ? path : posix.join(posix.dirname(file), path));
      const wanted = absolute.endsWith("/") ? `${absolute}index.html` : absolute;
      const to =
        path === "" ? file : [wanted, `${wanted}.html`].map((p) => p.slice(1)).find((p) => pages.has(p));
      checked++;
      if (to === undefined) broken.push(`${file}: ${link}`);
      else if (anchor !== undefined && anchor !== "" && !anchorsOf(to).has(decodeURIComponent(anchor)))
        broken.push(`${file}: ${link}`);
    }
  }
  t.deepEqual([...new Set(broken)], []);
  t.true(pages.size > 200 && checked > 5000, `${pages.size} pages, ${checked} links`);
});

for (const path of sample) {
  test.serial(
    `the browser has no complaint about ${path}, and on a phone it is read without a glass`,
    async (t) => {
      const page = await show(t, path);
      t.is(
        await page.evaluate("document.documentElement.scrollWidth"),
        phone.width,
        "nothing is wider than the screen",
      );
      const small = (await page.evaluate(`(() => {
      const walk = document.createTreeWalker(document.querySelector(".vp-doc"), NodeFilter.SHOW_TEXT);
      const small = [];
      while (walk.nextNode()) {
        const { parentElement: parent, data } = walk.currentNode;
        if (data.trim() === "" || !parent.checkVisibility() || parent.closest("button, .lang, .header-anchor")) continue;
        const svg = parent.closest("svg");
        const scale = svg === null ? 1 : svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        const size = parseFloat(getComputedStyle(parent).fontSize) * scale;
        if (size < 15.5) small.push(size + ": " + data.trim());
      }
      return small;
    })()`)) as string[];
      t.deepEqual(small, []);
      await page.close();
    },
  );
}

test.serial("a search for lcr finds the register on the UART's page", async (t) => {
  const page = await show(t, "index.html");
  await page.click("#local-search button");
  await page.waitForSelector("#localsearch-input", { timeout: limitMs });
  await page.type("#localsearch-input", "lcr");
  await page.waitForSelector(".VPLocalSearchBox a.result", { timeout: limitMs });
  const found = (await page.evaluate(
    "[...document.querySelectorAll('.VPLocalSearchBox a.result')].map((a) => a.getAttribute('href'))",
  )) as string[];
  t.is(found[0], "/devices/uart16550.html#lcr");
  await page.close();
});

test.serial(
  "the picture of a register is text in cells with the patterns of their kinds, in light and in dark",
  async (t) => {
    const page = await show(t, "devices/uart16550.html");
    const cells = `(() => {
    const picture = document.querySelector("h3#lsr").parentElement.querySelector("h3#lsr ~ .bit-picture");
    const fill = (kind) => getComputedStyle(picture.querySelector("rect." + kind)).fill;
    const pattern = document.querySelector("#bits-constant path");
    return {
      text: [...picture.querySelectorAll("text")].map((text) => text.textContent),
      fills: [fill("stored"), fill("constant"), fill("readToClear")],
      colours: [getComputedStyle(picture.querySelector("text")).fill, getComputedStyle(document.body).backgroundColor],
    };
  })()`;
    const shown: { text: string[]; fills: string[]; colours: string[] }[] = [];
    for (const value of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      await page.reload({ waitUntil: "networkidle0", timeout: limitMs });
      shown.push((await page.evaluate(cells)) as (typeof shown)[number]);
    }
    const [light, dark] = shown;
    t.true(light!.text.includes("thrEmpty") && light!.text.includes("RC"));
    t.regex(light!.fills[1]!, /url\(.*#bits-constant/);
    t.is(new Set(light!.fills).size, 3);
    t.not(light!.colours[0], light!.colours[1]);
    t.not(dark!.colours[0], dark!.colours[1]);
    t.not(light!.colours[0], dark!.colours[0], "the text's colour follows the scheme");
    await page.close();
  },
);
