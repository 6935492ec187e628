import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'tools/*/vitest.config.ts', 'tools/tests/vitest.alone.config.ts'],
    passWithNoTests: true,
    // All cores: vitest leaves one out, which is half of two.
    maxWorkers: '100%',
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'] },
  },
})
