import { netem } from '@stack/link-netem'
import type { LabCase } from '../case.ts'
import { curl } from './http.ts'
import { everywhere } from './everywhere.ts'

const SIZE = 2_000_000

/** Packets lost in both directions: the same bytes arrive, later. */
export const lossCases: readonly LabCase[] = everywhere('curl, 2 MB each way with 5 % loss', ['curl', 'sha256sum'], (place) => curl(place, SIZE), {
  limit: 60_000,
  wrap: (link) => netem(link, { loss: 0.05, direction: 'both', seed: 1 }),
})
