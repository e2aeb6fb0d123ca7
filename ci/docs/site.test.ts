import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { codeBlock, table } from "./markdown.ts";
import { repositoryPages, rewriteLinks, SiteError, titleOf, writeSource } from "./site.ts";

/** A repository of these files. */
function repository(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(root, { recursive: true }));
  const front = { "README.md": "# Front\n", "CONTRIBUTING.md": "# How\n", "CHANGELOG.md": "# What\n" };
  for (const [path, content] of Object.entries({ ...front, "docs/guide/a.md": "# A\n", ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}
/** What becomes of them, by path in the site. */
function siteOf(t: ExecutionContext, files: Readonly<Record<string, string>>): (path: string) => string {
  const root = repository(t, files);
  const out = join(root, "site");
  writeSource(root, new Map([...repositoryPages(root), ["docs/guide/index.md", "# Guide\n"]]), out);
  return (path) => readFileSync(join(out, path), "utf8");
}

test("links between pages are links of the site, whatever folder either is in, and keep their anchors", (t) => {
  const site = siteOf(t, {
    "README.md":
      "# Front\n[a](docs/guide/a.md#part) [the `guide`](docs/guide/) [![p](docs/p.svg)](CHANGELOG.md)\n",
    "docs/guide/a.md":
      "# A\n[front](../../README.md) [b](../decisions/b.md) [out](https://example.org/x) [here](#part)\n",
    "docs/decisions/b.md": "# B\n[a](../guide/a.md)\n",
    "docs/p.svg": "<svg/>",
  });
  t.true(site("index.md").includes("[a](./guide/a.md#part) [the `guide`](./guide/index.md)"));
  t.is(
    site("guide/a.md"),
    "# A\n[front](../index.md) [b](../decisions/b.md) [out](https://example.org/x) [here](#part)\n",
  );
  t.is(site("p.svg"), "<svg/>");
});

test("a link to a source file leads to a page with its text, one to a folder to a list of what is in it", (t) => {
  const site = siteOf(t, {
    "docs/guide/a.md": "# A\n[source](../../dsl/one.ts), [folder](../../dsl/)\n",
    "dsl/one.ts": "export const one = 1;\n",
  });
  t.is(site("guide/a.md"), "# A\n[source](../files/dsl/one.ts.md), [folder](../files/dsl.md)\n");
  t.is(site("files/dsl/one.ts.md"), "# dsl/one.ts\n\n```ts\nexport const one = 1;\n```\n");
  t.is(site("files/dsl.md"), "# dsl/\n\n- `one.ts`\n");
});

test("a link to what is not there is an error that names the page and the link", (t) => {
  for (const target of ["gone.md", "../../../outside.md"]) {
    t.throws(() => siteOf(t, { "docs/guide/a.md": `# A\n[x](${target})\n` }), {
      instanceOf: SiteError,
      message: `docs/guide/a.md links to ${target}, which is not there`,
    });
  }
});

test("what looks like a link in code is left", (t) => {
  const text = "`f[0](x)` and\n\n```ts\nf[0](x);\n```\n\n[`f`](y) [a `b` c](z)\n";
  t.is(
    rewriteLinks(text, (target) => target.toUpperCase()),
    text.replace("(y)", "(Y)").replace("(z)", "(Z)"),
  );
});

test("a page's title is its first heading, without marks", (t) => {
  t.is(titleOf("\n# TV2002: `as` on an integer\n\n# more"), "TV2002: `as` on an integer".replaceAll("`", ""));
  t.is(titleOf("# lcr {#lcr}"), "lcr");
  t.throws(() => titleOf("no heading"), { instanceOf: SiteError, message: "a page has no heading" });
});

test("a table's cells may have bars and line breaks, and a block of code may have fences", (t) => {
  t.is(table(["a"], [["x | y\nz"]]), "| a |\n| --- |\n| x \\| y z |");
  t.is(codeBlock("a\n```\nb\n", "md"), "````md\na\n```\nb\n````");
});
