/** Shows a built site on this machine alone. */
import { readFileSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** The file that a path of the site is; undefined where there is none. */
function fileOf(folder: string, path: string): string | undefined {
  const inside = normalize(decodeURIComponent(path));
  if (inside.includes("..")) return undefined;
  const candidates = [inside, `${inside}.html`, join(inside, "index.html")].map((name) => join(folder, name));
  return candidates.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** Serves a folder on the loopback address; port 0 takes a free one. */
export async function serveSite(
  folder: string,
  port: number,
): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const file = fileOf(folder, new URL(request.url ?? "/", "http://site").pathname);
    response.writeHead(file === undefined ? 404 : 200, {
      "content-type": types[extname(file ?? ".html")] ?? "text/plain",
    });
    response.end(readFileSync(file ?? join(folder, "404.html")));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
