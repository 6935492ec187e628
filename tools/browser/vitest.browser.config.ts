import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'

// A configuration of its own, started by `npm test`: a machine without Chromium runs the rest.
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions: ['@stack/source', 'module', 'browser', 'import', 'default'] },
  // Vite serves the sources of other packages of the workspace, too.
  server: { fs: { allow: ['../..'] } },
  test: {
    name: 'browser',
    include: ['test/**/*.test.ts'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath, args: ['--no-sandbox'] } }),
      instances: [{ browser: 'chromium' }],
    },
  },
})
