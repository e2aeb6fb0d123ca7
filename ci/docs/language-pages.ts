/** The language reference: a page for each construct, with the program that tests it and what it refuses. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue, type Entry } from "../../compiler/diagnostics/catalogue.ts";
import { constructs, rowTitle } from "../../compiler/lang/testing/constructs.ts";
import { featureEnding, featureNames } from "../../compiler/lang/testing/features.ts";
import { ts } from "../../compiler/source/ts.ts";
import { codeBlock, table } from "./markdown.ts";
import { SiteError, titleOf, type Pages } from "./site.ts";

const folder = "compiler/lang";
const entries = catalogue as Readonly<Record<string, Entry>>;

/** Codes of what a file of the compiler refuses, in order. */
export function refusedCodes(source: string): readonly string[] {
  const codes = new Set<string>();
  const namesIn = (node: ts.Node): void => {
    const code = ts.isStringLiteral(node) ? entries[node.text]?.code : undefined;
    if (code !== undefined) codes.add(code);
    ts.forEachChild(node, namesIn);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const callee = ts.isPropertyAccessExpression(expression) ? expression.name.text : undefined;
      if (callee === "refuse" && node.arguments[0] !== undefined) namesIn(node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true));
  return [...codes].sort();
}

/** What a program says of its construct in its first line. */
export function featureOf(program: string): string {
  const [, said] = /^\/\*\* Feature: (.+?) \*\/$/m.exec(program) ?? [];
  if (said === undefined)
    throw new SiteError("a construct's program does not say in its first line what it shows");
  return said;
}

function refusalRows(codes: readonly string[], pages: Pages): readonly (readonly string[])[] {
  return codes.map((code) => {
    const page = pages.get(`docs/diagnostics/${code}.md`);
    if (page === undefined) throw new SiteError(`${code} has no page in docs/diagnostics`);
    return [`[${code}](../diagnostics/${code}.md)`, titleOf(page).replace(`${code}: `, "")];
  });
}

const groups: Readonly<Record<string, string>> = {
  statements: "Statements",
  expressions: "Expressions",
  intrinsics: "Operations",
  "": "What they share",
};

/** `intrinsics/for-of` as `for-of`; no two constructs have the same. */
const shortName = (name: string): string => name.split("/").at(-1)!;

/** The pages of the language: each construct's, and their list. `pages` has those of the diagnostics. */
export async function languagePages(root: string, pages: Pages): Promise<Pages> {
  const made = new Map<string, string>();
  const listed: { readonly group: string; readonly cells: readonly string[] }[] = [];
  const known = await constructs();
  const names = new Set([...featureNames(), ...known.map((construct) => construct.name)]);
  for (const name of [...names].sort()) {
    const program = join(root, folder, name + featureEnding);
    const source = readFileSync(join(root, folder, `${name}.ts`), "utf8");
    const example = existsSync(program) ? readFileSync(program, "utf8") : undefined;
    const about =
      example === undefined
        ? "of the bare machine: there is nothing in Node to compare with."
        : featureOf(example);
    const rows = known.find((construct) => construct.name === name)?.rows ?? [];
    const codes = refusedCodes(source);
    const path = `docs/language/${shortName(name)}.md`;
    if (made.has(path)) throw new SiteError(`two constructs are called ${shortName(name)}`);
    made.set(
      path,
      [
        `# ${shortName(name)}`,
        about.charAt(0).toUpperCase() + about.slice(1),
        `The compiler has it in \`${folder}/${name}.ts\`.`,
        ...(rows.length === 0
          ? []
          : ["## What it takes", rows.map((row) => `\`${rowTitle(row)}\``).join(", ")]),
        "## What it refuses",
        codes.length === 0
          ? "Nothing of its own: what its parts are may be refused."
          : table(["code", "what is wrong"], refusalRows(codes, pages)),
        ...(example === undefined
          ? []
          : [
              "## A program",
              "It runs in Node and natively with the same values, and must give the same results.",
              codeBlock(example.replace(/^\/\*\* Feature: .+\n/, ""), "ts"),
            ]),
      ].join("\n\n"),
    );
    const group = name.includes("/") ? name.split("/")[0]! : "";
    listed.push({ group, cells: [`[${shortName(name)}](${shortName(name)}.md)`, about] });
  }
  const sections = Object.entries(groups).flatMap(([group, title]) => [
    `## ${title}`,
    table(
      ["construct", "what it is"],
      listed.filter((l) => l.group === group).map((l) => l.cells),
    ),
  ]);
  made.set(
    "docs/language/index.md",
    [
      "# Language reference",
      "Each construct of compiled code: what it takes, what it refuses, and a program of it. [The language](../guide/language.md) tells it as a whole.",
      ...sections,
    ].join("\n\n"),
  );
  return made;
}
