import { defineProject } from 'vitest/config'
import { fromSources } from '../../vitest.shared.ts'

/** Tests that count bytes of the heap: what other tests taught the engine, such as fields that hold doubles, would count as well. */
export default defineProject({
  ...fromSources,
  test: { name: 'alone', include: ['alone/**/*.test.ts'], isolate: true, testTimeout: 30_000 },
})
