import { netem } from '@stack/link-netem'
import type { LabCase } from '../case.ts'
import { curl } from './http.ts'
import { everywhere } from './everywhere.ts'

const SIZE = 20_000_000

/** Packets lost in both directions: the same bytes arrive, later. */
export const lossCases: readonly LabCase[] = everywhere('curl, 20 MB each way with 5 % loss', ['curl', 'sha256sum'], (place) => curl(place, SIZE), {
  limit: 90_000,
  wrap: (link) => netem(link, { loss: 0.05, direction: 'both', seed: 1 }),
})
