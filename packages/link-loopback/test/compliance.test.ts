import { linkCompliance } from '@stack/testing'
import { it } from 'vitest'
import { loopback } from '../src/index.ts'

for (const { name, run } of linkCompliance(() => ({ link: loopback({ limit: 200 }), peer: null }))) it(`loopback: ${name}`, run)
