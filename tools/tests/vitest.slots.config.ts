import { fileURLToPath } from 'node:url'
import { defaultExclude, defineConfig } from 'vitest/config'
import { fromSources } from '../../vitest.shared.ts'

/*
 * The suite once more, every stack with 64 packet slots and NICs without offloads: slower, but nothing leaks, hangs or throws.
 * A test that has more packets at once by its nature brings a memory of its own, and passes in both runs.
 */

/** What could not fail for want of slots: there is no reason to run it twice. */
const UNTOUCHED = {
  'have memories of their own, that are what they test': ['packages/buffer/test/**', 'tools/tests/test/copies.test.ts', 'tools/tests/test/transfer.test.ts'],
  'show that the suites for authors find what they are for; the packages run these suites here': ['packages/testing/test/compliance/**'],
  'have offloads by themselves, and compare with none': [
    'packages/core/test/segmentation.test.ts', 'packages/tcp/test/segmentation-offload.test.ts', 'tools/tests/test/{gro,gro-forwarding,merged-packets}.test.ts',
  ],
  'make no stack': [
    'packages/core/test/{address-table,demultiplexer,errors,events,fifo,neighbor-table,nud,options,path-mtu,port-allocator}.test.ts',
    'packages/core/test/{routing-table,scheduler,siphash,timing-wheel,trie,types}.test.ts',
    'packages/packetdrill/test/language*.test.ts', 'packages/simulation/test/plots.test.ts',
    'packages/*/test/{units,wire,wire-chain,wire-text,describe,select-source,static-files,program}.test.ts', 'packages/ip-common/test/**',
    'tools/tests/test/{manifests,seed}.test.ts',
  ],
}

export default defineConfig({
  ...fromSources,
  test: {
    name: '64 slots',
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['packages/*/test/**/*.test.ts', 'tools/tests/{test,slots}/**/*.test.ts'],
    exclude: [...defaultExclude, ...Object.values(UNTOUCHED).flat()],
    setupFiles: [fileURLToPath(new URL('slots/setup.ts', import.meta.url))],
    isolate: false,
    maxWorkers: '100%',
    // Some wait for real retransmission timeouts.
    testTimeout: 30_000,
  },
})
