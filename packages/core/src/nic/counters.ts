import type { NicCounters } from '../stack/types.ts'

/** All at zero, always in the same order of properties. */
export function createNicCounters(): NicCounters {
  return {
    rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, rxMerged: 0,
    dropDisabled: 0, dropOtherHost: 0, dropMalformedLinkHeader: 0, dropUnknownProtocol: 0, dropTooShort: 0,
    dropQueueFull: 0, dropNeighborQueueFull: 0, dropLoopFull: 0, dropNoMemory: 0, dropTooLarge: 0, dropHook: 0,
    dropBadOffload: 0, dropLinkHeader: 0, dropLinkFailed: 0,
  }
}
