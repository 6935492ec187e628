import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './arguments.ts'

/**
 * The scripts among the paths and below the folders among them, each once, in the order of their names.
 *
 * @throws UsageError for a path that does not exist
 */
export function collectScripts(paths: readonly string[]): string[] {
  return [...new Set(paths.flatMap((path) => (isFolder(path) ? scriptsBelow(path) : [path])))]
}

function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) throw new UsageError(`there is no ${path}`)
  return stats.isDirectory()
}

function scriptsBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : scriptsBelow(path)
    return entry.name.endsWith('.pkt') && isScript(path) ? [path] : []
  })
}

/** A link is followed; one that leads nowhere is no script. */
function isScript(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
