/** Where the page of a code is, relative to the repository. */
export function diagnosticPage(code: string): string {
  return `docs/diagnostics/${code}.md`;
}
