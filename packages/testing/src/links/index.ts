export type { HostileLink, HostileOptions } from './hostile-link.ts'
export {
  altering, blackHole, corrupting, duplicating, enforcingMtu, lossy, reordering, trailing, truncating, type ReorderingOptions,
} from './hostile.ts'
export {
  allOf, atMostTimes, bursts, everyNth, except, gilbertElliott, largerThan, matching, packetNumbers, someOf, sometimes, type GilbertElliottOptions, type PacketPattern,
  type PassingPacket,
} from './patterns.ts'
