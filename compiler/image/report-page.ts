/** The build report as one self-contained page: no script, no address to load from, readable on a phone. */
import type { BuildReport, LongestExitPath, MemoryRegion } from "./report.ts";

/** The HTML text of a report. */
export function reportPage(report: BuildReport): string {
  const {
    cpuCapacity,
    exitPath,
    hypervisorBytes,
    ledger,
    longestExitPath,
    memory,
    name,
    payloadBytes,
    sha256,
  } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(name)}: build report</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(name)}</h1>
<dl>
${definition("Hypervisor", bytes(hypervisorBytes))}
${definition("Payloads", bytes(payloadBytes))}
${definition("CPUs used at most", String(cpuCapacity))}
${definition("Longest exit path", `${pathLength(longestExitPath)}${isBounded(longestExitPath) ? " instructions" : ""}`)}
</dl>
${longestExitPath.path.length === 0 ? "" : `<p class="path">${longestExitPath.path.map(code).join(" → ")}</p>`}
${longestExitPath.waits === undefined ? "" : `<p>Without the waits ${longestExitPath.waits.map(escaped).join(", and ")}, here and below.</p>`}
${section(
  "Paths by kind of exit",
  ["Exit", "Instructions, at least", "at most", "Its largest loops and functions"],
  byKey(exitPath).map(([kind, path]) => [
    cell(code(kind)),
    cell(grouped(path.least), "number"),
    cell(pathLength(path), "number"),
    cell(isBounded(path) ? parts(path) : path.path.map(code).join(" → ")),
  ]),
)}
${ledgerSection("Bytes by feature", ledger.byFeature)}
${ledgerSection("Bytes by source file", ledger.byFile)}
${section("Memory", ["Region", "Base", "Size", "Note"], memory.map(memoryRow))}
${section(
  "SHA-256",
  ["File", "Hash"],
  byKey(sha256).map(([file, hash]) => [cell(code(file)), cell(code(hash), "hash")]),
)}
</main>
</body>
</html>
`;
}

const style = `
:root { color-scheme: light dark; --line: #8884; --bar: #4a7fb5; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, code { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { opacity: .75; } dd { margin: 0; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.hash { min-width: 16rem; font-size: .8rem; }
.share { width: 30%; min-width: 4rem; }
.share span { display: block; height: .8rem; margin-top: .35rem; background: var(--bar); }
`;

const isBounded = (path: LongestExitPath): boolean => path.instructions !== "unbounded";

function pathLength({ instructions }: LongestExitPath): string {
  return instructions === "unbounded" ? "unbounded" : grouped(instructions);
}

/** What a path's length comes from: loops with their bounds, then functions with how often they are called. */
function parts({ loops = [], functions = [] }: LongestExitPath): string {
  const lines = [
    ...loops
      .slice(0, mostParts)
      .map(
        ({ symbol, turns, instructions, calls }) =>
          `${grouped(instructions)} in a loop of ${code(symbol)} that turns at most ${grouped(turns)} times` +
          (calls.length === 0 ? "" : ` and calls ${calls.map(code).join(", ")}`),
      ),
    ...functions
      .slice(0, mostParts)
      .map(
        ({ symbol, calls, instructions }) =>
          `${grouped(instructions)} in ${grouped(calls)} calls of ${code(symbol)}`,
      ),
  ];
  return lines.join("<br>");
}

/** Loops, and functions, that the page shows of one path. */
const mostParts = 5;

function ledgerSection(title: string, ledger: Readonly<Record<string, number>>): string {
  const rows = Object.entries(ledger).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const largest = Math.max(1, ...rows.map(([, size]) => size));
  const total = rows.reduce((sum, [, size]) => sum + size, 0);
  return section(
    title,
    ["What", "Bytes", ""],
    [
      ...rows.map(([what, size]) => [
        cell(code(what)),
        cell(grouped(size), "number"),
        cell(`<span style="width:${((100 * size) / largest).toFixed(1)}%"></span>`, "share"),
      ]),
      [
        cell("<strong>total</strong>"),
        cell(`<strong>${grouped(total)}</strong>`, "number"),
        cell("", "share"),
      ],
    ],
  );
}

function memoryRow(region: MemoryRegion): string[] {
  const base = region.base === undefined ? "chosen at boot" : code(`0x${region.base.toString(16)}`);
  return [
    cell(escaped(region.name)),
    cell(base),
    cell(bytes(region.sizeBytes), "number"),
    cell(escaped(region.note)),
  ];
}

function section(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th>${escaped(text)}</th>`).join("");
  const body = rows.map((row) => `<tr>${row.join("")}</tr>`).join("\n");
  return `<section>
<h2>${escaped(title)}</h2>
<div class="scroll"><table>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody></table></div>
</section>`;
}

function byKey<Value>(record: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function definition(term: string, text: string): string {
  return `<dt>${escaped(term)}</dt><dd>${escaped(text)}</dd>`;
}

function cell(html: string, className?: string): string {
  return className === undefined ? `<td>${html}</td>` : `<td class="${className}">${html}</td>`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function bytes(size: number): string {
  if (size < 10_240) return `${grouped(size)} B`;
  const [unit, name] = size < 10_485_760 ? [1024, "KiB"] : [1_048_576, "MiB"];
  return `${(size / unit).toFixed(1)} ${name} (${grouped(size)} B)`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
