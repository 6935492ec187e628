/** What a folder holds. */
export interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

/** A page that lists a folder, folders first. */
export function listing(path: string, entries: readonly Entry[]): string {
  const sorted = [...entries].sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1))
  const names = sorted.map(({ name, isFolder }) => (isFolder ? `${name}/` : name))
  // The path of the link is relative to this page: a name with a colon is no scheme behind `./`.
  const links = (path === '/' ? names : ['../', ...names]).map((name) => `<li><a href="./${escape(name.split('/').map(encodeURIComponent).join('/'))}">${escape(name)}</a></li>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escape(path)}</title>
<h1>${escape(path)}</h1>
<ul>
${links.join('\n')}
</ul>
</html>
`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}
