import type { Settings } from './options.ts'

/**
 * A copy of one shape with all others. A spread gives the first few objects of a program a shape each, and everything that reads
 * an option is compiled anew for them (docs/decisions/0015).
 */
export function copySettings(base: Settings): Settings {
  return {
    noDelay: base.noDelay,
    nagle: base.nagle,
    sendBuffer: base.sendBuffer,
    receiveBuffer: base.receiveBuffer,
    maxSendBuffer: base.maxSendBuffer,
    maxReceiveBuffer: base.maxReceiveBuffer,
    userTimeout: base.userTimeout,
    userTimeoutOption: base.userTimeoutOption,
    keepAlive: base.keepAlive,
    delayedAck: base.delayedAck,
    quickAcks: base.quickAcks,
    quickAckSmall: base.quickAckSmall,
    maximumSegmentSize: base.maximumSegmentSize,
    minimumSegmentSize: base.minimumSegmentSize,
    mtuProbing: base.mtuProbing,
    mtuProbeBase: base.mtuProbeBase,
    timestamps: base.timestamps,
    windowScale: base.windowScale,
    windowClamp: base.windowClamp,
    receiveLowWater: base.receiveLowWater,
    notSentLowWater: base.notSentLowWater,
    cork: base.cork,
    urgentInline: base.urgentInline,
    synRetries: base.synRetries,
    openErrors: base.openErrors,
    synLinearRetries: base.synLinearRetries,
    lingerTimeout: base.lingerTimeout,
    finWait2Timeout: base.finWait2Timeout,
    ecn: base.ecn,
    congestionControl: base.congestionControl,
    pacing: base.pacing,
    maxPacingRate: base.maxPacingRate,
    slowStartAfterIdle: base.slowStartAfterIdle,
    ttl: base.ttl,
    tos: base.tos,
    tailLossProbe: base.tailLossProbe,
    windowProbe: base.windowProbe,
    sack: base.sack,
    insecureReset: base.insecureReset,
    insecureSyn: base.insecureSyn,
    trace: base.trace,
    authentication: base.authentication,
  }
}
