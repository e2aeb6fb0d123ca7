/** Which sources were measured. */
import { execFileSync } from "node:child_process";

/** A commit of the repository. */
export interface Commit {
  /** Its full hash. */
  readonly commit: string;
  /** When it was committed, ISO 8601. */
  readonly date: string;
  /** The sources were not those of the commit. */
  readonly changed?: true;
}

/**
 * The commit that is checked out in a folder.
 * @param apart a file, relative to the folder, whose change does not count
 */
export function currentCommit(folder: string, apart: string): Commit {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
  const [commit, date] = git("log", "-1", "--format=%H%n%cI").split("\n");
  const changes = git("status", "--porcelain", "--", ".", `:!${apart}`);
  return { commit, date, ...(changes !== "" && { changed: true }) };
}
