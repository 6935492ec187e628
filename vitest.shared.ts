import { defineProject } from 'vitest/config'
import type { UserProjectConfigExport } from 'vitest/config'

// Tests read the sources of every package, not its build. Setting conditions replaces
// Vite's defaults, so those are listed too, and again for server-side resolution.
const conditions = ['@stack/source', 'module', 'import', 'default', 'node']
const externalConditions = ['@stack/source', 'node', 'import', 'default']

/** Resolution that finds sources. */
export const fromSources = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions } } }

/** The vitest project of one package, named like its folder. Files of a worker share modules: loading them anew for each took as long as the tests. */
export function project(name: string): UserProjectConfigExport {
  return defineProject({
    ...fromSources,
    // Time is virtual; the limit is for what hangs, and a busy machine is no reason to fail.
    test: { name, include: ['test/**/*.test.ts'], isolate: false, testTimeout: 30_000 },
  })
}
