import test from "ava";
import { listPages, pagesIn } from "./lists.ts";

const pages = new Map([
  ["README.md", "# Front\n[b](docs/guide/b.md), [a](docs/guide/a.md)\n"],
  ["docs/guide/a.md", "# A\n"],
  ["docs/guide/b.md", "# B\n"],
  ["docs/guide/c.md", "# C\n"],
  ["docs/guide/part/d.md", "# D\n"],
  ["docs/diagnostics/TV2001.md", "# TV2001: `any` has no width\n"],
  ["docs/diagnostics/TV5101.md", "# TV5101: a name is taken\n"],
]);

test("a folder's pages come in the order in which the README names them, the others last", (t) => {
  t.deepEqual(
    pagesIn(pages, "guide").map(({ name, title }) => `${name} ${title}`),
    ["b B", "a A", "c C"],
  );
  t.true(listPages(pages).get("docs/guide/index.md")!.endsWith("- [B](b.md)\n- [A](a.md)\n- [C](c.md)"));
});

test("diagnostics are listed by number under what they are about, with their titles", (t) => {
  const list = listPages(pages).get("docs/diagnostics/index.md")!;
  const row = (code: string, title: string): string => `| [${code}](${code}.md) | ${title} |`;
  const [, compiled, , , declared] = list.split("\n## ").slice(1);
  t.true(
    compiled!.startsWith("What compiled code may not do") &&
      compiled!.includes(row("TV2001", "any has no width")),
  );
  t.true(
    declared!.startsWith("Declarations and manifest") && declared!.includes(row("TV5101", "a name is taken")),
  );
});
